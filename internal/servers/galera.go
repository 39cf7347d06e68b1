package servers

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Galera is the nodes of a Galera cluster, all of which take writes.
type Galera struct {
	Nodes []*GaleraNode
}

// GaleraNode is a MariaDB server that is a node of a cluster.
type GaleraNode struct {
	*MariaDB
	group string // where the other nodes reach it
}

// galeraLibrary is where Debian's package and the official image have it.
const galeraLibrary = "/usr/lib/galera/libgalera_smm.so"

// StartGalera starts a cluster of so many nodes, which begin with nothing but a user root who has no password. Each
// listens on a socket file for clients, and on 127.0.0.1 for the others. A node that says nothing for two seconds is no
// longer one of them.
func StartGalera(count int) (*Galera, error) {
	g := &Galera{Nodes: make([]*GaleraNode, count)}
	errs := make([]error, count)
	var installing sync.WaitGroup
	for i := range count {
		installing.Go(func() { g.Nodes[i], errs[i] = installNode(i) })
	}
	installing.Wait()
	err := errors.Join(errs...)
	for i, n := range g.Nodes {
		// Each node that joins is a change that has a number of its own: the next one needs the last of these.
		if err == nil {
			err = n.start(g.Nodes[:i])
		}
		if err == nil {
			err = (&Galera{Nodes: g.Nodes[:i+1]}).AwaitWhole()
		}
	}
	if err != nil {
		g.Close()
		return nil, err
	}
	return g, nil
}

// installNode makes a node that is not started.
func installNode(i int) (*GaleraNode, error) {
	if _, err := os.Stat(galeraLibrary); err != nil {
		return nil, fmt.Errorf("galera-4 is not installed (scripts/need galera): %w", err)
	}
	var at [3]string
	for j := range at {
		port, err := FreePort("127.0.0.1")
		if err != nil {
			return nil, err
		}
		at[j] = "127.0.0.1:" + port
	}
	dir, err := os.MkdirTemp("", "woody-galera")
	if err != nil {
		return nil, err
	}
	n := &GaleraNode{MariaDB: &MariaDB{dir: dir}, group: at[0]}
	n.AddOptions("--wsrep-on=ON", "--wsrep-provider="+galeraLibrary, "--wsrep-node-address="+n.group,
		fmt.Sprint("--wsrep-node-name=node", i+1),
		"--wsrep-provider-options=gmcast.listen_addr=tcp://"+n.group+";ist.recv_addr="+at[1]+";gcache.size=32M;"+
			"evs.keepalive_period=PT0.5S;evs.suspect_timeout=PT2S;evs.inactive_timeout=PT4S",
		"--wsrep-sst-method=mariabackup", "--wsrep-sst-auth=root:", "--wsrep-sst-receive-address="+at[2],
		"--wsrep-auto-increment-control=OFF", "--binlog-format=ROW", "--innodb-autoinc-lock-mode=2")
	return n, n.install()
}

// start starts a node that joins others, or begins the cluster where there are none. It copies nothing: all have what a
// server has that was just installed.
func (n *GaleraNode) start(others []*GaleraNode) error {
	if len(others) == 0 {
		n.AddOptions("--wsrep-cluster-address=gcomm://")
		return n.Restart()
	}
	var cluster, number string
	if err := errors.Join(others[0].Status("wsrep_cluster_state_uuid", &cluster),
		others[0].Status("wsrep_last_committed", &number)); err != nil {
		return err
	}
	state := "version: 2.1\nuuid: " + cluster + "\nseqno: " + number + "\nsafe_to_bootstrap: 0\n"
	if err := os.WriteFile(filepath.Join(n.Data(), "grastate.dat"), []byte(state), 0o600); err != nil {
		return err
	}
	return n.join(others, cluster+":"+number)
}

func (n *GaleraNode) join(others []*GaleraNode, position string) error {
	var addresses []string
	for _, other := range others {
		addresses = append(addresses, other.group)
	}
	n.AddOptions("--wsrep-start-position="+position, "--wsrep-cluster-address=gcomm://"+strings.Join(addresses, ","))
	return n.Restart()
}

// Status reads a status variable of a node, such as wsrep_local_state_comment.
func (n *GaleraNode) Status(variable string, value *string) error {
	return n.query(value, "SELECT variable_value FROM information_schema.global_status WHERE variable_name = ?",
		variable)
}

// Isolate cuts a node off from the others, or connects it again. Its clients still reach it.
func (n *GaleraNode) Isolate(cut bool) error {
	value := "0"
	if cut {
		value = "1"
	}
	return n.SetProvider("gmcast.isolate=" + value)
}

// SetProvider sets options of a node that runs, such as "pc.weight=2".
func (n *GaleraNode) SetProvider(options string) error {
	return n.exec("SET GLOBAL wsrep_provider_options = '" + options + "'")
}

// BorrowGalera returns nodes that another process has started, by their Data, as BorrowMariaDB does a server.
func BorrowGalera(data ...string) *Galera {
	g := &Galera{}
	for _, folder := range data {
		g.Nodes = append(g.Nodes, &GaleraNode{MariaDB: BorrowMariaDB(folder)})
	}
	return g
}

// AwaitWhole waits until all nodes know each other, and have what the others have.
func (g *Galera) AwaitWhole() error {
	for _, n := range g.Nodes {
		err := n.AwaitReady(Patience, func() error {
			var state, size string
			if err := errors.Join(n.Status("wsrep_local_state_comment", &state),
				n.Status("wsrep_cluster_size", &size)); err != nil {
				return err
			}
			if state != "Synced" || size != fmt.Sprint(len(g.Nodes)) {
				return fmt.Errorf("a node is %s, in a cluster of %s", state, size)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// Close ends all nodes.
func (g *Galera) Close() {
	for _, n := range slices.Backward(g.Nodes) {
		if n == nil {
			continue
		}
		if n.Process != nil {
			n.Signal(syscall.SIGCONT)
			n.Stop(10 * time.Second)
		}
		os.RemoveAll(n.dir)
	}
}
