package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/woodytoys/woodytoys/internal/serving"
)

// runner runs one node.
type runner struct {
	cfg      config
	log      *slog.Logger
	addr     string // the node's
	peers    *peers
	commands chan decision // what operators say

	mu        sync.Mutex
	own       State    // without what the server says
	monitor   *monitor // nil while no server runs
	stopping  bool
	situation situation
	since     time.Time // when the situation changed last
	abreast   time.Time // when no other node had heard of more changes of members last
	begun     time.Time // when the program did

	stalls int // how many servers in a row have stalled; of run alone
}

// serve runs the node until ctx ends, or its server ends by itself.
func serve(ctx context.Context, cfg config, log *slog.Logger) error {
	listener, err := serving.Listen(cfg.Addr, log)
	if err != nil {
		return fmt.Errorf("WOODY_ADDR: %w", err)
	}
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	others := slices.DeleteFunc(slices.Clone(cfg.order), func(n node) bool { return n.name == cfg.Node })
	n := &runner{cfg: cfg, log: log, peers: newPeers(others, port), commands: make(chan decision), begun: time.Now()}
	n.enter(waiting, "begins")
	server := http.Server{Handler: n.handler(), ReadTimeout: 10 * time.Second, WriteTimeout: 10 * time.Second}
	go func() { _ = server.Serve(listener) }() // until Close
	defer server.Close()
	announced, err := serving.Announce(cfg.ListeningFile, "WOODY_ADDR", listener.Addr().String())
	if err != nil {
		return err
	}
	defer announced.Remove()
	asking, stop := context.WithCancel(context.Background()) // the others are seen until the server has ended
	defer stop()
	go n.peers.run(asking)
	if err := n.run(ctx); err != nil && ctx.Err() == nil {
		return err
	}
	return nil
}

// run waits for the node's turn, and runs its server, again and again.
func (n *runner) run(ctx context.Context) (err error) {
	if n.addr, err = n.findAddress(ctx); err != nil {
		return err
	}
	if err := n.makeFolders(); err != nil {
		return err
	}
	for {
		if err := n.awaitRoom(ctx); err != nil {
			return err
		}
		if err := n.inspect(ctx); err != nil {
			return err
		}
		todo, err := n.awaitTurn(ctx)
		if err != nil {
			return err
		}
		if err := n.runServer(ctx, todo); err != nil || ctx.Err() != nil {
			return err
		}
	}
}

// findAddress returns the node's address, as soon as DNS has it.
func (n *runner) findAddress(ctx context.Context) (string, error) {
	if n.cfg.NodeAddr != "" {
		return n.cfg.NodeAddr, nil
	}
	self := n.cfg.order[slices.Index(n.cfg.names(), n.cfg.Node)]
	if net.ParseIP(self.addr) != nil {
		return self.addr, nil
	}
	for {
		addr, err := self.ownAddress(ctx)
		if err == nil {
			return addr, nil
		}
		n.enter(waiting, "no address yet: "+err.Error())
		select {
		case <-ctx.Done():
			return "", ctx.Err()
		case <-time.After(lookEvery):
		}
	}
}

func (n *runner) makeFolders() error {
	for _, dir := range []string{n.cfg.DataDir, n.cfg.RunDir, n.cfg.tmpDir()} {
		if err := os.MkdirAll(dir, 0o750); err != nil {
			return err
		}
	}
	return replaceFile(n.cfg.optionPath(), n.cfg.optionFile(n.addr))
}

// inspect finds out what data the node has. Until it has, others do not begin without it.
func (n *runner) inspect(ctx context.Context) error {
	n.mu.Lock()
	n.own.Data, n.own.UUID, n.own.Seqno = unseen, "", 0
	n.mu.Unlock()
	has, at, err := folder(n.cfg.DataDir).inspect()
	if err == nil && at.uuid != "" && at.seqno < 0 {
		n.enter(waiting, "looks how far its data goes")
		at, err = n.cfg.recoveredPosition(ctx)
	}
	if err != nil {
		return err
	}
	n.mu.Lock()
	n.own.Data, n.own.UUID, n.own.Seqno = has, at.uuid, at.seqno
	n.mu.Unlock()
	return nil
}

// awaitTurn waits until the rule, or an operator, has the node start its server.
func (n *runner) awaitTurn(ctx context.Context) (decision, error) {
	for {
		states, _ := n.states()
		todo := begin(n.cfg.Node, n.cfg.names(), states, 0)
		if todo.act != stay {
			return todo, nil
		}
		n.enter(waiting, todo.why)
		select {
		case <-ctx.Done():
			return decision{}, ctx.Err()
		case todo := <-n.commands:
			return todo, nil
		case <-time.After(lookEvery):
		}
	}
}

// runServer starts the server and stays until it has ended. It returns an error if the server ended by itself while it
// was part of the cluster, and nil if the node is to wait for its turn again.
func (n *runner) runServer(ctx context.Context, todo decision) error {
	n.enter(starting, todo.why)
	n.anew()
	options, err := n.startOptions(ctx, todo.act)
	if err != nil {
		return err
	}
	members := joinable(n.peers.states())
	if (todo.act == join) != (members != "") {
		return nil // meanwhile whoever it was to join went silent, or another one has begun
	}
	if todo.act == join {
		options = append(options, "--wsrep-cluster-address=gcomm://"+members)
	}
	m, err := newMonitor(n.cfg)
	if err != nil {
		return err
	}
	s, err := startServer(n.cfg, n.log, options...)
	if err != nil {
		return err
	}
	watching, stop := context.WithCancel(context.Background())
	defer stop()
	go m.run(watching, n.log)
	n.watch(m)
	defer n.watch(nil)
	return n.accompany(ctx, s, m, todo.act)
}

// startOptions makes the folder such that the server can begin, or join, and returns the options for that.
func (n *runner) startOptions(ctx context.Context, how act) (options []string, err error) {
	f, own := folder(n.cfg.DataDir), n.state()
	if own.Data == cluster {
		options = append(options, "--wsrep-start-position="+position{own.UUID, own.Seqno}.String())
	}
	if how == join {
		if own.Data == none {
			return options, f.empty()
		}
		return options, nil
	}
	switch own.Data {
	case none:
		err = n.cfg.install(ctx)
	case cluster:
		err = allowBootstrap(n.cfg.DataDir)
	default:
		if err = f.adopt(); err == nil {
			err = n.cfg.runStatements(ctx)
		}
	}
	return append(options, "--wsrep-new-cluster", "--wsrep-cluster-address=gcomm://"), err
}

// joinable returns the nodes that are part of a cluster, as the server is to have them. It is empty where none is any
// more: a server that was started with no address would begin a cluster.
func joinable(states map[string]State, addrs map[string]string) string {
	var list []string
	for name, addr := range addrs {
		if states[name].Primary {
			list = append(list, addr)
		}
	}
	slices.Sort(list)
	return strings.Join(list, ",")
}

// accompany follows the server from its start to its end.
func (n *runner) accompany(ctx context.Context, s *server, m *monitor, how act) error {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	var opened bool
	var dog watchdog
	var users attempt
	for {
		select {
		case <-s.done:
			return n.ended(ctx, s)
		case <-ctx.Done():
			n.stop(s)
			return nil
		case todo := <-n.commands:
			n.promote(ctx, m, todo)
		case <-tick.C:
		}
		seen, ok := m.status()
		if n.state().Phase == starting && ok && seen.primary && (seen.synced || seen.donor) {
			if err := n.enterCluster(ctx, m, how, &users); err != nil {
				n.stop(s)
				return err
			}
		}
		if ok && seen.synced {
			n.stalls = 0
		}
		opened = opened || m.connectable()
		all := signs{status: seen, ok: ok, opened: opened, phase: n.state().Phase, begins: how == bootstrap,
			crowded: n.isCrowded()}
		if fault := dog.observe(all, time.Now()); fault != well {
			return n.endFaulty(s, fault)
		}
		if todo := n.nextWhile(how); todo.act == promote {
			n.promote(ctx, m, todo)
		} else if todo.act == leave {
			n.log.Warn("the server is stopped", "why", todo.why)
			s.stop()
			return nil
		}
	}
}

// nextWhile returns what the rule has the node do while its server runs, and has the node say why.
func (n *runner) nextWhile(how act) decision {
	states, _ := n.states()
	todo := begin(n.cfg.Node, n.cfg.names(), states, n.unchanged(states))
	if how == bootstrap && n.state().Phase == starting {
		todo = decision{stay, "begins a cluster"} // it waits for nobody; the watchdog bounds it
	}
	if todo.act != leave {
		n.say(todo.why)
	}
	return todo
}

// endFaulty ends a server that does not recover by itself, so that the node waits for its turn again.
func (n *runner) endFaulty(s *server, of fault) error {
	switch of {
	case stalled:
		return n.stalled(s)
	case hung, wedged:
		n.log.Warn(string(of) + ": it starts anew")
		s.kill() // it would not hear that it is to stop
	default:
		n.log.Warn(string(of) + ": it starts anew")
		s.stop()
	}
	return nil
}

// ended returns what the end of the server means: while it joins, nothing but that it must be tried again.
func (n *runner) ended(ctx context.Context, s *server) error {
	if n.state().Phase == starting {
		n.log.Warn("the server ended before it was part of a cluster", "err", s.err)
		select {
		case <-time.After(silence): // not again at once: what keeps it may keep it for long
		case <-ctx.Done():
		}
		return nil
	}
	return fmt.Errorf("the server ended: %w", errors.Join(s.err, errors.New("its log says why")))
}

// enterCluster makes the node one that counts, now that its server is part of the cluster. Before, users and the
// database are made by the server that began it, and by the first node whenever it joins, whose file may be newer than
// the cluster. It does not wait for them, and is to be called again: a node that joins, or one that vanished as it did,
// may hold such statements up for as long as it likes, and meanwhile the server may end.
func (n *runner) enterCluster(ctx context.Context, m *monitor, how act, users *attempt) error {
	if how == bootstrap || n.cfg.UsersFile != "" && n.cfg.Node == n.cfg.order[0].name { // never two at once
		made, err := users.succeeded(func() error { return n.makeUsers(ctx, m) })
		switch {
		case err != nil && how != bootstrap: // the cluster has users
			n.log.Warn("the statements of WOODY_DB_USERS_FILE were not run", "err", err)
		case err != nil && !mayPass(err):
			return err
		case err != nil:
			n.log.Warn("users and the database are not made yet; it is tried again", "err", err)
			return nil
		case !made:
			return nil
		}
	}
	if err := folder(n.cfg.DataDir).clearMarkers(); err != nil {
		return err
	}
	n.enter(running, "part of the cluster")
	return nil
}

// makeUsers makes what is missing of users and databases, within usersTimeout.
func (n *runner) makeUsers(ctx context.Context, m *monitor) error {
	statements, err := n.cfg.statements()
	if err != nil {
		return err
	}
	within, cancel := context.WithTimeout(ctx, usersTimeout)
	defer cancel()
	return m.runStatements(within, statements)
}

func (n *runner) promote(ctx context.Context, m *monitor, todo decision) {
	n.log.Warn("the server begins a cluster", "why", todo.why)
	within, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if err := m.promote(within); err != nil {
		n.log.Error("the server does not begin a cluster", "err", err)
	}
}

// stop lets the proxies and the other nodes see that this one goes, and stops the server.
func (n *runner) stop(s *server) {
	n.mu.Lock()
	n.stopping = true
	n.mu.Unlock()
	select {
	case <-time.After(n.cfg.DrainDelay):
	case <-s.done:
	}
	s.stop()
}
