//go:build e2e

package e2e

import (
	"flag"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

var databaseFaults = flag.Bool("database-faults", false,
	"break the nodes of stage database in every way, three times what matters most, not only what CI has time for")

// outage is how long a fault lasts that is not over at once.
const outage = time.Minute

// nodeFault is something that happens to the database's nodes.
type nodeFault struct {
	name   string
	inCI   bool
	rounds int // with -database-faults
	// happen carries it out, and returns when what there was to mend is mended.
	happen func(t *testing.T)
	// majority is whether more than one node is lost: writes are refused until they are back, and cached reads for as
	// long as a replica cannot know that nobody writes.
	majority bool
}

var nodeFaults = []nodeFault{
	{name: "the writing node killed", inCI: true, rounds: 3, happen: func(t *testing.T) { killNode(t, writes) }},
	{name: "the writing node paused for a minute", inCI: true, rounds: 3,
		happen: func(t *testing.T) { pauseNode(t, writes) }},
	{name: "the writing node cut off from the others for a minute", rounds: 3,
		happen: func(t *testing.T) { cutOffNode(t, writes) }},
	{name: "the writing node's disk full for a minute", rounds: 1, happen: func(t *testing.T) { fillNode(t, writes) }},
	{name: "a reading node killed", rounds: 1, happen: func(t *testing.T) { killNode(t, isRead) }},
	{name: "a reading node paused for a minute", rounds: 1, happen: func(t *testing.T) { pauseNode(t, isRead) }},
	{name: "a reading node cut off from the others for a minute", rounds: 1,
		happen: func(t *testing.T) { cutOffNode(t, isRead) }},
	{name: "a reading node's disk full for a minute", rounds: 1, happen: func(t *testing.T) { fillNode(t, isRead) }},
	{name: "a reading node back with an empty volume", rounds: 1, happen: emptyNode},
	{name: "the writing node's volume lost", rounds: 1, happen: loseVolume},
	{name: "a rolling restart of all three", rounds: 1, happen: restartNodes},
	{name: "two nodes killed, and back after a minute", rounds: 1, happen: loseMajority, majority: true},
}

// TestLongDatabase takes the shop to three database nodes with its data, breaks nodes while people shop, and takes it
// back.
func TestLongDatabase(t *testing.T) {
	takes(t, 12*time.Minute)
	mustScript(t, "deploy", "redis")
	addProduct(t, "Kept")
	began := time.Now()
	mustScript(t, "deploy", "redis", "database")
	figuref("from scripts/deploy redis to redis database: %.0f s", time.Since(began).Seconds())
	wantNewest(t, "Kept")
	t.Run("deployed again", func(t *testing.T) {
		services := append([]string{"api", "redis", "database-proxy"}, nodeNames...)
		before := running(t, services...)
		mustScript(t, "deploy", "redis", "database")
		wantSame(t, "the same again", before, running(t, services...))
	})
	t.Run("rights", testNodesMayLittle)
	t.Run("doctor", func(t *testing.T) {
		wantHealthy(t)
		stopped(t, "database3", func() { awaitFindings(t, "database: The database node database3 ") })
	})
	t.Run("lab", func(t *testing.T) { mustExercise(t, "11. A database that loses a node") })
	t.Run("faults", testNodeFaults)
	if *databaseFaults {
		t.Run("restore", func(t *testing.T) { testRestoreToASecond(t, "redis", "database", "backup") })
	}
	addProduct(t, "Kept too")
	began = time.Now()
	mustScript(t, "deploy", "redis")
	figuref("from scripts/deploy redis database back to redis: %.0f s", time.Since(began).Seconds())
	wantNewest(t, "Kept too")
	if text, err := script("database", "status"); err == nil || !strings.Contains(text, "is one server") {
		t.Errorf("scripts/database status without the stage: %v %s", err, text)
	}
}

func testNodeFaults(t *testing.T) {
	if *databaseFaults {
		onSmallDisks(t)
	}
	for _, fault := range nodeFaults {
		rounds := 0
		if *databaseFaults {
			rounds = fault.rounds
		} else if fault.inCI {
			rounds = 1
		}
		for range rounds {
			t.Run(fault.name, func(t *testing.T) { testNodeFault(t, fault) })
		}
	}
}

// testNodeFault breaks a node of a shop that is used, and checks that the shop's promises are kept.
func testNodeFault(t *testing.T, fault nodeFault) {
	kept := startKeptReads(t)
	m := startMix(t)
	m.awaitAcknowledged(t, 300)
	began := time.Now()
	fault.happen(t)
	awaitNodes(t)
	healthy := time.Since(began)
	m.awaitAcknowledged(t, 300)
	got, reads := m.finish(t), kept.finish()
	pause := m.longestPause(began)
	figuref("%s: no write was acknowledged for %.1f s at most; all healthy after %.0f s; kept reads: %v; %v",
		fault.name, pause.Seconds(), healthy.Seconds(), reads, got)
	got.mustKeepPromises(t)
	for kind := range got.failures {
		if !clearRefusal.MatchString(kind) {
			t.Errorf("a failure is not clear: %s", kind)
		}
	}
	if most := 6 * time.Second; reads.slowest > most {
		t.Errorf("a kept read took %v, want %v at most", reads.slowest, most)
	}
	if fault.majority {
		if reads.failedFor() > 6*time.Second {
			t.Errorf("kept reads failed over %v: %v", reads.failedFor(), reads.failures)
		}
		return
	}
	if pause > 10*time.Second {
		t.Errorf("no write was acknowledged for %v, want 10s at most", pause)
	}
	if len(reads.failures) > 0 {
		t.Errorf("kept reads failed: %v", reads.failures)
	}
}

// clearRefusal is a failure of the mix that says what became of the request: nothing (503), or that nobody knows (504).
var clearRefusal = regexp.MustCompile(`^(read: 503|write: 50[34]) [A-Z]`)

// awaitNodes waits until the stack is healthy by itself, every node of the database synced.
func awaitNodes(t *testing.T) {
	t.Helper()
	for deadline := time.Now().Add(3 * time.Minute); ; time.Sleep(500 * time.Millisecond) {
		text, err := script("status")
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the stack has not mended by itself within three minutes:\n%s", text)
		}
	}
}

func testNodesMayLittle(t *testing.T) {
	_, exporter, _ := strings.Cut(secret(t, "database_exporter"), "password=")
	for _, service := range append([]string{"database-proxy"}, nodeNames...) {
		wantLittle(t, service, secret(t, "database_password"), exporter)
	}
	for _, node := range nodeNames {
		networks := strings.Fields(mustDocker(t, "inspect", "--format",
			"{{range $name, $_ := .NetworkSettings.Networks}}{{$name}} {{end}}", containers(t, node)[0]))
		if !slices.Equal(networks, []string{"woody_nodes"}) {
			t.Errorf("%s is in the networks %v, want that of the nodes alone", node, networks)
		}
	}
	// MariaDB speaks first, whether at its own address or through the proxy.
	const ask = "exec 3<>/dev/tcp/%s && head -c 40 <&3 | tr -cd '[:print:]'"
	greets := func(service, address string) bool {
		text, _ := inNetworkOf(t, service, strings.Replace(ask, "%s", address, 1))
		return strings.Contains(text, "MariaDB")
	}
	address := func(service, network string) string {
		return mustDocker(t, "inspect", "--format", "{{(index .NetworkSettings.Networks \""+network+"\").IPAddress}}",
			containers(t, service)[0])
	}
	proxy, node := address("database-proxy", "woody_data"), address("database", "woody_nodes")
	for _, row := range []struct {
		from, to string
		want     bool
	}{
		{"api", proxy + "/3306", true},
		{"api", proxy + "/3307", true},
		{"database-proxy", node + "/3306", true},
		{"api", node + "/3306", false},
		{"reverse-proxy", proxy + "/3306", false},
		{"reverse-proxy", node + "/3306", false},
	} {
		if got := greets(row.from, row.to); got != row.want {
			t.Errorf("a database greets %s at %s: %v, want %v", row.from, row.to, got, row.want)
		}
	}
}

func addProduct(t *testing.T, name string) {
	t.Helper()
	response, body := get(t, "/api/products?product="+strings.ReplaceAll(name, " ", "+"))
	if response.StatusCode != 200 || body != name {
		t.Fatalf("add %s: %s %s", name, response.Status, body)
	}
}

func wantNewest(t *testing.T, name string) {
	t.Helper()
	if response, body := get(t, "/api/products/last"); !strings.Contains(body, "(last="+name+")") {
		t.Errorf("the newest product: %s %q, want %s", response.Status, body, name)
	}
}
