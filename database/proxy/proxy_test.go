package databaseproxy_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/internal/programs"
	"github.com/woodytoys/woodytoys/internal/servers"
)

// fakeNode is at a loopback address what the proxy sees of a node: HTTP on 9200, and a port 3306, here of a server that
// says its name and then repeats what it is told. The real ones are in database/cluster_test.go.
type fakeNode struct {
	name           string
	writer, reader atomic.Bool
}

func mustStartFakeNode(t *testing.T, ip, name string) *fakeNode {
	t.Helper()
	n := &fakeNode{name: name}
	says := func(role *atomic.Bool) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			if !role.Load() {
				w.WriteHeader(http.StatusServiceUnavailable)
			}
		}
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/writer", says(&n.writer))
	mux.HandleFunc("/reader", says(&n.reader))
	listeners := []net.Listener{mustListen(t, ip+":9200"), mustListen(t, ip+":3306")}
	go http.Serve(listeners[0], mux)
	go func() {
		for {
			conn, err := listeners[1].Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				fmt.Fprintln(conn, name)
				_, _ = io.Copy(conn, conn)
			}()
		}
	}()
	return n
}

func mustFindAddresses(t *testing.T, n int) []string {
	t.Helper()
	ips, err := programs.FreeAddresses(n)
	if err != nil {
		t.Fatal(err)
	}
	return ips
}

func mustListen(t *testing.T, addr string) net.Listener {
	t.Helper()
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	return ln
}

// proxy is a running one.
type proxy struct {
	*programs.DatabaseProxy
	up    []string // as last awaited
	downs int      // the times that it had taken a node for down by then
}

// mustStart starts the proxy before nodes that DNS has.
func mustStart(t *testing.T, dns string, ips ...string) *proxy {
	t.Helper()
	nodes := map[string]string{}
	for i, ip := range ips {
		nodes[names[i]] = ip
	}
	started, err := programs.StartDatabaseProxy(programs.DatabaseProxyConfig{DNS: dns, Nodes: nodes})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(started.Close)
	return &proxy{DatabaseProxy: started}
}

var names = []string{"database", "database2", "database3"}

// mustAwait waits until the proxy has the nodes of words as "writer/database" up, and no other.
func mustAwait(t *testing.T, proxy *proxy, up ...string) {
	t.Helper()
	proxy.up, proxy.downs = up, mustCountDowns(t, proxy)
	want := map[string]string{}
	for _, name := range names {
		want["writer/"+name], want["readers/"+name] = "DOWN", "DOWN"
	}
	for _, way := range up {
		want[way] = "UP"
	}
	if err := proxy.Await(want); err != nil {
		t.Fatal(err)
	}
	if mustCountDowns(t, proxy) > proxy.downs { // before, or since
		mustAwait(t, proxy, up...)
	}
}

var downs = regexp.MustCompile(`(?m)^haproxy_server_check_up_down_total\{.*\} (\d+)$`)

// mustCountDowns returns how often the proxy has taken a node for down that was up.
func mustCountDowns(t *testing.T, proxy *proxy) (sum int) {
	t.Helper()
	answer, err := http.Get(proxy.MetricsURL + "/metrics?scope=server")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	found := downs.FindAllSubmatch(text, -1)
	if err != nil || len(found) == 0 {
		t.Fatalf("the proxy does not say how often a node was down: %v", err)
	}
	for _, one := range found {
		n, err := strconv.Atoi(string(one[1]))
		if err != nil {
			t.Fatal(err)
		}
		sum += n
	}
	return sum
}

// mustBe wants something of where the proxy leads, for as long as it has the nodes up that were awaited: it rightly
// takes them for down when this process, which is all of them, stalls for two seconds.
func (p *proxy) mustBe(t *testing.T, what string, so func() (got any, ok bool)) {
	t.Helper()
	for deadline := time.Now().Add(servers.Patience); ; {
		got, ok := so()
		if ok {
			return
		}
		if mustCountDowns(t, p) == p.downs || time.Now().After(deadline) {
			t.Fatalf("the proxy leads to %v, want %s", got, what)
		}
		mustAwait(t, p, p.up...)
	}
}

// connect returns a connection by way of the proxy and whose it is, empty if it is refused.
func connect(t *testing.T, addr string) (conn net.Conn, of string) {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, "" // refused before Dial had returned
	}
	t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(servers.Patience))
	line, _ := bufio.NewReader(conn).ReadString('\n')
	return conn, strings.TrimSpace(line)
}

func mustReach(t *testing.T, proxy *proxy, addr, want string) (conn net.Conn) {
	t.Helper()
	proxy.mustBe(t, fmt.Sprintf("%q", want), func() (any, bool) {
		var got string
		conn, got = connect(t, addr)
		return got, got == want
	})
	return conn
}

// mustHaveEnded waits until a connection has ended.
func mustHaveEnded(t *testing.T, conn net.Conn) {
	t.Helper()
	if n, err := conn.Read(make([]byte, 1)); n > 0 || os.IsTimeout(err) {
		t.Fatalf("the connection goes on: %v", err)
	}
}

// TestWays follows the writer from node to node: it is the first that says so, its connections end when it is not the
// writer any more, and without one they are refused. Reads go to all that serve them.
func TestWays(t *testing.T) {
	t.Parallel()
	ips := mustFindAddresses(t, 3)
	var nodes []*fakeNode
	for i, name := range names {
		nodes = append(nodes, mustStartFakeNode(t, ips[i], name))
	}
	proxy := mustStart(t, "", ips...)
	mustAwait(t, proxy)
	mustReach(t, proxy, proxy.WriteAddr, "")
	mustReach(t, proxy, proxy.ReadAddr, "")

	nodes[1].writer.Store(true)
	nodes[1].reader.Store(true)
	mustAwait(t, proxy, "writer/database2", "readers/database2")
	second := mustReach(t, proxy, proxy.WriteAddr, "database2")
	nodes[0].writer.Store(true) // for a moment there are two
	mustAwait(t, proxy, "writer/database", "writer/database2", "readers/database2")
	for range 4 {
		mustReach(t, proxy, proxy.WriteAddr, "database")
	}
	nodes[1].writer.Store(false)
	mustHaveEnded(t, second)

	nodes[2].reader.Store(true)
	mustAwait(t, proxy, "writer/database", "readers/database2", "readers/database3")
	proxy.mustBe(t, "each as often as the other", func() (any, bool) {
		reached := map[string]int{}
		for range 6 {
			_, of := connect(t, proxy.ReadAddr)
			reached[of]++
		}
		return reached, reached["database2"] == 3 && reached["database3"] == 3
	})
	first := mustReach(t, proxy, proxy.WriteAddr, "database")
	nodes[0].writer.Store(false)
	mustHaveEnded(t, first)
	mustReach(t, proxy, proxy.WriteAddr, "")
}

// TestDNS checks that a node is followed to another address, though the name service reports for a while that there is
// no such node.
func TestDNS(t *testing.T) {
	t.Parallel()
	ips := mustFindAddresses(t, 4)
	old := mustStartFakeNode(t, ips[0], "old")
	old.writer.Store(true)
	mustStartFakeNode(t, ips[1], "database2").reader.Store(true)
	mustStartFakeNode(t, ips[2], "database3").reader.Store(true)
	zone := filepath.Join(t.TempDir(), "zone")
	serial := 0
	mustWrite := func(addresses ...string) {
		t.Helper()
		serial++
		text := fmt.Sprintf("$TTL 0\n@ SOA ns. hostmaster. %d 3600 900 1209600 0\n@ NS ns.\nns A 127.0.0.1\n", serial)
		if err := os.WriteFile(zone, []byte(text+strings.Join(addresses, "\n")+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	rest := []string{"database2 A " + ips[1], "database3 A " + ips[2]}
	mustWrite(append(rest, "database A "+ips[0])...)
	dns, err := servers.StartNamed(".", zone)
	if err != nil {
		t.Fatalf("start a name server (scripts/need bind installs it): %v", err)
	}
	t.Cleanup(dns.Close)
	mustBe := func(addresses ...string) {
		t.Helper()
		mustWrite(addresses...)
		if out, err := exec.Command("sh", "-c", dns.Reload).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", dns.Reload, err, out)
		}
	}
	proxy := mustStart(t, dns.Addr)
	readers := []string{"readers/database2", "readers/database3"}
	mustAwait(t, proxy, append(readers, "writer/database")...)
	conn := mustReach(t, proxy, proxy.WriteAddr, "old")

	mustBe(rest...) // no such node, for now
	for end := time.Now().Add(3 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		mustReach(t, proxy, proxy.WriteAddr, "old")
	}

	old.writer.Store(false)
	mustHaveEnded(t, conn)
	fresh := mustStartFakeNode(t, ips[3], "fresh")
	fresh.writer.Store(true)
	mustBe(append(rest, "database A "+ips[3])...)
	mustAwait(t, proxy, append(readers, "writer/database")...)
	mustReach(t, proxy, proxy.WriteAddr, "fresh")
}
