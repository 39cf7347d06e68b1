package reverseproxy_test

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/internal/programs"
	"github.com/woodytoys/woodytoys/internal/servers"
)

// names is the name service of a proxy: a real one, for the zone "api", in which the replicas are "tasks.api".
type names struct {
	*servers.Named
	t      *testing.T
	file   string
	serial int
}

func mustStartNames(t *testing.T, addresses ...string) *names {
	t.Helper()
	n := &names{t: t, file: filepath.Join(t.TempDir(), "zone")}
	n.write(addresses...)
	var err error
	if n.Named, err = servers.StartNamed("api", n.file); err != nil {
		t.Fatalf("start a name server (scripts/need bind installs it): %v", err)
	}
	t.Cleanup(n.Close)
	return n
}

func (n *names) write(addresses ...string) {
	n.t.Helper()
	n.serial++
	zone := fmt.Sprintf("$TTL 0\n@ SOA ns hostmaster %d 3600 900 1209600 0\n@ NS ns\nns A 127.0.0.1\n", n.serial)
	for _, address := range addresses {
		zone += "tasks A " + address + "\n"
	}
	if err := os.WriteFile(n.file, []byte(zone), 0o644); err != nil {
		n.t.Fatal(err)
	}
}

// are gives the replicas these addresses from now on; without any, that there is no such name.
func (n *names) are(addresses ...string) {
	n.t.Helper()
	n.write(addresses...)
	if out, err := exec.Command("sh", "-c", n.Reload).CombinedOutput(); err != nil {
		n.t.Fatalf("%s: %v\n%s", n.Reload, err, out)
	}
	if err := n.AwaitReady(servers.Patience, func() error { // rndc does not wait until the zone is loaded
		soa, err := n.Dig("api", "SOA")
		if err == nil && !strings.Contains(soa, fmt.Sprintf(" %d 3600 ", n.serial)) {
			err = fmt.Errorf("the zone is still %q", soa)
		}
		return err
	}); err != nil {
		n.t.Fatal(err)
	}
}

// TestDNSNamesNobodyForAWhile makes the name service return no address for 4 s, as Swarm's does while a service is
// replaced. It checks that the last named replica is used meanwhile, unless it is shutting down, that a replica named
// afterwards is used, that one no longer named is not, and that the requests get 503 once the name stays away.
func TestDNSNamesNobodyForAWhile(t *testing.T) {
	t.Parallel()
	old := mustStartFakeReplica(t, "127.0.0.2:0")
	_, port, _ := strings.Cut(old.addr, ":")
	fresh := mustStartFakeReplica(t, "127.0.0.3:"+port)
	names := mustStartNames(t, "127.0.0.2")
	proxy := mustStart(t, programs.HAProxyConfig{DNS: names.Addr, Port: port})
	mustAwaitServers(t, proxy, "api", 1)

	names.are()
	for gone := time.Now(); time.Since(gone) < 4*time.Second; time.Sleep(20 * time.Millisecond) {
		if got := mustGet(t, proxy.URL+"/api/ping"); got.status != http.StatusOK {
			t.Fatalf("%v after the name was gone: %d %s", time.Since(gone), got.status, got.body)
		}
	}
	old.refuses.Store(true) // it is ending: nobody is asked, whatever was named last
	mustAwaitServers(t, proxy, "api", 0)
	mustAwaitServers(t, proxy, "api_unchecked", 0)
	if got := mustGet(t, proxy.URL+"/api/ping"); got.status != http.StatusServiceUnavailable || !got.problem() {
		t.Errorf("the last one named is ending: %d %s, want 503", got.status, got.body)
	}

	old.refuses.Store(false)
	names.are("127.0.0.2", "127.0.0.3")
	mustAwaitServers(t, proxy, "api", 2)
	names.are("127.0.0.3") // the old one is well, and is about to end
	mustAwaitServers(t, proxy, "api", 1)
	mustAwaitServers(t, proxy, "api_unchecked", 1)
	if got := servedBy(t, 20, proxy.URL+"/api/ping"); got[fresh.addr] != 20 {
		t.Errorf("20 reads were served by %v, want the one that is named", got)
	}

	names.are()
	mustAwaitServers(t, proxy, "api", 0)
	if got := mustGet(t, proxy.URL+"/api/ping"); got.status != http.StatusServiceUnavailable {
		t.Errorf("long after the name was gone: %d, want 503", got.status)
	}
}
