package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

var order = []string{"a", "b", "c"}

// view makes states of the nodes a, b and c in this order; a node without a phase is silent.
func view(states ...State) map[string]State {
	seen := map[string]State{}
	for i, s := range states {
		if s.Name = order[i]; s.Phase != "" {
			seen[s.Name] = s
		}
	}
	return seen
}

// What a node may be.
var (
	silent         = State{}
	looks          = State{Phase: waiting}
	empty          = State{Phase: waiting, Data: none}
	broken         = State{Phase: waiting, Data: unknown}
	plain          = State{Phase: waiting, Data: alone}
	aloneAt1       = State{Phase: waiting, Data: alone, UUID: "u", Seqno: 1}
	aloneAt2       = State{Phase: waiting, Data: alone, UUID: "u", Seqno: 2}
	clusterAt1     = State{Phase: waiting, Data: cluster, UUID: "u", Seqno: 1}
	clusterAt2     = State{Phase: waiting, Data: cluster, UUID: "u", Seqno: 2}
	others         = State{Phase: waiting, Data: cluster, UUID: "v", Seqno: 9}
	begins         = State{Phase: starting, Data: none}
	joins          = State{Phase: starting, Data: cluster, UUID: "u", Seqno: 1}
	member         = State{Phase: running, Data: cluster, UUID: "u", Seqno: 2, Primary: true, Synced: true, Size: 1}
	partitionedAt1 = State{Phase: running, Data: cluster, UUID: "u", Seqno: 1, Size: 1}
	partitionedAt2 = State{Phase: running, Data: cluster, UUID: "u", Seqno: 2, Size: 1}
	quiet          = State{Phase: running, Data: cluster, UUID: "u", Seqno: 2} // its server is silent
	allOfIt        = []State{
		silent, looks, empty, broken, plain, aloneAt1, aloneAt2, clusterAt1, clusterAt2, others,
		begins, joins, member, partitionedAt1, partitionedAt2, quiet,
	}
)

func TestBegin(t *testing.T) {
	for _, test := range []struct {
		what  string
		seen  map[string]State
		since time.Duration
		want  [3]act // of a, b and c
		why   string // a part of what a says
	}{
		{"a first start", view(empty, empty, empty), 0, [3]act{bootstrap, stay, stay}, "all are here"},
		{"a first start, one is late", view(empty, empty, silent), 0, [3]act{stay, stay, stay}, "wait for c"},
		{"a first start, alone", view(empty, silent, silent), 0, [3]act{stay, "", ""}, "wait for b and c"},
		{"the first has begun", view(member, empty, empty), 0, [3]act{stay, join, join}, ""},
		{"the one with more looks what it has", view(looks, clusterAt1, clusterAt1), 0, [3]act{stay, stay, stay},
			"wait for a"},
		{"it has looked", view(clusterAt2, clusterAt1, clusterAt1), 0, [3]act{bootstrap, stay, stay}, ""},
		{"it begins", view(begins, empty, empty), 0, [3]act{stay, stay, stay}, "starting"},
		{"data of a server alone", view(plain, empty, empty), 0, [3]act{bootstrap, stay, stay}, ""},
		{"it is not the first's", view(empty, plain, empty), 0, [3]act{stay, bootstrap, stay}, "wait until b"},
		{"it set out from what the others have", view(clusterAt1, aloneAt2, clusterAt2), 0,
			[3]act{stay, bootstrap, stay}, ""},
		{"it set out from less", view(clusterAt1, aloneAt1, clusterAt2), 0, [3]act{stay, stay, stay}, "cannot be told"},
		{"it set out from something else", view(clusterAt1, plain, clusterAt1), 0, [3]act{stay, stay, stay},
			"cannot be told"},
		{"two of them", view(plain, plain, empty), 0, [3]act{stay, stay, stay},
			"a has data of a server alone, b has data of a server alone, and it cannot be told who has more"},
		{"a full start after a full stop", view(clusterAt1, clusterAt2, clusterAt2), 0,
			[3]act{stay, bootstrap, stay}, ""},
		{"all stopped at once", view(clusterAt2, clusterAt2, clusterAt2), 0, [3]act{bootstrap, stay, stay}, ""},
		{"two of three", view(clusterAt2, clusterAt1, silent), time.Hour, [3]act{stay, stay, ""}, "wait for c"},
		{"one lost its volume", view(empty, clusterAt1, clusterAt1), 0, [3]act{stay, bootstrap, stay}, ""},
		{"two did", view(empty, broken, clusterAt1), 0, [3]act{stay, stay, bootstrap}, ""},
		{"a first transfer broke off, and the data is lost", view(empty, broken, empty), 0, [3]act{stay, stay, stay},
			"b has data that is not known to be whole, and it cannot be told who has more: run `database bootstrap`"},
		{"data of two clusters", view(clusterAt1, others, empty), 0, [3]act{stay, stay, stay}, "cannot be told"},
		{"a majority is there", view(silent, member, clusterAt1), 0, [3]act{"", stay, join}, ""},
		{"a majority has begun without data that is here", view(plain, member, empty), 0, [3]act{stay, stay, join},
			"remove this node's volume"},

		{"the majority is lost", view(partitionedAt2, silent, silent), time.Hour, [3]act{stay, "", ""},
			"wait for b and c"},
		{"one is back", view(partitionedAt2, clusterAt1, silent), time.Hour, [3]act{stay, stay, ""}, "wait for c"},
		{"both are back", view(partitionedAt2, clusterAt1, clusterAt1), 0, [3]act{promote, stay, stay}, ""},
		{"both are back, and one has more", view(partitionedAt1, clusterAt2, clusterAt1), healAfter,
			[3]act{stay, stay, stay}, "wait until b"},
		{"the one with less stops", view(partitionedAt1, clusterAt2, clusterAt1), healAfter + 1,
			[3]act{leave, stay, stay}, "let b begin"},
		{"all are cut off from each other", view(partitionedAt2, partitionedAt2, partitionedAt2), healAfter,
			[3]act{stay, stay, stay}, ""},
		{"and do not find back", view(partitionedAt2, partitionedAt2, partitionedAt2), healAfter + 1,
			[3]act{stay, leave, leave}, ""},
		{"one of them has stopped", view(partitionedAt2, partitionedAt2, clusterAt2), 0, [3]act{stay, stay, stay},
			"no other server runs"},
		{"cut off from a majority", view(partitionedAt1, member, member), rejoinAfter, [3]act{stay, stay, stay},
			"to find b"},
		{"for long", view(partitionedAt1, member, member), rejoinAfter + 1, [3]act{leave, stay, stay}, ""},
		{"joins, and the cluster goes", view(joins, clusterAt1, clusterAt1), healAfter, [3]act{stay, stay, stay},
			"starting"},
		{"for long", view(joins, clusterAt1, clusterAt1), healAfter + 1, [3]act{leave, stay, stay},
			"no cluster to join"},
		{"begins, and another server is silent", view(clusterAt2, quiet, clusterAt2), time.Hour,
			[3]act{stay, leave, stay}, "no other server runs"},
	} {
		for i, me := range order {
			if _, ok := test.seen[me]; !ok {
				continue
			}
			got := begin(me, order, test.seen, test.since)
			if got.act != test.want[i] {
				t.Errorf("%s: %s does %q (%s), want %q", test.what, me, got.act, got.why, test.want[i])
			}
			if i == 0 && !strings.Contains(got.why, test.why) {
				t.Errorf("%s: a says %q, want %q in it", test.what, got.why, test.why)
			}
		}
	}
}

// TestNeverTwoClusters goes through all that three nodes may be and may see of each other, and checks that at most one
// of them begins a cluster, that none does while any server runs but its own, and that the one that does has all that
// any of them has.
func TestNeverTwoClusters(t *testing.T) {
	t.Parallel()
	combinations, begun := 0, 0
	for _, a := range allOfIt {
		for _, b := range allOfIt {
			for _, c := range allOfIt {
				for sees := range 1 << 6 { // a bit for each node and each other node
					combinations++
					begun += mustBeginOnce(t, view(a, b, c), sees)
				}
			}
		}
	}
	t.Logf("%d combinations, in %d of them a cluster begins", combinations, begun)
	if begun == 0 {
		t.Error("no cluster ever begins")
	}
}

// mustBeginOnce returns how many nodes begin a cluster.
func mustBeginOnce(t *testing.T, are map[string]State, sees int) (n int) {
	t.Helper()
	for i, me := range order {
		own, ok := are[me]
		if !ok {
			continue
		}
		seen := map[string]State{me: own}
		for j, other := range order {
			s, there := are[other]
			if bit := i*2 + (j-i+3)%3 - 1; there && j != i && sees>>bit&1 == 1 {
				seen[other] = s
			}
		}
		todo := begin(me, order, seen, time.Hour)
		if todo.act != bootstrap && todo.act != promote {
			continue
		}
		n++
		if len(are) < len(order) {
			t.Fatalf("%s begins while another node is silent: %+v", me, are)
		}
		for name, s := range are {
			if name != me && (s.Phase != waiting || s.Data == unseen || s.hasMore(own)) {
				t.Fatalf("%s begins beside %+v", me, s)
			}
		}
	}
	if n > 1 {
		t.Fatalf("%d clusters begin: %+v", n, are)
	}
	return n
}

// TestOneAlwaysBegins holds that the rule does not wait for ever where it can decide: all are here, no server runs, and
// there is data, or nothing anywhere.
func TestOneAlwaysBegins(t *testing.T) {
	folders := []State{empty, broken, clusterAt1, clusterAt2}
	for _, a := range folders {
		for _, b := range folders {
			for _, c := range folders {
				all := []State{a, b, c}
				decidable := slices.Contains(all, clusterAt1) || slices.Contains(all, clusterAt2) ||
					!slices.Contains(all, broken)
				if n := mustBeginOnce(t, view(a, b, c), 1<<6-1); n == 1 != decidable {
					t.Errorf("%v: %d begin, and it can be decided: %v", all, n, decidable)
				}
			}
		}
	}
}

func TestOperatorsCommand(t *testing.T) {
	for _, test := range []struct {
		seen    map[string]State
		want    act
		refusal string
	}{
		{view(clusterAt2, clusterAt1, silent), bootstrap, ""},
		{view(clusterAt1, silent, silent), bootstrap, ""},
		{view(empty, empty, silent), bootstrap, ""},
		{view(broken, empty, empty), bootstrap, ""},
		{view(plain, plain, empty), bootstrap, ""},
		{view(clusterAt1, others, empty), bootstrap, ""},
		{view(partitionedAt2, silent, silent), promote, ""},
		{view(partitionedAt2, clusterAt1, silent), promote, ""},
		{view(clusterAt1, clusterAt2, silent), "",
			"a has transaction 1 of cluster u, and b has transaction 2 of cluster u"},
		{view(empty, clusterAt1, silent), "", "begin with that one"},
		{view(clusterAt1, plain, silent), bootstrap, ""},
		{view(clusterAt1, looks, silent), "", "b looks how far its data goes"},
		{view(looks, clusterAt1, silent), "", "this node looks how far its data goes"},
		{view(clusterAt1, aloneAt1, silent), "", "begin with that one"},
		{view(aloneAt1, clusterAt2, silent), bootstrap, ""},
		{view(clusterAt1, member, silent), "", "joins by itself"},
		{view(clusterAt2, partitionedAt1, silent), "", "stop that node first"},
		{view(clusterAt2, begins, silent), "", "stop that node first"},
		{view(member, silent, silent), "", "part of a cluster already"},
		{view(joins, silent, silent), "", "is starting"},
	} {
		got, err := command("a", order, test.seen)
		if got.act != test.want || err == nil != (test.refusal == "") ||
			err != nil && !strings.Contains(err.Error(), test.refusal) {
			t.Errorf("%+v: %q, %v; want %q, %s", test.seen, got.act, err, test.want, test.refusal)
		}
	}
}

func TestDonors(t *testing.T) {
	for me, want := range map[string]string{"a": "[c b]", "b": "[c a]", "c": "[b a]"} {
		if got := fmt.Sprint(donorsFor(me, order)); got != want {
			t.Errorf("%s gets its data from %s, want %s", me, got, want)
		}
	}
}
