package programs

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"

	"github.com/woodytoys/woodytoys/internal/servers"
)

// DatabaseClusterConfig is how a cluster is set up.
type DatabaseClusterConfig struct {
	// Program is the program database. Default: it is built.
	Program string
	// Settings are more settings of the nodes ("WOODY_X=…"), of which the last counts.
	Settings []string
	// Data returns the folder whose content a node is to begin with, empty for none. Default: nil, none for all.
	Data func(node string) string
	// DiskSize gives each node a disk of its own for its data, in memory, of so many bytes: 300 MB are enough for a few
	// rows. Only root may have that. Default: 0, none.
	DiskSize int64
}

// DatabaseCluster is three nodes, and the proxy before them with the configuration that ships, each node on a loopback
// address of its own.
type DatabaseCluster struct {
	// Nodes are in the order in which they take writes.
	Nodes []*DatabaseNode
	// Proxy stands before them.
	Proxy *DatabaseProxy
	// WriteDSN leads to the node that takes writes, ReadDSN to those that serve reads.
	WriteDSN, ReadDSN string

	dir string
}

// BuildDatabase builds the database command of this module into a file. It must be called from within the module.
func BuildDatabase(file string) error { return build("database", file) }

// StartDatabaseCluster starts the nodes and the proxy, and waits until all are synced and both ways are open. Close
// ends them. It must be called from within the module.
func StartDatabaseCluster(cfg DatabaseClusterConfig) (*DatabaseCluster, error) {
	c, err := newDatabaseCluster(cfg)
	if err != nil {
		return nil, err
	}
	for _, n := range c.Nodes {
		if err := n.Restart(); err != nil {
			c.Close()
			return nil, err
		}
	}
	if err := c.AwaitWell(); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// newDatabaseCluster is like StartDatabaseCluster, but no node runs yet: each begins by its Restart.
func newDatabaseCluster(cfg DatabaseClusterConfig) (*DatabaseCluster, error) {
	if err := lookAtFiles("database"); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "woody-database")
	if err != nil {
		return nil, err
	}
	c := &DatabaseCluster{dir: dir}
	if err = c.makeNodes(cfg); err == nil {
		err = c.startProxy()
	}
	if err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

func (c *DatabaseCluster) makeNodes(cfg DatabaseClusterConfig) error {
	program := filepath.Join(c.dir, "program")
	if cfg.Program != "" {
		program = cfg.Program
	} else if err := BuildDatabase(program); err != nil {
		return err
	}
	if err := c.shortenSleep(); err != nil {
		return err
	}
	ips, err := FreeAddresses(3)
	if err != nil {
		return err
	}
	names := []string{"database", "database2", "database3"}
	nodes := make([]string, len(names))
	for i, name := range names {
		nodes[i] = name + "=" + ips[i]
	}
	for i, name := range names {
		n := &DatabaseNode{Name: name, IP: ips[i], program: program, dir: filepath.Join(c.dir, name), down: true}
		c.Nodes = append(c.Nodes, n)
		if err := n.makeFolder(cfg); err != nil {
			return err
		}
		n.settings = append([]string{
			"WOODY_ADDR=" + ips[i] + ":9200", "WOODY_DB_NODE=" + name, "WOODY_DB_NODES=" + strings.Join(nodes, ","),
			"WOODY_DATA_DIR=" + n.Data(), "WOODY_DB_RUN_DIR=" + filepath.Join(n.dir, "run"),
			"WOODY_DB_PASSWORD=" + databasePassword, "WOODY_DB_BUFFER_POOL=64M", "WOODY_DB_WRITE_SETS=32M",
			// A test may lose the server, and none of them the machine: what is written need not be on the disk.
			"WOODY_DB_OPTIONS=innodb-flush-method=nosync debug-no-sync",
			"PATH=" + os.Getenv("PATH") + ":/usr/sbin:/sbin", "BASH_ENV=" + c.bashEnv(),
		}, cfg.Settings...)
	}
	return nil
}

// makeFolder makes the folder of a node's data, with what it is to begin with.
func (n *DatabaseNode) makeFolder(cfg DatabaseClusterConfig) (err error) {
	if err := os.MkdirAll(n.Data(), 0o755); err != nil {
		return err
	}
	if cfg.DiskSize > 0 {
		if n.disk, err = servers.MountDisk(n.Data(), cfg.DiskSize); err != nil {
			return err
		}
	}
	if cfg.Data == nil || cfg.Data(n.Name) == "" {
		return nil
	}
	if out, err := exec.Command("cp", "-a", cfg.Data(n.Name)+"/.", n.Data()).CombinedOutput(); err != nil {
		return fmt.Errorf("copy the data of %s: %w\n%s", n.Name, err, out)
	}
	return nil
}

// shortenSleep shortens the waits of the scripts that send and receive all data of a node: the one that sends sleeps
// for ten seconds, for a receiver that our nodes try to reach again and again.
func (c *DatabaseCluster) shortenSleep() error {
	const function = "sleep() { [ \"$1\" != 10 ] || set -- 0.2; command sleep \"$@\"; }\n"
	return os.WriteFile(c.bashEnv(), []byte(function), 0o644)
}

// bashEnv is a file that bash reads before each script.
func (c *DatabaseCluster) bashEnv() string { return filepath.Join(c.dir, "bash-env") }

// databasePassword is the shop's user's, in tests.
const databasePassword = "woody's"

func databaseDSN(addr string) string { return "woody:" + databasePassword + "@tcp(" + addr + ")/woody" }

// FreeAddresses returns loopback addresses on which nobody uses a port of the nodes.
func FreeAddresses(n int) ([]string, error) {
	for range 100 {
		var ips []string
		network := fmt.Sprintf("127.%d.%d.", 64+rand.IntN(64), 1+rand.IntN(250))
		for i := range n {
			ips = append(ips, fmt.Sprint(network, i+1))
		}
		if allFree(ips) {
			return ips, nil
		}
	}
	return nil, errors.New("find addresses whose ports 3306, 4444, 4567, 4568 and 9200 are free")
}

func allFree(ips []string) bool {
	for _, ip := range ips {
		for _, port := range []string{"3306", "4444", "4567", "4568", "9200"} {
			ln, err := net.Listen("tcp", net.JoinHostPort(ip, port))
			if err != nil {
				return false
			}
			ln.Close()
		}
	}
	return true
}

// startProxy starts the proxy before the nodes' addresses.
func (c *DatabaseCluster) startProxy() (err error) {
	nodes := map[string]string{}
	for _, n := range c.Nodes {
		nodes[n.Name] = n.IP
	}
	if c.Proxy, err = StartDatabaseProxy(DatabaseProxyConfig{Nodes: nodes}); err != nil {
		return err
	}
	c.WriteDSN, c.ReadDSN = databaseDSN(c.Proxy.WriteAddr), databaseDSN(c.Proxy.ReadAddr)
	return nil
}

// AwaitWell waits until all nodes are synced, and the proxy leads to the first for writing and to the others for
// reading, for up to two minutes each.
func (c *DatabaseCluster) AwaitWell() error {
	for _, n := range c.Nodes {
		if err := n.AwaitSynced(); err != nil {
			return err
		}
	}
	want := map[string]string{}
	for i, n := range c.Nodes {
		want["writer/"+n.Name], want["readers/"+n.Name] = "DOWN", "UP"
		if i == 0 {
			want["writer/"+n.Name], want["readers/"+n.Name] = "UP", "DOWN"
		}
	}
	return c.Proxy.Await(want)
}

// Writer returns the node that says it takes writes, or nil while none does.
func (c *DatabaseCluster) Writer() *DatabaseNode {
	for _, n := range c.Nodes {
		if s, err := n.State(); err == nil && s.Writer {
			return n
		}
	}
	return nil
}

// Close ends all and removes their folders.
func (c *DatabaseCluster) Close() {
	var ending sync.WaitGroup
	for _, n := range c.Nodes {
		if n.Process() != nil {
			ending.Go(func() { n.Kill(); n.keeping.Wait() })
		}
	}
	ending.Wait()
	if c.Proxy != nil {
		c.Proxy.Close()
	}
	for _, n := range c.Nodes {
		if n.disk != nil {
			n.disk.Close()
		}
	}
	os.RemoveAll(c.dir)
}
