package main

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// healthy are the facts of a stack that is well: three nodes, all stages, and backups.
func healthy() facts {
	now := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	f := facts{
		now: now, stack: "woody", leastFree: 10,
		secrets:  []string{"woody_database_dsn", "woody_redis_acl-0123456789ab", "others"},
		files:    map[string]bool{"database_dsn": true, "redis_acl": true, "grafana_password": true},
		replicas: []replica{{name: "api 1", lease: 0.8, epoch: 7}, {name: "api 2", lease: 0.5, epoch: 7}},
		clocks: []clock{{"the node a", time.Second}, {"the node b", -2 * time.Second},
			{"the node c", 4 * time.Second}},
		disks: []disk{{"the node a (overlay)", 50e9, 100e9}, {"the node b (overlay)", 10e9, 100e9}},
		certificates: []certificate{
			{where: "shop.example.org", from: now.AddDate(0, -3, 0), expires: now.AddDate(0, 2, 0)},
			{where: "this node in the Swarm", from: now.Add(-time.Hour), expires: now.Add(11 * time.Hour)},
		},
		names: []name{
			{name: "tasks.api", want: []string{"10.0.1.4", "10.0.1.5"}, got: []string{"10.0.1.4", "10.0.1.5"}},
			{name: "shop.example.org", got: []string{"192.0.2.7"}},
		},
		entryPoints: []entryPoint{{url: "http://192.0.2.7:80"}},
		deploys:     []process{{4711, "scripts/deploy redis"}},
		prometheus:  prometheus{there: true, backups: true, backup: now.Add(-25 * time.Hour)},
	}
	for i, name := range []string{"a", "b", "c"} {
		f.nodes = append(f.nodes, node{name: name, addr: "192.0.2." + string(rune('7'+i)), state: "ready",
			active: name != "c", reachable: "reachable", engine: "28.2.2"})
	}
	f.services = []service{
		made("reverse-proxy", "r/woodytoys/reverse-proxy:config-0123456789ab", 2),
		made("api", "r/woodytoys/api:1.1", 2), made("front", "r/woodytoys/front:1.1", 2),
		made("backup", "r/woodytoys/backup:1.1", 1), made("database", "mariadb:11.8", 1),
		made("redis", "redis:8.0", 1), made("prometheus", "prom/prometheus:v2.53.3", 1),
	}
	for _, name := range members {
		f.members = append(f.members, member{name: name, Phase: "running", Primary: true, Synced: true})
	}
	f.services[1].secrets = []string{"woody_database_dsn", "woody_redis_acl-0123456789ab"}
	f.services[1].update = "completed"
	return f
}

func made(name, image string, tasks int) service {
	s := service{name: name, image: image, wanted: tasks}
	for range tasks {
		s.tasks = append(s.tasks, task{node: "a", image: image, state: "running", wanted: true})
	}
	return s
}

func (f *facts) service(name string) *service {
	return &f.services[slices.IndexFunc(f.services, func(s service) bool { return s.name == name })]
}

func TestNothingIsWrongWithAHealthyStack(t *testing.T) {
	t.Parallel()
	if found := judge(healthy()); len(found) > 0 {
		t.Errorf("of a healthy stack the doctor says %v", found)
	}
	bare := facts{now: time.Now(), stack: "woody", services: []service{made("api", "r/api:1", 1)},
		replicas: []replica{{name: "api 1"}}} // of stage baseline: no cache, nobody watches
	if found := judge(bare); len(found) > 0 {
		t.Errorf("of a healthy stage baseline the doctor says %v", found)
	}
}

// faults are what may be wrong, by what the doctor is to say.
var faults = []struct {
	about, says string
	befall      func(*facts)
}{
	{"docker", "There is no stack", func(f *facts) { f.trouble = `There is no stack "woody" here.` }},
	{"disk", "9% of the disk of the node b (overlay) is free (9.0 of 100.0 GB)", func(f *facts) {
		f.disks[1].free = 9e9
	}},
	{"disk", "0% of the disk of the node b", func(f *facts) { f.disks[1].free = 0 }},
	{"disk", "writes get 507", func(f *facts) { f.replicas[0].full, f.replicas[1].full = true, true }},
	{"clock", "The clock of the node b is 1h0m0s behind this machine's", func(f *facts) {
		f.clocks[1].ahead = -time.Hour
	}},
	{"clock", "The clock of the node a is 6s ahead of this machine's", func(f *facts) {
		f.clocks[0].ahead = 6 * time.Second
	}},
	{"clock", "This machine's clock is 1h0m2s behind all others", func(f *facts) {
		for i := range f.clocks {
			f.clocks[i].ahead = time.Hour + time.Duration(i)*time.Second
		}
	}},
	{"watch", "Fewer targets of the job redis answer Prometheus than should (redis-exporter)", func(f *facts) {
		f.prometheus.few = []string{"redis"}
	}},
	{"watch", "Prometheus gets no answer of the target node 10.0.2.9:9100", func(f *facts) {
		f.prometheus.down = []string{"node 10.0.2.9:9100"}
	}},
	{"watch", "Prometheus does not answer: refused", func(f *facts) { f.prometheus.err = "refused" }},
	{"certificate", "The certificate of shop.example.org expired on 2026-11-26", func(f *facts) {
		f.certificates[0].expires = f.now.AddDate(0, 0, -1)
	}},
	{"certificate", "The certificate of shop.example.org expires on 2026-12-05", func(f *facts) {
		f.certificates[0].expires = f.now.AddDate(0, 0, 8)
	}},
	{"certificate", "is good from 2026-11-28 on, and not yet", func(f *facts) {
		f.certificates[0].from = f.now.AddDate(0, 0, 1)
	}},
	{"certificate", "is refused: signed by nobody", func(f *facts) { f.certificates[0].err = "signed by nobody" }},
	{"session", "The replica api 2 has no session", func(f *facts) { f.replicas[1].lease = 0 }},
	{"session", "The replica api 2 has no session", func(f *facts) {
		f.replicas[1].lease, f.replicas[1].epoch = -3, 0
	}},
	{"replica", "The replica api 2 does not say how it is: refused", func(f *facts) {
		f.replicas[1].err = "refused"
	}},
	{"epoch", "at different epochs, 7 and 9", func(f *facts) { f.replicas[0].epoch = 9 }},
	{"database", "The database node database2 does not say how it is: refused", func(f *facts) {
		f.members[1] = member{name: "database2", err: "refused"}
	}},
	{"database", "The database node database2 is waiting: for database3", func(f *facts) {
		f.members[1] = member{name: "database2", Phase: "waiting", Why: "for database3"}
	}},
	{"database", "database2 is not part of the majority", func(f *facts) { f.members[1].Primary = false }},
	{"database", "database2 has not yet what the others have", func(f *facts) { f.members[1].Synced = false }},
	{"database", "database2 lags behind, and is not read", func(f *facts) { f.members[1].Lagging = true }},
	{"database", "No database node is part of a majority", func(f *facts) {
		for i := range f.members {
			f.members[i].Primary = false
		}
	}},
	{"disk", "The disk of the database node database2 is full", func(f *facts) { f.members[1].DiskFull = true }},
	{"dns", "DNS leads tasks.api to 10.0.1.66, where no healthy task of it is", func(f *facts) {
		f.names[0].got = append(f.names[0].got, "10.0.1.66")
	}},
	{"dns", "DNS leaves 10.0.1.5 out of tasks.api", func(f *facts) { f.names[0].got = f.names[0].got[:1] }},
	{"dns", "DNS does not answer for shop.example.org: timeout", func(f *facts) {
		f.names[1].got, f.names[1].err = nil, "timeout"
	}},
	{"dns", "DNS has no address for shop.example.org", func(f *facts) { f.names[1].got = nil }},
	{"dns", "DNS leads shop.example.org astray: at 192.0.2.9 refused", func(f *facts) {
		f.names[1].astray = []string{"at 192.0.2.9 refused"}
	}},
	{"update", "The rollback of api is paused: what was to be taken back still runs in part (task failed)",
		func(f *facts) {
			f.service("api").update, f.service("api").message = "rollback_paused", "task failed"
		}},
	{"update", "The update of api is paused", func(f *facts) { f.service("api").update = "paused" }},
	{"update", "api was rolled back: what was deployed last does not run", func(f *facts) {
		f.service("api").update = "rollback_completed"
	}},
	{"update", "The update of api has not ended for 11m0s", func(f *facts) {
		f.service("api").update, f.service("api").began = "updating", f.now.Add(-11*time.Minute)
	}},
	{"secret", "The Swarm has no secret woody_redis_acl-0123456789ab, which api is to read", func(f *facts) {
		f.secrets = f.secrets[:1]
	}},
	{"secret", "secrets/redis_acl is missing here, or empty, and api runs with what was in it", func(f *facts) {
		f.files["redis_acl"] = false
	}},
	{"backup", "The last good backup is 27 hours old", func(f *facts) {
		f.prometheus.backup = f.now.Add(-27 * time.Hour)
	}},
	{"backup", "No good backup has ever been made", func(f *facts) { f.prometheus.backup = time.Time{} }},
	{"node", "The node b is down", func(f *facts) { f.nodes[1].state = "down" }},
	{"node", "The other managers do not reach b", func(f *facts) { f.nodes[1].reachable = "unreachable" }},
	{"version", "different versions of Docker: 20.10.24 on b and 28.2.2 on a and c", func(f *facts) {
		f.nodes[1].engine = "20.10.24"
	}},
	{"version", "Services of one release have different versions: 1.0 of front and 1.1 of api and backup",
		func(f *facts) { *f.service("front") = made("front", "r/woodytoys/front:1.0", 2) }},
	{"version", "1 tasks of api are not made from r/woodytoys/api:1.1, as the service is", func(f *facts) {
		f.service("api").tasks[0].image = "r/woodytoys/api:1.0"
	}},
	{"deploys", "scripts/deploy redis (process 4711) and scripts/scale api=2 (process 4712)", func(f *facts) {
		f.deploys = append(f.deploys, process{4712, "scripts/scale api=2"})
	}},
	{"task", "1 of 2 tasks of api are healthy. The last one failed on b: no room.", func(f *facts) {
		f.service("api").tasks[0] = task{node: "b", state: "rejected", err: "no room", changed: f.now}
	}},
	{"task", "redis is scaled to nothing", func(f *facts) { *f.service("redis") = made("redis", "redis:8.0", 0) }},
	{"task", "3 tasks of redis have failed within 10 minutes. The last one failed on b: exit 1.", func(f *facts) {
		for range 3 {
			f.service("redis").tasks = append(f.service("redis").tasks,
				task{node: "b", state: "failed", err: "exit 1", changed: f.now.Add(-time.Minute)})
		}
	}},
	{"door", "http://192.0.2.7:80 does not answer as the shop does: /api/ping: 503", func(f *facts) {
		f.entryPoints[0].err = "/api/ping: 503"
	}},
	{"alert", "The alert StaleAnswer fires (critical): A stale answer was given.", func(f *facts) {
		f.prometheus.alerts = []alert{{"StaleAnswer", "critical", "A stale answer was given", "map[]"}}
	}},
	{"unseen", "From this node the replicas could not be asked: no task of reverse-proxy", func(f *facts) {
		f.unseen = []unseen{{"the replicas", "reverse-proxy"}}
	}},
}

// TestEachFaultIsNamed checks, with one thing wrong at a time, that the doctor reports that, with what to do, and
// nothing else.
func TestEachFaultIsNamed(t *testing.T) {
	t.Parallel()
	for _, fault := range faults {
		f := healthy()
		fault.befall(&f)
		found := judge(f)
		if len(found) != 1 || found[0].About != fault.about || !strings.Contains(found[0].Says, fault.says) ||
			found[0].Do == "" || !strings.HasSuffix(found[0].Says, ".") {
			t.Errorf("want one finding about %s that says %q, not\n%+v", fault.about, fault.says, found)
		}
	}
}

// TestWhatIsNoFault checks that nothing is reported of what only looks like a fault.
func TestWhatIsNoFault(t *testing.T) {
	t.Parallel()
	for what, befall := range map[string]func(*facts){
		"an update under way": func(f *facts) {
			api := f.service("api")
			api.update, api.began = "updating", f.now.Add(-9*time.Minute)
			api.image, api.tasks[0].state = "r/woodytoys/api:1.2", "starting"
		},
		"a task that failed once": func(f *facts) {
			f.service("redis").tasks = append(f.service("redis").tasks,
				task{node: "b", state: "failed", err: "exit 1", changed: f.now.Add(-time.Minute)})
		},
		"failures of yesterday": func(f *facts) {
			for range 5 {
				f.service("redis").tasks = append(f.service("redis").tasks,
					task{node: "b", state: "failed", err: "exit 1", changed: f.now.AddDate(0, 0, -1)})
			}
		},
		"nothing deployed from here": func(f *facts) { f.files = nil },
		"no backups in the stack": func(f *facts) {
			f.prometheus.backups, f.prometheus.backup = false, time.Time{}
		},
		"a replica without its session": func(f *facts) { f.services[5].name = "other"; f.replicas[0].lease = 0 },
		"a disk that says nothing":      func(f *facts) { f.disks[0] = disk{where: "x"} },
	} {
		f := healthy()
		befall(&f)
		if found := judge(f); len(found) > 0 {
			t.Errorf("%s: the doctor says %v", what, found)
		}
	}
}

// TestOthersWordsAreOneLine checks that text that a stranger may have written is printed escaped, in one line.
func TestOthersWordsAreOneLine(t *testing.T) {
	t.Parallel()
	f := healthy()
	f.entryPoints[0].err = "/api/ping says \x1b[2J\nall is well\x00é"
	if says := judge(f)[0].Says; strings.ContainsAny(says, "\x1b\n\x00") || !strings.Contains(says, "é") {
		t.Errorf("the doctor says %q", says)
	}
}

// TestOnlyWhatLastsIsSaid checks that a finding is reported only if two successive checks found it.
func TestOnlyWhatLastsIsSaid(t *testing.T) {
	t.Parallel()
	firing := func(summary, where string) findings {
		return judgeAlerts(facts{prometheus: prometheus{alerts: []alert{{"DiskSpaceLow", "warning", summary, where}}}})
	}
	if got := again(firing("9.1% is free", "a"), firing("9.0% is free", "a")); len(got) != 1 ||
		!strings.Contains(got[0].Says, "9.0%") {
		t.Errorf("an alert whose summary has another figure by now: %v, want it", got)
	}
	if got := again(firing("9.1% is free", "a"), firing("9.1% is free", "b")); len(got) != 0 {
		t.Errorf("two alerts of one name, once each: %v, want none", got)
	}
	before := findings{{About: "session", What: "a"}, {About: "disk", What: "b", Says: "9%"}}
	now := findings{{About: "session", What: "b"}, {About: "disk", What: "b", Says: "8%"}}
	if got := again(before, now); len(got) != 1 || got[0].Says != "8%" {
		t.Errorf("found twice: %v, want the disk as it is now", got)
	}
}

// TestRunbookHasEachKind compares the runbook's table with the kinds of findings.
func TestRunbookHasEachKind(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../docs/runbook.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(page), "\n## What scripts/doctor says\n")
	table, _, _ = strings.Cut(table, "\n## ")
	described := map[string]bool{}
	for _, row := range regexp.MustCompile("(?m)^\\| `(\\w+)` \\|").FindAllStringSubmatch(table, -1) {
		described[row[1]] = true
	}
	kinds := map[string]bool{}
	for _, fault := range faults {
		kinds[fault.about] = true
	}
	if !maps.Equal(described, kinds) {
		t.Errorf("the runbook describes %v, the doctor finds %v", slices.Sorted(maps.Keys(described)),
			slices.Sorted(maps.Keys(kinds)))
	}
	code := ""
	for _, file := range []string{"judge.go", "judge_swarm.go", "judge_shop.go", "judge_machine.go", "judge_watch.go",
		"members.go"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		code += string(text)
	}
	for _, added := range regexp.MustCompile(`found\.add\("(\w+)"`).FindAllStringSubmatch(code, -1) {
		if !kinds[added[1]] {
			t.Errorf("no fault of this test has the doctor say %s", added[1])
		}
	}
}
