package accounts

import "testing"

func TestRoles(t *testing.T) {
	for role, want := range map[Role][4]bool{ // PlaceOrders, WriteProducts, SeeOrders, ManageAccounts
		Customer:      {true, false, false, false},
		Clerk:         {true, true, false, false},
		Administrator: {true, true, true, true},
		"":            {},
		"root":        {},
	} {
		for right := PlaceOrders; right <= ManageAccounts; right++ {
			if got := role.Has(right); got != want[right] {
				t.Errorf("role %q has right %d: %v", role, right, got)
			}
		}
	}
}

func TestWhatACallerMaySee(t *testing.T) {
	nobody, ann := Caller{}, Caller{Account: "a", Role: Customer}
	admin := Caller{Account: "c", Role: Administrator}
	for _, c := range []struct {
		caller Caller
		owner  string
		want   bool
	}{
		{nobody, "", false}, {nobody, "a", false},
		{ann, "a", true}, {ann, "b", false}, {ann, "", false},
		{admin, "a", true}, {admin, "", true},
		{Caller{Role: Administrator}, "a", false},
	} {
		if got := c.caller.MaySee(c.owner); got != c.want {
			t.Errorf("%+v sees what belongs to %q: %v", c.caller, c.owner, got)
		}
	}
}
