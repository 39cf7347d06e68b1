package servers

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/redis/go-redis/v9"
)

// MasterName is what the sentinels call the primary that they watch.
const MasterName = "woody"

// WatchedRedis is a primary Redis server, a copy of it, and three sentinels who watch both and put the copy in the
// primary's place if two of them do not reach that for half a second. Each server is reached by a wire, also by the
// sentinels and by the other one.
type WatchedRedis struct {
	Servers   [2]*Redis // the first was the primary at the beginning
	Wires     [2]*Wire  // the way to each server
	Sentinels []*Sentinel
}

// Sentinel is one of the sentinels of a WatchedRedis.
type Sentinel struct {
	*Process
	// Addr is where it listens, the same after each Restart.
	Addr   string
	dir    string
	client *redis.SentinelClient // kept: those who wait ask often, and TLS is dear
}

// StartWatchedRedis starts servers and sentinels, with TLS if certificates are given, and waits until all have found
// each other.
func StartWatchedRedis(certificates *Certificates) (*WatchedRedis, error) {
	w := &WatchedRedis{}
	if err := w.start(certificates); err != nil {
		w.Close()
		return nil, err
	}
	return w, nil
}

func (w *WatchedRedis) start(certificates *Certificates) (err error) {
	for i := range w.Servers {
		if err := w.startServer(i, certificates); err != nil {
			return err
		}
	}
	host, port, err := net.SplitHostPort(w.Wires[0].Addr)
	if err != nil {
		return err
	}
	if err := w.Servers[1].do("REPLICAOF", host, port); err != nil {
		return err
	}
	for range 3 {
		s, err := startSentinel(w.Wires[0].Addr, certificates)
		if err != nil {
			return err
		}
		w.Sentinels = append(w.Sentinels, s)
	}
	return w.AwaitWhole()
}

// startServer starts a server that announces its wire's address as its own.
func (w *WatchedRedis) startServer(i int, certificates *Certificates) (err error) {
	if w.Wires[i], err = StartWire("127.0.0.1:0"); err != nil {
		return err
	}
	host, port, err := net.SplitHostPort(w.Wires[i].Addr)
	if err != nil {
		return err
	}
	if w.Servers[i], err = startRedis(certificates, []string{
		"--replica-announce-ip", host, "--replica-announce-port", port, "--repl-ping-replica-period", "1",
	}); err != nil {
		return err
	}
	w.Wires[i].Retarget(w.Servers[i].Addr)
	return nil
}

func startSentinel(primary string, certificates *Certificates) (*Sentinel, error) {
	dir, err := os.MkdirTemp("", "woody-sentinel")
	if err != nil {
		return nil, err
	}
	port, err := FreePort("127.0.0.1")
	if err != nil {
		return nil, err
	}
	host, primaryPort, err := net.SplitHostPort(primary)
	if err != nil {
		return nil, err
	}
	settings := [][2]string{
		{"bind", "127.0.0.1"}, {"port", port}, {"dir", dir},
		{"sentinel", fmt.Sprintf("monitor %s %s %s 2", MasterName, host, primaryPort)},
		{"sentinel", "down-after-milliseconds " + MasterName + " 500"},
		{"sentinel", "failover-timeout " + MasterName + " 2000"},
	}
	if certificates != nil {
		settings = append(settings, certificates.redisSettings(port)...)
	}
	var text strings.Builder
	for _, setting := range settings {
		fmt.Fprintln(&text, setting[0], setting[1])
	}
	s := &Sentinel{Addr: "127.0.0.1:" + port, dir: dir}
	o := &redis.Options{Addr: s.Addr, Protocol: 2, DisableIdentity: true}
	if certificates != nil {
		o.TLSConfig = certificates.Client()
	}
	s.client = redis.NewSentinelClient(o)
	if err = os.WriteFile(s.file(), []byte(text.String()), 0o600); err == nil {
		err = s.Restart()
	}
	if err != nil {
		s.client.Close()
		os.RemoveAll(dir)
		return nil, err
	}
	return s, nil
}

// file returns the sentinel's configuration, in which it also stores its state.
func (s *Sentinel) file() string { return filepath.Join(s.dir, "sentinel.conf") }

// Restart starts the sentinel, after Kill or Stop ended it, with what it knew.
func (s *Sentinel) Restart() error {
	program, err := LookPath("redis-server")
	if err != nil {
		return err
	}
	if s.Process, err = Start(exec.Command(program, s.file(), "--sentinel"), filepath.Join(s.dir, "log")); err != nil {
		return err
	}
	return s.AwaitReady(Patience, s.hurry)
}

// hurry makes the sentinel check for changes more often than every ten seconds.
func (s *Sentinel) hurry() error {
	return s.ask(func(ctx context.Context, c *redis.SentinelClient) error {
		command := redis.NewStatusCmd(ctx, "SENTINEL", "DEBUG", "INFO-PERIOD", 200, "PUBLISH-PERIOD", 200,
			"PING-PERIOD", 100)
		return c.Process(ctx, command)
	})
}

// ask sends the sentinel a command.
func (s *Sentinel) ask(question func(context.Context, *redis.SentinelClient) error) error {
	return question(context.Background(), s.client)
}

// master returns the primary as this sentinel sees it.
func (s *Sentinel) master() (state map[string]string, err error) {
	err = s.ask(func(ctx context.Context, c *redis.SentinelClient) error {
		state, err = c.Master(ctx, MasterName).Result()
		return err
	})
	return state, err
}

// Addrs returns where the sentinels listen.
func (w *WatchedRedis) Addrs() (addrs []string) {
	for _, s := range w.Sentinels {
		addrs = append(addrs, s.Addr)
	}
	return addrs
}

// Primary returns the place in Servers of the primary, as a majority of the sentinels reports; an error where there is
// none.
func (w *WatchedRedis) Primary() (int, error) {
	votes := map[string]int{}
	for _, s := range w.Sentinels {
		if state, err := s.master(); err == nil {
			votes[net.JoinHostPort(state["ip"], state["port"])]++
		}
	}
	for i, wire := range w.Wires {
		if votes[wire.Addr] > len(w.Sentinels)/2 {
			return i, nil
		}
	}
	return 0, fmt.Errorf("the sentinels do not agree on a primary: %v", votes)
}

// AwaitWhole waits until all sentinels have found each other and the same primary, and the other server copies it.
func (w *WatchedRedis) AwaitWhole() error {
	return w.Sentinels[0].AwaitReady(Patience, w.whole)
}

func (w *WatchedRedis) whole() error {
	at, err := w.Primary()
	if err != nil {
		return err
	}
	for _, s := range w.Sentinels {
		state, err := s.master()
		switch {
		case err != nil:
			return err
		case state["flags"] != "master" || state["num-slaves"] != "1" || state["num-other-sentinels"] != "2",
			net.JoinHostPort(state["ip"], state["port"]) != w.Wires[at].Addr:
			return fmt.Errorf("a sentinel does not know all of the others: %v", state)
		}
	}
	copied, err := w.Servers[1-at].replication()
	if err == nil && (copied["role"] != "slave" || copied["master_link_status"] != "up") {
		err = fmt.Errorf("the copy does not follow: %v", copied)
	}
	return err
}

// MakePatient keeps the sentinels from a failover of their own for the next minute: on a
// busy machine half a second passes without a word.
func (w *WatchedRedis) MakePatient() error {
	for _, s := range w.Sentinels {
		err := s.ask(func(ctx context.Context, c *redis.SentinelClient) error {
			return c.Set(ctx, MasterName, "down-after-milliseconds", "60000").Err()
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// Failover makes the sentinels put the copy in the primary's place, though the primary is well, and waits until they
// have.
func (w *WatchedRedis) Failover() error {
	before, err := w.Primary()
	if err != nil {
		return err
	}
	first := w.Sentinels[0]
	err = first.AwaitReady(Patience, func() error {
		// It refuses as long as it has seen too little of the copy, and gives up where that is slow.
		state, err := first.master()
		if err != nil || net.JoinHostPort(state["ip"], state["port"]) != w.Wires[before].Addr {
			return err
		}
		return errors.Join(errors.New("the primary is where it was"), first.failover())
	})
	if err != nil {
		return fmt.Errorf("failover: %w", err)
	}
	return w.AwaitMove(before)
}

// failover makes the sentinel put a copy in the primary's place.
func (s *Sentinel) failover() error {
	return s.ask(func(ctx context.Context, c *redis.SentinelClient) error { return c.Failover(ctx, MasterName).Err() })
}

// AwaitMove waits until the sentinels have another primary than the one at a place in Servers.
func (w *WatchedRedis) AwaitMove(from int) error {
	return w.Sentinels[0].AwaitReady(Patience, func() error {
		at, err := w.Primary()
		if err == nil && at == from {
			err = errors.New("the primary is where it was")
		}
		return err
	})
}

// Close ends servers, sentinels and wires.
func (w *WatchedRedis) Close() {
	for _, s := range w.Sentinels {
		s.Kill()
		s.client.Close()
		os.RemoveAll(s.dir)
	}
	for i := range w.Servers {
		if w.Servers[i] != nil {
			w.Servers[i].Close()
		}
		if w.Wires[i] != nil {
			w.Wires[i].Close()
		}
	}
}
