package accounts

import (
	"crypto/sha256"
	"net/netip"
	"strconv"
	"time"

	"github.com/woodytoys/woodytoys/api/shop"
)

// Who tries to sign in and fails has to wait longer and longer before the next try is looked at. Failures are counted
// in the database, for all replicas together, under four keys: the name and the address, the name and the device, the
// address alone, and the name alone. A try counts as failed before it is looked at, so that those that come together
// are counted too; one that succeeds is taken back.
//
// An address is that of a network: of IPv6 the first 64 bits, of which each customer of a provider has 64 more.
//
// Nobody can keep an account's owner out by failing in his name: where he has signed in from before, or on a device
// that he has signed in on, only the failures from there in his name count, and from elsewhere he waits for half a
// minute at most between two tries that anybody makes in his name.

// rule is how failures under a key delay the next try.
type rule struct {
	// from is how many failures have the next try wait. It waits for a second then, and twice as long after each
	// further one.
	from int
	// most is the longest that it waits.
	most time.Duration
}

var (
	pairRule     = rule{5, 15 * time.Minute}
	addressRule  = rule{20, 15 * time.Minute}
	nameRule     = rule{50, 30 * time.Second}
	siteRule     = rule{200, 15 * time.Minute} // of tries, and of registrations, from a site of IPv6
	oftenRule    = rule{30, 15 * time.Minute}  // of good passwords of one account within an hour
	registerRule = rule{50, 15 * time.Minute}  // of new accounts from an address, whether they come to be or not
)

// backwards is by how much the clocks of two nodes may differ. One that is further back was set back, and what it says
// of the past is not counted by.
const backwards = time.Minute

// wait returns how long the next try has to wait.
func (r rule) wait(tries Tries, now time.Time) time.Duration {
	if tries.Failures < r.from {
		return 0
	}
	delay := r.most
	if doubled := tries.Failures - r.from; doubled < 20 {
		delay = min(time.Second<<doubled, r.most)
	}
	since := now.Sub(tries.Last)
	if since < -backwards {
		return 0
	}
	return max(delay-max(since, 0), 0)
}

// trying is somebody who tries a password.
type trying struct {
	counted []counted
	self    Key  // of all that decides whether he has to wait
	known   bool // the name has been signed in with from this address, or on this device
	// waits are how long the try had to wait when it was last refused: self for all of it, and the key of each whose
	// tries are too many.
	waits map[Key]time.Duration
}

// counted is what failures are counted under.
type counted struct {
	key  Key
	rule rule
	// own marks a key that, once it is proved, counts alone.
	own bool
	// late marks a key whose rule holds only once it is proved.
	late bool
}

// tryFor returns the try of a clean name from an address and on a device, each of which may be none. A name that can be
// none is "": all of them are counted as one.
func tryFor(name string, from netip.Addr, device string) *trying {
	network := networkOf(from)
	pair := keyOf("pair", name, network)
	t := &trying{self: pair, counted: []counted{{key: pair, rule: pairRule, own: true}}}
	if device = cleanDevice(device); device != "" {
		t.self = keyOf("self", name, network, device)
		t.counted = append(t.counted, counted{key: deviceKey(name, device), rule: pairRule, own: true})
	}
	// The first administrator's password is the operator's, and hard to guess: nobody is to keep him out before he has
	// a place or a device that he is known by.
	t.counted = append(t.counted, counted{key: keyOf("name", name), rule: nameRule, late: name == adminName})
	if network != "" {
		t.counted = append(t.counted, counted{key: keyOf("address", network), rule: addressRule})
	}
	if site := siteOf(from); site != "" {
		t.counted = append(t.counted, counted{key: keyOf("site", site), rule: siteRule})
	}
	return t
}

// registering returns the try to make an account from an address.
func registering(from netip.Addr) *trying {
	key := keyOf("register", networkOf(from))
	t := &trying{self: key, counted: []counted{{key: key, rule: registerRule}}}
	if site := siteOf(from); site != "" {
		t.counted = append(t.counted, counted{key: keyOf("register at", site), rule: siteRule})
	}
	return t
}

// hashing returns the good passwords of an account within this hour. They are bounded too: each takes one of the few
// places to hash in.
func hashing(account string, now time.Time) *trying {
	key := keyOf("often", account, strconv.FormatInt(now.Unix()/int64(time.Hour/time.Second), 10))
	return &trying{self: key, counted: []counted{{key: key, rule: oftenRule}}}
}

// keys returns what the try is counted under.
func (t *trying) keys() []Key {
	keys := make([]Key, len(t.counted))
	for i, c := range t.counted {
		keys[i] = c.key
	}
	return keys
}

// allow returns TooMany where the try has to wait: it is what Store.Try asks.
func (t *trying) allow(now time.Time, seen []Tries) error {
	t.known, t.waits = false, map[Key]time.Duration{}
	var own, all time.Duration // the shortest of those that are proved, and the longest
	for i, c := range t.counted {
		proved := !seen[i].Proved.IsZero()
		if c.late && !proved {
			continue
		}
		wait := c.rule.wait(seen[i], now)
		if wait > 0 {
			t.waits[c.key] = wait
		}
		all = max(all, wait)
		if c.own && proved && (!t.known || wait < own) {
			t.known, own = true, wait
		}
	}
	if t.known {
		all = own
	}
	if all == 0 {
		return nil
	}
	t.waits[t.self] = all
	return tooMany(all)
}

// good returns what a good try is to the store.
func (t *trying) good() (good Good) {
	for _, c := range t.counted {
		if c.own || c.late {
			good.Proved = append(good.Proved, c.key)
		} else {
			good.Counted = append(good.Counted, c.key)
		}
	}
	return good
}

func tooMany(wait time.Duration) error {
	return &shop.Error{
		Kind: shop.TooMany, RetryAfter: wait,
		Detail: "Too many tries have failed; wait as long as Retry-After says before the next one.",
	}
}

// keyOf returns the key of what is counted. What was typed as a name may be a password: only its hash is kept.
func keyOf(parts ...string) Key {
	h := sha256.New()
	for _, part := range parts {
		h.Write([]byte(part))
		h.Write([]byte{0})
	}
	return Key(h.Sum(nil))
}

// siteOf returns the first 48 bits of an address of IPv6, which a customer of a provider may have all of; empty for
// others.
func siteOf(from netip.Addr) string {
	from = from.Unmap().WithZone("")
	if !from.Is6() {
		return ""
	}
	site, _ := from.Prefix(48) // the bits fit
	return site.String()
}

// networkOf returns the network of an address; empty for none.
func networkOf(from netip.Addr) string {
	from = from.Unmap().WithZone("")
	if !from.IsValid() {
		return ""
	}
	bits := 64
	if from.Is4() {
		bits = 32
	}
	network, _ := from.Prefix(bits) // the bits fit
	return network.String()
}
