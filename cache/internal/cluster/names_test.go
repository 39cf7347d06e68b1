package cluster

import (
	"strings"
	"testing"
)

// TestNamesTellApart checks that two programs share no name: with two ledgers, namespaces or instances, or in two
// logical databases, where keys are apart anyway and channels are not.
func TestNamesTellApart(t *testing.T) {
	state := State{Epoch: 7, Token: "token", Ledger: "ledger"}
	config := func(instance string, db int) *Config {
		p, _ := newPart(t, nil)
		p.Instance, p.Redis.DB = instance, db
		return p.Config
	}
	games := config("", 0)
	games.Ledger = named{&fakeLedger{}, "games"}
	one, elsewhere := config("", 0).names(state), config("", 1).names(state)
	for what, other := range map[string]names{
		"another ledger":    config("", 0).names(State{Epoch: 7, Token: "token", Ledger: "other"}),
		"another namespace": games.names(state),
		"another instance":  config("other", 0).names(state),
	} {
		if one.state() == other.state() || one.members() == other.members() ||
			one.of("v", "release", "key") == other.of("v", "release", "key") {
			t.Errorf("%s: keys are the same, such as %s", what, one.state())
		}
		if one.bus() == other.bus() || one.inbox("member") == other.inbox("member") {
			t.Errorf("%s: channels are the same, such as %s", what, one.bus())
		}
	}
	if one.bus() == elsewhere.bus() || one.inbox("member") == elsewhere.inbox("member") {
		t.Errorf("in another logical database channels are the same, such as %s", one.bus())
	}
}

// named is a ledger of another namespace.
type named struct {
	*fakeLedger
	namespace string
}

func (n named) Namespace() string { return n.namespace }

// TestNames checks what names are, byte for byte: replicas of two releases meet by them.
func TestNames(t *testing.T) {
	p, _ := newPart(t, nil)
	for _, row := range []struct{ instance, want string }{
		{"", "toys:2:ledger:state toys:2:ledger:members toys:2:ledger:db0:in:me toys:2:ledger:db0:7-token:bus " +
			"toys:2:ledger:7-token:v:release:key"},
		{"shop", "toys:2:shop:state toys:2:shop:members toys:2:shop:db0:in:me toys:2:shop:db0:7-token:bus " +
			"toys:2:shop:7-token:v:release:key"},
	} {
		p.Instance = row.instance
		n := p.names(State{Epoch: 7, Token: "token", Ledger: "ledger"})
		got := strings.Join([]string{n.state(), n.members(), n.inbox("me"), n.bus(), n.of("v", "release", "key")}, " ")
		if got != row.want {
			t.Errorf("instance %q: %s, want %s", row.instance, got, row.want)
		}
	}
}

// TestALedgerHasANamespace checks that a replica does not start under a namespace that is none.
func TestALedgerHasANamespace(t *testing.T) {
	p, _ := newPart(t, nil)
	if err := p.checkNames(); err != nil {
		t.Error(err)
	}
	for _, ledger := range []Ledger{nil, named{&fakeLedger{}, ""}, named{&fakeLedger{}, "*"}} {
		if p.Ledger = ledger; p.checkNames() == nil {
			t.Errorf("%+v is taken", ledger)
		}
	}
}

// TestAnInstanceIsAName checks what is refused.
func TestAnInstanceIsAName(t *testing.T) {
	for _, instance := range []string{"a b", "a:b", "*", "[ab]", "a?", `a\`, "é", "a\n", string(make([]byte, 65))} {
		if checkInstance(instance) == nil {
			t.Errorf("%q is taken", instance)
		}
	}
	for _, instance := range []string{"", "shop", "shop-2.test_A"} {
		if err := checkInstance(instance); err != nil {
			t.Errorf("%q: %v", instance, err)
		}
	}
}
