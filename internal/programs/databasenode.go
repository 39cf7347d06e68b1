package programs

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/woodytoys/woodytoys/internal/servers"
)

// DatabaseNode is one node of a DatabaseCluster: the program database, and the server that it runs. Like Swarm, the
// node starts the program again when it ends by itself.
type DatabaseNode struct {
	// Name is database, database2 or database3.
	Name string
	// IP is its address, where it has MariaDB's and Galera's usual ports, and HTTP on 9200.
	IP string

	program  string
	dir      string
	settings []string
	disk     *servers.Disk // nil for none of its own

	mu      sync.Mutex
	process *servers.Process
	starts  int
	down    bool           // nobody is to start it again
	keeping sync.WaitGroup // the goroutine that does
}

// DatabaseState is what a node says of itself. The program's State has the words for each field.
type DatabaseState struct {
	Name, Phase, Why, Data, UUID    string
	Seqno, Queue, View              int64
	Primary, Synced, Donor          bool
	Size                            int
	Behind, Lagging, Writer, Reader bool
	DiskFull                        bool `json:"disk_full"`
}

// restartDelay is the stack's.
const restartDelay = time.Second

// Restart starts the node again, after Kill, Stop or LoseVolume. It does not wait until the node is ready.
func (n *DatabaseNode) Restart() error {
	n.keeping.Wait()
	n.mu.Lock()
	defer n.mu.Unlock()
	n.down = false
	if err := n.startLocked(); err != nil {
		return err
	}
	n.keeping.Go(n.keep)
	return nil
}

func (n *DatabaseNode) startLocked() error {
	cmd := exec.Command(n.program)
	configure(cmd, n.settings)
	n.starts++
	process, err := servers.Start(cmd, n.logFile(n.starts))
	if err == nil {
		n.process = process
	}
	return err
}

// keep starts the program again whenever it ends, until the node is taken down.
func (n *DatabaseNode) keep() {
	for {
		<-n.Process().Done()
		time.Sleep(restartDelay)
		n.mu.Lock()
		if n.down || n.startLocked() != nil {
			n.mu.Unlock()
			return
		}
		n.mu.Unlock()
	}
}

// Process returns the program as it runs now, or ran last.
func (n *DatabaseNode) Process() *servers.Process {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.process
}

// takeDown marks the node as down, so that it is not restarted, and returns its process.
func (n *DatabaseNode) takeDown() *servers.Process {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.down = true
	return n.process
}

// Kill ends the program, its server and all that they started at once, as the loss of the machine would.
func (n *DatabaseNode) Kill() {
	process := n.takeDown()
	family := descendants(process.PID())
	process.Kill()
	for _, pid := range family {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	for _, pid := range family {
		for alive(pid) {
			time.Sleep(time.Millisecond)
		}
	}
}

// Stop asks the node to end in order (SIGTERM), and waits until it has.
func (n *DatabaseNode) Stop() {
	n.takeDown().Stop(servers.Patience)
}

// KillServer ends the server alone at once. The program then ends too, and is started again.
func (n *DatabaseNode) KillServer() error { return n.signalServer(syscall.SIGKILL) }

// Pause stops the server without a word (SIGSTOP), until Resume: its connections stay, and nothing comes back on them.
func (n *DatabaseNode) Pause() error { return n.signalServer(syscall.SIGSTOP) }

// Resume ends a pause.
func (n *DatabaseNode) Resume() error { return n.signalServer(syscall.SIGCONT) }

func (n *DatabaseNode) signalServer(signal syscall.Signal) error {
	pid, err := n.ServerPID()
	if err != nil {
		return err
	}
	return syscall.Kill(pid, signal)
}

// Isolate cuts the server off from the other nodes, until Rejoin. It goes on being reached by everybody else.
func (n *DatabaseNode) Isolate() error { return n.provider("gmcast.isolate=1") }

// Rejoin ends an isolation.
func (n *DatabaseNode) Rejoin() error { return n.provider("gmcast.isolate=0") }

func (n *DatabaseNode) provider(option string) error {
	_, err := n.Exec("SET GLOBAL wsrep_provider_options='" + option + "'")
	return err
}

// Hold stops the server from applying what other nodes write, until release is called: it is behind them, and serves
// what it has to whoever does not wait for the rest.
func (n *DatabaseNode) Hold() (release func() error, err error) {
	db, err := n.open()
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1) // the lock is the connection's
	db.SetMaxIdleConns(1)
	if _, err := db.Exec("FLUSH TABLES WITH READ LOCK"); err != nil {
		db.Close()
		return nil, err
	}
	return func() error {
		_, err := db.Exec("UNLOCK TABLES")
		return errors.Join(err, db.Close())
	}, nil
}

// Exec runs a statement on the server, as its administrator and over its socket.
func (n *DatabaseNode) Exec(statement string) (sql.Result, error) {
	db, err := n.open()
	if err != nil {
		return nil, err
	}
	defer db.Close()
	ctx, cancel := context.WithTimeout(context.Background(), servers.Patience)
	defer cancel()
	return db.ExecContext(ctx, statement)
}

// Status returns one of the server's status variables, such as wsrep_local_state_comment.
func (n *DatabaseNode) Status(name string) (value string, err error) {
	db, err := n.open()
	if err != nil {
		return "", err
	}
	defer db.Close()
	err = db.QueryRow("SHOW GLOBAL STATUS LIKE '"+name+"'").Scan(&name, &value)
	return value, err
}

func (n *DatabaseNode) open() (*sql.DB, error) {
	cfg := mysql.NewConfig()
	cfg.User, cfg.Net, cfg.Addr = "root", "unix", filepath.Join(n.dir, "run", "mysqld.sock")
	cfg.Logger = &mysql.NopLogger{}
	return sql.Open("mysql", cfg.FormatDSN())
}

// DSN returns how the shop's user reaches this node's server past the proxy.
func (n *DatabaseNode) DSN() string { return databaseDSN(n.IP + ":3306") }

// Data returns the folder of the server's data.
func (n *DatabaseNode) Data() string { return filepath.Join(n.dir, "data") }

// LoseVolume removes the data of a node that is down.
func (n *DatabaseNode) LoseVolume() error {
	entries, err := os.ReadDir(n.Data())
	for _, entry := range entries {
		err = errors.Join(err, os.RemoveAll(filepath.Join(n.Data(), entry.Name())))
	}
	return err
}

// FillDisk writes a file where the data is until nothing more can be written, and FreeDisk removes it. Both need
// DatabaseClusterConfig.DiskSize.
func (n *DatabaseNode) FillDisk() error { return n.disk.Fill() }

// FreeDisk ends what FillDisk did.
func (n *DatabaseNode) FreeDisk() error { return n.disk.Free() }

// State returns what the node says of itself; an error while it is silent.
func (n *DatabaseNode) State() (s DatabaseState, err error) {
	client := http.Client{Timeout: 2 * time.Second}
	response, err := client.Get("http://" + n.IP + ":9200/state")
	if err != nil {
		return s, err
	}
	defer response.Body.Close()
	return s, json.NewDecoder(response.Body).Decode(&s)
}

// Await waits until the node's state is such as wanted, for up to four minutes: it may have to wait until another node
// has got all data. What names that in the error.
func (n *DatabaseNode) Await(what string, wanted func(DatabaseState) bool) error {
	deadline := time.Now().Add(2 * servers.Patience)
	for {
		state, err := n.State()
		if err == nil && wanted(state) {
			return nil
		}
		if time.Now().After(deadline) {
			log := n.Log()
			return fmt.Errorf("%s is not %s: %+v, %v\n%s", n.Name, what, state, err, log[max(0, len(log)-10_000):])
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// AwaitSynced waits until the node is a full part of the cluster, as Await does.
func (n *DatabaseNode) AwaitSynced() error {
	return n.Await("synced", func(s DatabaseState) bool { return s.Primary && s.Synced && !s.Behind })
}

// Command runs the program beside the one that runs, with an argument such as bootstrap, and returns what it prints.
func (n *DatabaseNode) Command(argument string) (string, error) {
	cmd := exec.Command(n.program, argument)
	configure(cmd, n.settings)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// Log returns what the program, and the server, have printed since the node was made.
func (n *DatabaseNode) Log() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	var text []byte
	for i := range n.starts {
		of, _ := os.ReadFile(n.logFile(i + 1)) // missing where it was not started
		text = append(text, of...)
	}
	return string(text)
}

func (n *DatabaseNode) logFile(start int) string {
	return filepath.Join(n.dir, fmt.Sprintf("log.%d", start))
}

// ServerPID returns the id of the server's process.
func (n *DatabaseNode) ServerPID() (int, error) {
	for _, pid := range childrenOf(n.Process().PID()) {
		if name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid)); err == nil &&
			strings.HasPrefix(string(name), "mariadbd") {
			return pid, nil
		}
	}
	return 0, errors.New("the server of " + n.Name + " does not run")
}

// descendants returns the children of a process, theirs, and so on.
func descendants(pid int) (family []int) {
	for _, child := range childrenOf(pid) {
		family = append(append(family, child), descendants(child)...)
	}
	return family
}

// childrenOf returns the children of a process, of whichever of its threads.
func childrenOf(pid int) (children []int) {
	files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, file := range files {
		text, _ := os.ReadFile(file) // gone by now
		for _, word := range strings.Fields(string(text)) {
			if child, err := strconv.Atoi(word); err == nil {
				children = append(children, child)
			}
		}
	}
	return children
}

// alive reports whether a process runs: one that has ended and was not waited for does not.
func alive(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	state := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))[0]
	return state != "Z" && state != "X"
}
