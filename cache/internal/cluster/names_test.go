package cluster

import "testing"

// TestNamesTellApart holds that two programs share no name: with two ledgers, with two namespaces, or in two logical
// databases, where keys are apart anyway and channels are not.
func TestNamesTellApart(t *testing.T) {
	state := State{Epoch: 7, Token: "token", Ledger: "ledger"}
	config := func(namespace string, db int) *Config {
		p, _ := newPart(t, nil)
		p.Namespace, p.Redis.DB = namespace, db
		return p.Config
	}
	one, elsewhere := config("", 0).names(state), config("", 1).names(state)
	for what, other := range map[string]names{
		"another ledger":    config("", 0).names(State{Epoch: 7, Token: "token", Ledger: "other"}),
		"another namespace": config("other", 0).names(state),
	} {
		if one.state() == other.state() || one.members() == other.members() || one.of("v", "release", "key") == other.of("v", "release", "key") {
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

// TestANamespaceIsAName holds what is refused.
func TestANamespaceIsAName(t *testing.T) {
	for _, namespace := range []string{"a b", "a:b", "*", "[ab]", "a?", `a\`, "é", "a\n", string(make([]byte, 65))} {
		if checkNamespace(namespace) == nil {
			t.Errorf("%q is taken", namespace)
		}
	}
	for _, namespace := range []string{"", "shop", "shop-2.test_A"} {
		if err := checkNamespace(namespace); err != nil {
			t.Errorf("%q: %v", namespace, err)
		}
	}
}
