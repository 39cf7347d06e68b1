package accounts_test

import (
	"context"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/api/accounts"
	"github.com/woodytoys/woodytoys/api/shop"
	"github.com/woodytoys/woodytoys/api/store"
)

// besieged is the accounts of a shop whose database can be looked into.
type besieged struct {
	*accounts.Service
	t  testing.TB
	db *sql.DB

	mu         sync.Mutex
	statements []string
}

func mustBesiege(t testing.TB) *besieged {
	t.Helper()
	b := &besieged{t: t}
	dir := t.TempDir()
	s, err := store.Open(store.Config{DataDir: dir, Follow: func(_ context.Context, statement string) func(error) {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.statements = append(b.statements, statement)
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if b.db, err = sql.Open("sqlite", filepath.Join(dir, "woody.db")+"?_pragma=busy_timeout(5000)"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.db.Close() })
	b.Service = accounts.New(accounts.Config{Store: s, Wait: time.Minute}).Patient().Cheap()
	return b
}

// later has so much time pass for what the database and the service have.
func (b *besieged) later(d time.Duration) {
	b.t.Helper()
	b.Later(d)
	for _, move := range []string{
		"UPDATE woody_sign_in SET tried_us = tried_us - ?",
		"UPDATE woody_session SET created_us = created_us - ?1, renewed_us = renewed_us - ?1, until_us = until_us - ?1",
	} {
		if _, err := b.db.ExecContext(b.t.Context(), move, d.Microseconds()); err != nil {
			b.t.Fatal(err)
		}
	}
}

// failed has so much have failed under each key that was tried and not proved, but of what succeeded for these names.
func (b *besieged) failed(n int) {
	b.t.Helper()
	const set = "UPDATE woody_sign_in SET failures = ? WHERE proved_us = 0 AND what NOT IN (?, ?, ?)"
	if _, err := b.db.ExecContext(b.t.Context(), set, n, b.Often("ann"), b.Often("bob"), b.Often("admin")); err != nil {
		b.t.Fatal(err)
	}
}

// prolong has the delays that there are be as long as they get: they do not pass while this is looked at.
func (b *besieged) prolong() {
	b.t.Helper()
	const set = "UPDATE woody_sign_in SET failures = 1000 WHERE failures >= 5 AND what NOT IN (?, ?, ?)"
	if _, err := b.db.ExecContext(b.t.Context(), set, b.Often("ann"), b.Often("bob"), b.Often("admin")); err != nil {
		b.t.Fatal(err)
	}
}

// try tries a wrong password, and reports whether it was checked.
func (b *besieged) try(name string, from netip.Addr) bool {
	b.t.Helper()
	_, err := b.SignIn(b.t.Context(), name, "not the password", from, "")
	switch shop.KindOf(err) {
	case shop.Unauthorized:
		return true
	case shop.TooMany:
		if err.(*shop.Error).RetryAfter <= 0 {
			b.t.Error("no Retry-After")
		}
		return false
	case shop.Busy:
		return false
	}
	b.t.Errorf("a wrong password for %s: %v", name, err)
	return false
}

// addressOf returns an address of a network of its own.
func addressOf(i int) netip.Addr {
	return netip.AddrFrom4([4]byte{198, byte(i >> 16), byte(i >> 8), byte(i)})
}

// more returns how many tries the delays of a second, two, four and so on allow in a time, up to 30s.
func more(took time.Duration) int {
	if took > 30*time.Second {
		return 6 + int(took/(30*time.Second))
	}
	return 1 + int(math.Log2(took.Seconds()+1))
}

// TestAThousandFromOneAddress tries a thousand wrong passwords for ann from one address. It checks that few of them are
// hashed, that ann can still sign in from elsewhere, that other names are limited at that address too, and that an
// account that signed in there before is not.
func TestAThousandFromOneAddress(t *testing.T) {
	b := mustBesiege(t)
	mustRegister(t, b.Service, "ann")
	mustRegister(t, b.Service, "bob")
	mustSignIn(t, b.Service, "ann")
	attacker := addressOf(1)
	if _, err := b.SignIn(t.Context(), "bob", right, attacker, ""); err != nil {
		t.Fatal(err)
	}
	began, looked, hashed := time.Now(), atomic.Int64{}, b.Hashes()
	var running sync.WaitGroup
	for range 20 {
		running.Go(func() {
			for range 50 {
				if b.try("ann", attacker) {
					looked.Add(1)
				}
			}
		})
	}
	running.Wait()
	most := int64(5 + more(time.Since(began)))
	if looked.Load() < 5 || looked.Load() > most || b.Hashes()-hashed != looked.Load() {
		t.Errorf("%d of 1000 were looked at, %d hashed; want 5 to %d", looked.Load(), b.Hashes()-hashed, most)
	}
	mustSignIn(t, b.Service, "ann") // from home
	if _, err := b.SignIn(t.Context(), "ann", right, addressOf(2), ""); err != nil {
		t.Errorf("the owner, from elsewhere: %v", err)
	}
	for range 10 { // until the delay is a quarter of an hour, which does not pass while this is looked at
		b.later(15 * time.Minute)
		b.try("ann", attacker)
	}
	_, err := b.SignIn(t.Context(), "ann", right, attacker, "")
	wantKind(t, "the owner, from the attacker's address", err, shop.TooMany)

	// Other names from there are delayed too, whether somebody has them; but not one who has signed in there.
	began, hashed = time.Now(), b.Hashes()
	for i := range 200 {
		b.try(fmt.Sprint("name-", i), attacker)
	}
	if n := b.Hashes() - hashed; n > int64(20+more(time.Since(began))) {
		t.Errorf("%d of 200 other names were looked at", n)
	}
	if _, err := b.SignIn(t.Context(), "bob", right, attacker, ""); err != nil {
		t.Errorf("one who has signed in at the attacker's address before: %v", err)
	}
	b.later(15 * time.Minute)
	if _, err := b.SignIn(t.Context(), "ann", right, attacker, ""); err != nil {
		t.Errorf("the owner there, a quarter of an hour later: %v", err)
	}
}

// TestAThousandFromManyAddresses tries a thousand wrong passwords for ann from as many addresses. It checks that few of
// them are hashed, that ann can sign in at once where she did before, and from elsewhere half a minute after the last
// try.
func TestAThousandFromManyAddresses(t *testing.T) {
	b := mustBesiege(t)
	mustRegister(t, b.Service, "ann")
	mustSignIn(t, b.Service, "ann")
	b.try("ann", addressOf(1))
	const before = 40
	b.failed(before)
	began, hashed := time.Now(), b.Hashes()
	var running sync.WaitGroup
	for i := range 20 {
		running.Go(func() {
			for n := range 50 {
				b.try("ann", addressOf(1000+100*i+n))
			}
		})
	}
	running.Wait()
	if n, most := b.Hashes()-hashed, int64(50-before+more(time.Since(began))); n < 50-before || n > most {
		t.Errorf("%d of 1000 were looked at, want %d to %d", n, 50-before, most)
	}
	mustSignIn(t, b.Service, "ann")
	b.later(30 * time.Second) // the delay by the last of them may be about to pass: one more, and half a minute
	b.try("ann", addressOf(99_998))
	b.prolong()
	_, err := b.SignIn(t.Context(), "ann", right, addressOf(99_999), "")
	if wait := waitOf(err); shop.KindOf(err) != shop.TooMany || wait > 30*time.Second {
		t.Errorf("the owner from elsewhere: %v, in %v; want TooMany, in 30s at most", err, wait)
	}
	b.later(30 * time.Second)
	if _, err := b.SignIn(t.Context(), "ann", right, addressOf(99_999), ""); err != nil {
		t.Errorf("the owner from elsewhere, half a minute later: %v", err)
	}
}

func waitOf(err error) time.Duration {
	var known *shop.Error
	if !errors.As(err, &known) {
		return 0
	}
	return known.RetryAfter
}

// TestTheOwnersDevice exhausts the tries for a name everywhere, at the owner's address too. It checks that the owner
// can still sign in with her device's secret from any address, that a forged secret or another account's does not help,
// and that wrong passwords with her device's secret are limited as well.
func TestTheOwnersDevice(t *testing.T) {
	b := mustBesiege(t)
	mustRegister(t, b.Service, "ann")
	mustRegister(t, b.Service, "bob")
	device, others := mustSignIn(t, b.Service, "ann").Device, mustSignIn(t, b.Service, "bob").Device
	if device == "" || device == others {
		t.Fatalf("the devices are %q and %q", device, others)
	}
	b.wantNowhere(device)
	b.try("ann", addressOf(1))
	b.try("ann", addressOf(2))
	b.failed(1000)
	for range 7 {
		b.try("ann", home)
	}
	for i, given := range []string{"", others, strings.Repeat("A", 22), "' OR 1=1 --", strings.Repeat("x", 1<<20)} {
		_, err := b.SignIn(t.Context(), "ann", right, addressOf(1+i), given)
		wantKind(t, fmt.Sprintf("the owner on the device %.10q", given), err, shop.TooMany)
	}
	for i, from := range []netip.Addr{home, addressOf(1), addressOf(77), {}} {
		in, err := b.SignIn(t.Context(), "ann", right, from, device)
		if err != nil || in.Device != device {
			t.Errorf("the owner on her device, from the %d. address: %v, the same device: %t", i+1, err,
				in.Device == device)
		}
	}
	// What fails there counts there.
	began, looked := time.Now(), b.Hashes()
	for range 10 {
		_, _ = b.SignIn(t.Context(), "ann", "not the password", addressOf(88), device)
	}
	if n, most := b.Hashes()-looked, int64(5+more(time.Since(began))); n < 5 || n > most {
		t.Errorf("%d of 10 tries on a device that is known were looked at, want 5 to %d", n, most)
	}
}

// wantNowhere fails the test if a device's secret is stored.
func (b *besieged) wantNowhere(device string) {
	b.t.Helper()
	raw, err := base64.RawURLEncoding.DecodeString(device)
	if err != nil {
		b.t.Fatal(err)
	}
	var stored string
	const query = "SELECT group_concat(hex(what)) FROM woody_sign_in"
	if err := b.db.QueryRowContext(b.t.Context(), query).Scan(&stored); err != nil {
		b.t.Fatal(err)
	}
	if strings.Contains(stored, fmt.Sprintf("%X", raw)) {
		b.t.Error("a device's secret is stored")
	}
}

// TestNobodyKeepsTheAdministratorOut fails in his name from everywhere before he has ever signed in.
func TestNobodyKeepsTheAdministratorOut(t *testing.T) {
	b := mustBesiege(t)
	if _, err := b.EnsureAdministrator(t.Context(), right); err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		b.try("admin", addressOf(i))
	}
	b.failed(1000)
	in, err := b.SignIn(t.Context(), "admin", right, home, "")
	if err != nil {
		t.Fatalf("the administrator's first sign-in: %v", err)
	}
	b.try("admin", addressOf(5))
	if _, err := b.db.ExecContext(t.Context(), "UPDATE woody_sign_in SET failures = 1000"); err != nil {
		t.Fatal(err)
	}
	_, err = b.SignIn(t.Context(), "admin", right, addressOf(99), "")
	wantKind(t, "the administrator, once he is known, from elsewhere", err, shop.TooMany)
	b.later(15 * time.Minute) // or what fails on the device itself counts
	b.try("admin", addressOf(6))
	if _, err := b.SignIn(t.Context(), "admin", right, addressOf(99), in.Device); err != nil {
		t.Errorf("the administrator from elsewhere on his device: %v", err)
	}
}

// TestWhetherThereIsAnAccountIsNotShown compares all that is done for a name that somebody has with what is done for
// others: the words, the statements at the database, and the hashes.
func TestWhetherThereIsAnAccountIsNotShown(t *testing.T) {
	b := mustBesiege(t)
	mustRegister(t, b.Service, "ann")
	work := func(name string, from int) (done []string) {
		t.Helper()
		b.mu.Lock()
		b.statements = nil
		b.mu.Unlock()
		hashed := b.Hashes()
		_, err := b.SignIn(t.Context(), name, "not the password", addressOf(from), "")
		b.mu.Lock()
		defer b.mu.Unlock()
		return append(slices.Clone(b.statements), fmt.Sprint(err, " hashes: ", b.Hashes()-hashed))
	}
	want := work("ann", 1)
	if len(want) < 4 || !strings.HasSuffix(want[len(want)-1], "hashes: 1") {
		t.Errorf("a wrong password takes %q", want)
	}
	for i, name := range []string{"bob", "no name", "", strings.Repeat("x", 1<<20), "\xff", "admin"} {
		if got := work(name, 2+i); !slices.Equal(got, want) {
			t.Errorf("for the name %.20q was done\n%q\nand for one that somebody has\n%q", name, got, want)
		}
	}
	for range 6 {
		for _, name := range []string{"ann", "bob"} {
			work(name, 50)
		}
	}
	b.prolong()
	b.Later(-1) // neither is known to be delayed, and then both are
	for range 2 {
		if got, want := work("bob", 50), work("ann", 50); !slices.Equal(got, want) ||
			!strings.HasSuffix(got[len(got)-1], "hashes: 0") {
			t.Errorf("delayed, for a name that nobody has was done\n%q\nand for one that somebody has\n%q", got, want)
		}
	}
}

// TestRegistrationsAreBounded checks that an address can make only a limited number of accounts, and that another
// address still can.
func TestRegistrationsAreBounded(t *testing.T) {
	b := mustBesiege(t)
	if _, err := b.Register(t.Context(), "first", right, addressOf(1)); err != nil {
		t.Fatal(err)
	}
	const before = 45
	b.failed(before)
	began, made := time.Now(), 0
	for i := range 25 {
		_, err := b.Register(t.Context(), fmt.Sprint("name-", i), right, addressOf(1))
		switch {
		case err == nil:
			made++
		case shop.KindOf(err) != shop.TooMany || waitOf(err) <= 0:
			t.Fatal(err)
		}
	}
	if most := 50 - before + more(time.Since(began)); made < 50-before || made > most {
		t.Errorf("%d were made, want %d to %d", made, 50-before, most)
	}
	if _, err := b.Register(t.Context(), "another", right, addressOf(2)); err != nil {
		t.Error(err)
	}
}

// TestManyNetworksOfOneSite checks that all networks of an IPv6 /48 share the limits of sign-ins and registrations, and
// that another /48 has its own.
func TestManyNetworksOfOneSite(t *testing.T) {
	b := mustBesiege(t)
	in := func(site, network int) netip.Addr {
		return netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, 0, byte(site), byte(network >> 8), byte(network), 15: 1})
	}
	b.try("ann", in(1, 0))
	if _, err := b.Register(t.Context(), "first", right, in(1, 0)); err != nil {
		t.Fatal(err)
	}
	b.failed(1000)
	if b.try("bob", in(1, 1)) {
		t.Error("another name from another network of the site was looked at")
	}
	_, err := b.Register(t.Context(), "second", right, in(1, 1))
	wantKind(t, "a registration from another network of the site", err, shop.TooMany)
	if !b.try("bob", in(2, 1)) {
		t.Error("a try from another site was not looked at")
	}
	if _, err := b.Register(t.Context(), "second", right, in(2, 1)); err != nil {
		t.Errorf("a registration from another site: %v", err)
	}
}

// TestGoodPasswordsAreBounded signs in rightly over and over, each time from another address: it keeps nobody from the
// places to hash in.
func TestGoodPasswordsAreBounded(t *testing.T) {
	b := mustBesiege(t)
	mustRegister(t, b.Service, "ann")
	mustRegister(t, b.Service, "bob")
	hashed, good := b.Hashes(), 0
	began := time.Now()
	for i := range 150 {
		_, err := b.SignIn(t.Context(), "ann", right, addressOf(i), "")
		switch {
		case err == nil:
			good++
		case shop.KindOf(err) != shop.TooMany || waitOf(err) <= 0:
			t.Fatal(err)
		}
	}
	// By an hour that begins meanwhile there may be twice as many.
	most := 2*30 + more(time.Since(began))
	if n := int(b.Hashes() - hashed); good < 30 || good > most || n > most+more(time.Since(began))+1 {
		t.Errorf("%d of 150 were let in, %d hashed; want 30 to %d", good, n, most)
	}
	mustSignIn(t, b.Service, "bob")
	b.later(time.Hour)
	mustSignIn(t, b.Service, "ann")
}

// TestOneNameManySpellings registers a name in many confusable spellings at once, and checks that exactly one succeeds.
// It also checks that spellings of reserved names are taken, and that names with other characters are invalid.
func TestOneNameManySpellings(t *testing.T) {
	s := mustService(t)
	var made atomic.Int32
	var running sync.WaitGroup
	for _, name := range []string{
		"billarney", "BILLARNEY", "BillArney", "bi1larney", "bil1arney", "billamey", "billaRNey", "BI11ARNEY",
	} {
		running.Go(func() {
			_, err := s.Register(t.Context(), name, right, home)
			if err == nil {
				made.Add(1)
			} else if shop.KindOf(err) != shop.Taken {
				t.Errorf("%s: %v, want Taken", name, err)
			}
		})
	}
	running.Wait()
	if made.Load() != 1 {
		t.Errorf("%d accounts were made, want 1", made.Load())
	}
	for _, name := range []string{"admin", "ADMIN", "adrnin", "aclmin", "admin.", "adm1n", "admins", "Woody"} {
		_, err := s.Register(t.Context(), name, right, home)
		wantKind(t, name, err, shop.Taken)
	}
	for _, name := range []string{"bіllarney", "ｂｉｌｌ", "bill arney", "bill\u200barney", "b"} {
		_, err := s.Register(t.Context(), name, right, home)
		wantKind(t, name, err, shop.Invalid)
	}
}

// TestRefreshSecrets renews a session ten times at once with one secret, and checks that all ten get the same new
// secret. It then checks that the old secret still works for a minute, that forged secrets are refused, and that using
// the old secret later ends the session.
func TestRefreshSecrets(t *testing.T) {
	b := mustBesiege(t)
	mustRegister(t, b.Service, "ann")
	in := mustSignIn(t, b.Service, "ann")
	b.later(2 * time.Minute)
	renewed := make([]accounts.SignedIn, 10)
	var running sync.WaitGroup
	for i := range renewed {
		running.Go(func() {
			var err error
			if renewed[i], err = b.Renew(t.Context(), in.Refresh); err != nil {
				t.Error(err)
			}
		})
	}
	running.Wait()
	for _, r := range renewed {
		if r.Refresh != renewed[0].Refresh || r.Session != in.Session || r.Account != in.Account {
			t.Errorf("of ten with one secret two were given %+v and %+v", renewed[0], r)
		}
	}
	present := renewed[0].Refresh
	if present == in.Refresh {
		t.Error("the secret was not replaced")
	}
	b.later(20 * time.Second)
	if again, err := b.Renew(t.Context(), in.Refresh); err != nil || again.Refresh != present {
		t.Errorf("the secret before, within a minute: %+v, %v", again, err)
	}
	b.wantNotStored(present, in.Refresh)
	for _, forged := range []string{
		"", present[:63], strings.Repeat("A", 64), present[:21] + strings.Repeat("A", 43)[:43],
		"A" + present[1:], strings.Repeat("x", 1<<20),
	} {
		if forged[:min(21, len(forged))] == present[:21] {
			continue // of the family: that ends it, below
		}
		_, err := b.Renew(t.Context(), forged)
		wantKind(t, "a forged secret", err, shop.Unauthorized)
	}
	mustCaller(t, b.Service, in.Session)
	b.later(45 * time.Second)
	_, err := b.Renew(t.Context(), in.Refresh)
	wantKind(t, "the secret before, later", err, shop.Unauthorized)
	in.Refresh = present
	wantEnded(t, b.Service, in)
}

// wantNotStored fails the test if what is stored of sessions has any part of the secrets.
func (b *besieged) wantNotStored(secrets ...string) {
	b.t.Helper()
	var stored string
	const query = "SELECT group_concat(hex(secret) || hex(former) || hex(salt) || hex(family)) FROM woody_session"
	if err := b.db.QueryRowContext(b.t.Context(), query).Scan(&stored); err != nil {
		b.t.Fatal(err)
	}
	for _, secret := range secrets {
		raw, err := base64.RawURLEncoding.DecodeString(secret)
		if err != nil {
			b.t.Fatal(err)
		}
		const family = 16
		for _, part := range [][]byte{raw[:family], raw[family:]} {
			if strings.Contains(stored, fmt.Sprintf("%X", part)) {
				b.t.Error("a part of a secret is stored")
			}
		}
	}
}

// TestSessionsExpire leaves one alone for a month, and has another renewed for three.
func TestSessionsExpire(t *testing.T) {
	b := mustBesiege(t)
	mustRegister(t, b.Service, "ann")
	idle, used := mustSignIn(t, b.Service, "ann"), mustSignIn(t, b.Service, "ann")
	const day = 24 * time.Hour
	for passed := time.Duration(0); passed < accounts.SessionMax-day; passed += 15 * day {
		mustCaller(t, b.Service, used.Session)
		if passed < accounts.SessionIdle {
			mustCaller(t, b.Service, idle.Session)
		} else {
			wantEnded(t, b.Service, idle)
		}
		if passed > 0 {
			var err error
			if used, err = b.Renew(t.Context(), used.Refresh); err != nil {
				t.Fatalf("renewed after %v: %v", passed, err)
			}
		}
		b.later(15 * day)
	}
	wantEnded(t, b.Service, used)
}

// TestAClockGoesBack sets the database's clock back by a day, by moving what it has noted ahead.
func TestAClockGoesBack(t *testing.T) {
	b := mustBesiege(t)
	mustRegister(t, b.Service, "ann")
	in := mustSignIn(t, b.Service, "ann")
	for range 5 {
		b.try("ann", home)
	}
	b.prolong()
	if b.try("ann", home) {
		t.Error("a sixth try was looked at")
	}
	b.later(-24 * time.Hour)
	mustSignIn(t, b.Service, "ann")
	mustCaller(t, b.Service, in.Session)
	again, err := b.Renew(t.Context(), in.Refresh)
	if err != nil || again.Refresh == in.Refresh || again.Unchanged {
		t.Errorf("renewed: %v, another secret: %t", err, again.Refresh != in.Refresh)
	}
	if third, err := b.Renew(t.Context(), in.Refresh); err != nil || third.Refresh != again.Refresh {
		t.Errorf("renewed again: %v, the same secret: %t", err, third.Refresh == again.Refresh)
	}
}

// BenchmarkSignIn tries a wrong password alternately for a name that exists and for one that does not, each time from
// another address, and reports percentiles of both. They must not differ, or the time would reveal which names exist.
func BenchmarkSignIn(b *testing.B) {
	s := mustBesiege(b)
	if _, err := s.Register(b.Context(), "ann", right, home); err != nil {
		b.Fatal(err)
	}
	names, took := [2]string{"ann", "bob"}, [2][]float64{}
	for i := 0; b.Loop(); i++ {
		if i%40 == 0 {
			s.failed(0) // or they would be delayed
		}
		began := time.Now()
		if !s.try(names[i%2], addressOf(i)) {
			b.Fatal("a try was delayed")
		}
		took[i%2] = append(took[i%2], float64(time.Since(began).Microseconds()))
	}
	for i, name := range names {
		slices.Sort(took[i])
		for _, part := range []int{10, 50, 90} {
			if n := len(took[i]); n > 0 {
				b.ReportMetric(took[i][part*(n-1)/100], fmt.Sprintf("us-%s-p%d", name, part))
			}
		}
	}
}
