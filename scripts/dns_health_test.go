package scripts_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/internal/programs"
	"github.com/woodytoys/woodytoys/internal/servers"
)

// shopTTL is for how long the clients keep what the name server says, in seconds.
const shopTTL = 3

// twoProxies is a name with the addresses of two proxies that lead to one shop.
type twoProxies struct {
	server *servers.Named
	ips    []string
	port   string
	shop   string // HOST:PORT
	proxy  []*programs.HAProxy
}

func mustStartTwoProxies(t *testing.T) *twoProxies {
	t.Helper()
	program := filepath.Join(t.TempDir(), "api")
	if err := programs.BuildShop(program); err != nil {
		t.Fatal(err)
	}
	shop, err := programs.StartShop(exec.Command(program), filepath.Join(t.TempDir(), "log"),
		"WOODY_DATA_DIR="+t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(shop.Kill)
	ips, err := programs.FreeAddresses(2)
	if err != nil {
		t.Fatal(err)
	}
	p := &twoProxies{ips: ips, shop: shop.Addr(), proxy: make([]*programs.HAProxy, 2)}
	if p.port, err = servers.FreePort(ips[0]); err != nil {
		t.Fatal(err)
	}
	for i := range ips {
		p.mustStart(t, i)
	}
	zone := mustWrite(t, zoneOf("1", fmt.Sprintf("shop %d A %s\nshop %d A %s", shopTTL, ips[0], shopTTL, ips[1])))
	p.server, err = servers.StartNamed("example.org", zone, "allow-update { 127.0.0.1; };")
	if err != nil {
		t.Fatalf("start a name server (scripts/need bind installs it): %v", err)
	}
	t.Cleanup(p.server.Close)
	return p
}

func (p *twoProxies) mustStart(t *testing.T, i int) {
	t.Helper()
	proxy, err := programs.StartHAProxy(programs.HAProxyConfig{
		API: []string{p.shop}, Front: []string{p.shop}, Addr: net.JoinHostPort(p.ips[i], p.port)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(proxy.Close)
	p.proxy[i] = proxy
	err = proxy.AwaitReady(servers.Patience, func() error {
		response, err := http.Get(proxy.URL + "/api/ping")
		if err != nil {
			return err
		}
		response.Body.Close()
		if response.StatusCode != http.StatusOK {
			return errors.New(response.Status)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// patience is how long what responds may take, in seconds: a busy machine is not to be taken for a proxy that is dead.
const patience = "15"

// args returns the script's arguments for this name, after others.
func (p *twoProxies) args(more ...string) []string {
	_, port, _ := strings.Cut(p.server.Addr, ":")
	return append(append([]string{"--port", port, "--http-port", p.port, "--ttl", fmt.Sprint(shopTTL),
		"--timeout", patience}, more...),
		append([]string{"example.org", "shop"}, p.ips...)...)
}

// await waits until the name has these addresses, in whatever order.
func (p *twoProxies) await(t *testing.T, want ...string) {
	t.Helper()
	err := p.server.AwaitReady(time.Minute, func() error {
		got, err := p.server.Dig("shop.example.org", "A")
		if err == nil && !sameLines(got, want) {
			err = fmt.Errorf("the name has %q, want %q", got, want)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func sameLines(text string, want []string) bool {
	lines := strings.Fields(text)
	for _, line := range want {
		if !strings.Contains("\n"+text+"\n", "\n"+line+"\n") {
			return false
		}
	}
	return len(lines) == len(want)
}

// caller calls the shop by its name again and again, each time on a new connection, and keeps what the name server said
// for the time to live.
type caller struct {
	all      bool // tries the next address where one does not take the connection
	resolver net.Resolver
	port     string

	mu     sync.Mutex
	made   int
	failed []time.Time // when each began

	known   []string
	expires time.Time
}

func newCaller(p *twoProxies, all bool) *caller {
	return &caller{all: all, port: p.port, resolver: net.Resolver{PreferGo: true,
		Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, p.server.Addr)
		}}}
}

// dial connects to the first address, or to the first that takes the connection.
func (c *caller) dial(ctx context.Context, _, _ string) (conn net.Conn, err error) {
	if time.Now().After(c.expires) {
		began := time.Now()
		if c.known, err = c.resolver.LookupHost(ctx, "shop.example.org"); err != nil {
			return nil, err
		}
		c.expires = began.Add(shopTTL * time.Second)
	}
	for _, ip := range c.known {
		dialer := net.Dialer{Timeout: 10 * time.Second}
		if conn, err = dialer.DialContext(ctx, "tcp", net.JoinHostPort(ip, c.port)); err == nil || !c.all {
			return conn, err
		}
	}
	return nil, err
}

func (c *caller) run(ctx context.Context) {
	client := http.Client{Timeout: time.Minute, Transport: &http.Transport{DialContext: c.dial,
		DisableKeepAlives: true}}
	for ; ctx.Err() == nil; time.Sleep(5 * time.Millisecond) {
		began := time.Now()
		response, err := client.Get("http://shop.example.org/api/ping")
		c.mu.Lock()
		c.made++
		if err != nil || response.StatusCode != http.StatusOK {
			c.failed = append(c.failed, began)
		}
		c.mu.Unlock()
		if err == nil {
			response.Body.Close()
		}
	}
}

// seen returns how many calls were made, and how many of those that began after a time have failed, and when the last
// of them began.
func (c *caller) seen(after time.Time) (made, failed int, last time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, began := range c.failed {
		if began.After(after) {
			failed, last = failed+1, began
		}
	}
	return c.made, failed, last
}

// TestLongAProxyDies ends one of two proxies behind one name. Callers who try all addresses see nothing of it; of the
// others some fail until the record is gone, and what they have cached of it has expired.
func TestLongAProxyDies(t *testing.T) {
	t.Parallel()
	p := mustStartTwoProxies(t)
	cmd := exec.Command("./dns-health", p.args("--every", "0.5")...)
	health, err := servers.Start(cmd, filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		health.Stop(servers.Patience)
		t.Log(health.Log())
	}()
	var group sync.WaitGroup
	defer group.Wait()
	ctx, end := context.WithCancel(t.Context())
	defer end()
	thorough := newCaller(p, true)
	group.Go(func() { thorough.run(ctx) })
	simple := make([]*caller, 16) // each begins with an address that chance gives
	for i := range simple {
		simple[i] = newCaller(p, false)
		group.Go(func() { simple[i].run(ctx) })
	}
	failed := func(after time.Time) (n, made int, last time.Time) {
		for _, c := range simple {
			m, k, at := c.seen(after)
			made, n = made+m, n+k
			if at.After(last) {
				last = at
			}
		}
		return n, made, last
	}
	p.await(t, p.ips...)
	p.proxy[0].Kill()
	died := time.Now() // what was under way is lost, and is not counted
	p.await(t, p.ips[1])
	gone := time.Now()
	time.Sleep((shopTTL + 2) * time.Second)
	some, made, last := failed(died)
	all, lost, _ := thorough.seen(died)
	t.Logf("the record of the dead proxy was gone after %.1f s; callers who try one address: %d of %d calls failed, "+
		"the last %.1f s after the record was gone; who try all: %d of %d", gone.Sub(died).Seconds(), some, made,
		last.Sub(gone).Seconds(), lost, all)
	if lost != 0 || all == 0 {
		t.Errorf("%d of %d calls of who tries all addresses failed, want none", lost, all)
	}
	if some == 0 {
		t.Error("nobody who tries one address alone met the dead proxy: this test tries nothing")
	}
	if n, _, _ := failed(gone.Add(shopTTL * time.Second)); n != 0 {
		t.Errorf("%d calls failed long after the record was gone", n)
	}

	p.mustStart(t, 0)
	p.await(t, p.ips...)
	if n, _, _ := failed(gone.Add(shopTTL * time.Second)); n != 0 {
		t.Errorf("%d calls failed while the proxy came back", n)
	}
	end()
	group.Wait()

	p.proxy[0].Kill()
	p.proxy[1].Kill()
	if err := health.AwaitLog("none of the 2 proxies responds"); err != nil {
		t.Fatal(err)
	}
	p.await(t, p.ips...)

	// Both respond again, as seen from here: no record is removed for it, not even for a round.
	p.mustStart(t, 0)
	p.mustStart(t, 1)
	time.Sleep(3 * time.Second) // six rounds
	p.await(t, p.ips...)
	if strings.Contains(health.Log(), " 0 times running") {
		t.Error("the record of a proxy that responds was removed")
	}
}

// TestDNSHealthOnce checks --once, which is for cron: one round, twice, and with a name server that is away.
func TestDNSHealthOnce(t *testing.T) {
	t.Parallel()
	p := mustStartTwoProxies(t)
	once := func(want int, more ...string) string {
		t.Helper()
		out, err := exec.Command("./dns-health", p.args(append([]string{"--once"}, more...)...)...).CombinedOutput()
		var failed *exec.ExitError
		if got := 0; errors.As(err, &failed) && failed.ExitCode() != want || err == nil && got != want {
			t.Errorf("--once %v: %v, want exit status %d\n%s", more, err, want, out)
		}
		return string(out)
	}
	if output := once(0); output != "" {
		t.Errorf("all is well, and it says %q", output)
	}
	if err := p.proxy[1].Signal(syscall.SIGSTOP); err != nil { // it takes connections, and is silent
		t.Fatal(err)
	}
	if output := once(1, "--dry-run"); !strings.Contains(output, "would be: shop.example.org. delete "+p.ips[1]) {
		t.Errorf("the dry run says %q of a proxy that hangs", output)
	}
	p.proxy[1].Kill()
	if output := once(1, "--dry-run"); !strings.Contains(output, "would be: shop.example.org. delete "+p.ips[1]) {
		t.Errorf("the dry run says %q", output)
	}
	p.await(t, p.ips...)
	if output := once(1); !strings.Contains(output, "delete "+p.ips[1]) {
		t.Errorf("it says %q", output)
	}
	p.await(t, p.ips[0])
	if output := once(1); output != "" {
		t.Errorf("the second time it says %q", output)
	}
	p.mustStart(t, 1)
	p.server.Kill()
	if output := once(0); !strings.Contains(output, "does not respond: nothing is changed") {
		t.Errorf("without a name server it says %q", output)
	}
}

// TestDNSHealthSpelling checks that an IPv6 address in another spelling than the name server's is the same address.
func TestDNSHealthSpelling(t *testing.T) {
	t.Parallel()
	zone := mustWrite(t, zoneOf("1", "shop 3 AAAA 2001:db8::11\nshop 3 AAAA ::1"))
	server, err := servers.StartNamed("example.org", zone, "allow-update { 127.0.0.1; };")
	if err != nil {
		t.Fatalf("start a name server (scripts/need bind installs it): %v", err)
	}
	t.Cleanup(server.Close)
	_, port, _ := strings.Cut(server.Addr, ":")
	p := mustListen(t)
	out, _ := exec.Command("./dns-health", "--once", "--dry-run", "--port", port, "--http-port", p, "--timeout",
		patience, "example.org", "shop", "2001:DB8:0:0::11", "0:0::1").CombinedOutput()
	if want := "would be: shop.example.org. delete 2001:db8::11: "; !strings.Contains(string(out), want) ||
		strings.Contains(string(out), " add ") {
		t.Errorf("it says %q, want %q alone", out, want)
	}
}

// mustListen returns the port of a server at ::1 that responds to all.
func mustListen(t *testing.T) (port string) {
	t.Helper()
	listener, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.NotFoundHandler()}
	go server.Serve(listener)
	t.Cleanup(func() { server.Close() })
	_, port, _ = net.SplitHostPort(listener.Addr().String())
	return port
}

func TestDNSHealthHelp(t *testing.T) {
	if out, err := exec.Command("./dns-health", "--help").Output(); err != nil || !strings.HasPrefix(string(out),
		"usage: ") {
		t.Errorf("--help: %v %s", err, out)
	}
	for _, args := range [][]string{{}, {"example.org", "shop"}, {"--ttl", "soon", "example.org", "shop", "192.0.2.1"},
		{"example.org", "shop", "toys1"}, {"example.org", "shop", "192.0.2.011"},
		{"--timeout", "0", "example.org", "shop", "192.0.2.1"},
		{"example.org", "shop", "2001:db8::1::2"}, {"--nonsense"},
		{"--key", "/none", "example.org", "shop", "192.0.2.1"}} {
		if err := exec.Command("./dns-health", args...).Run(); err == nil {
			t.Errorf("%v is taken", args)
		}
	}
}
