//go:build attack

package attack

import (
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// guesses are how often a password is guessed.
const guesses = 1000

// refusals returns the number of responses with a status that refuses a guess.
func refusals(came map[int]int) int {
	return came[http.StatusUnauthorized] + came[http.StatusTooManyRequests] + came[http.StatusServiceUnavailable]
}

// guessAll guesses passwords of an account, fifty at a time, each from the address that from returns, and returns how
// often each status came.
func guessAll(t *testing.T, s *Shop, name string, from func(i int) string) map[int]int {
	t.Helper()
	var mu sync.Mutex
	came := map[int]int{}
	work := make(chan int)
	var group sync.WaitGroup
	for range 50 {
		group.Go(func() {
			for i := range work {
				client := s.Client(from(i), true)
				client.Timeout = 30 * time.Second
				guess := credentials(name, fmt.Sprint("guess number ", i))
				got, err := send(client, "POST", s.URL+"/api/session", guess)
				client.CloseIdleConnections()
				if err != nil {
					t.Errorf("guess %d: %v", i, err)
					continue
				}
				if got.status == http.StatusTooManyRequests && got.header.Get("Retry-After") == "" {
					t.Errorf("guess %d: 429 does not say when again", i)
				}
				mu.Lock()
				came[got.status]++
				mu.Unlock()
			}
		})
	}
	for i := range guesses {
		work <- i
	}
	close(work)
	group.Wait()
	return came
}

// TestGuessingFromOneAddress guesses a thousand passwords from one address: a few are looked at, and the owner, who has
// signed in from elsewhere before, still gets in.
func TestGuessingFromOneAddress(t *testing.T) {
	s := theShop
	owner := mustRegister(t, s, "127.0.2.1")
	lines := len(auditLines(t, s, `"outcome":"refused"`))
	WhileOthersAreServed(t, s, func() {
		came := guessAll(t, s, owner.name, func(int) string { return "127.0.0.1" })
		t.Logf("a thousand guesses from one address: %v", came)
		if came[http.StatusUnauthorized] > 20 || came[http.StatusUnauthorized] == 0 ||
			refusals(came) != guesses {
			t.Errorf("statuses are %v, want a few 401 and 429 for the rest", came)
		}
		owner.mustSignIn(t, password)
	})
	if more := len(auditLines(t, s, `"outcome":"refused"`)) - lines; more > 200 {
		t.Errorf("the audit has %d lines more: a flood fills it", more)
	}
}

// TestGuessingFromManyAddresses makes the same guesses from a thousand addresses.
func TestGuessingFromManyAddresses(t *testing.T) {
	s := theShop
	owner := mustRegister(t, s, "127.0.2.2")
	WhileOthersAreServed(t, s, func() {
		came := guessAll(t, s, owner.name, func(i int) string { return fmt.Sprintf("127.0.%d.%d", 16+i/200, 1+i%200) })
		t.Logf("a thousand guesses from as many addresses: %v", came)
		if came[http.StatusUnauthorized] > 120 || came[http.StatusUnauthorized] == 0 ||
			refusals(came) != guesses {
			t.Errorf("statuses are %v, want some 401 and 429 for the rest", came)
		}
		owner.mustSignIn(t, password)
	})
}

// TestSignInDoesNotTellWhoHasAnAccount compares what is said, and how long it takes, of names that have an account and
// of names that have none.
func TestSignInDoesNotTellWhoHasAnAccount(t *testing.T) {
	s := theShop
	owner := mustRegister(t, s, "127.0.2.3")
	const tries = 20
	took := map[bool][]time.Duration{}
	said := map[bool]string{}
	for i := range tries {
		for _, exists := range []bool{true, false} { // in turn, so that both see the same machine
			name := owner.name
			if !exists {
				name = fmt.Sprint("nobody", i/5)
			}
			client := s.Client(fmt.Sprintf("127.0.3.%d", 1+2*i+map[bool]int{true: 1}[exists]), true)
			if got, err := send(client, "GET", s.URL+"/api/ping", ""); err != nil || got.status != http.StatusOK {
				t.Fatal(err, got) // the connection is there
			}
			began := time.Now()
			got, err := send(client, "POST", s.URL+"/api/session", credentials(name, "not the password"))
			took[exists] = append(took[exists], time.Since(began))
			client.CloseIdleConnections()
			if err != nil {
				t.Fatal(err)
			}
			got.wantRefused(t, "a wrong password", http.StatusUnauthorized)
			said[exists] = got.body
		}
	}
	median := func(of []time.Duration) float64 {
		slices.Sort(of)
		return of[len(of)/2].Seconds()
	}
	ratio := median(took[true]) / median(took[false])
	t.Logf("a wrong password takes %.1f ms where there is an account, %.1f ms where there is none",
		1000*median(took[true]), 1000*median(took[false]))
	if ratio < 0.6 || ratio > 1.6 {
		t.Errorf("an account is seen by how long it takes: %.2f times as long", ratio)
	}
	if said[true] != said[false] {
		t.Errorf("an account is seen by what is said: %s and %s", said[true], said[false])
	}
}

// TestForeignPages sends what a page of another origin, also of the CDN's host, can make a browser send with the
// session cookie, and what a client without an Origin could. It checks that the session's calls are refused, and that
// the cookie alone authorizes nothing else.
func TestForeignPages(t *testing.T) {
	s := theShop
	p := mustRegister(t, s, "127.0.0.1")
	host := s.Addr
	p.token = ""
	WhileOthersAreServed(t, s, func() {
		for _, origin := range []string{"", "null", "https://cdn." + host, "http://" + host,
			"https://" + host + ".evil.example", "https://evil.example", "https://evil.example#" + host,
			"https://" + strings.Split(host, ":")[0], "https://", "*"} {
			fields := []string{"Cookie: " + p.cookie}
			if origin != "" {
				fields = append(fields, "Origin: "+origin)
			}
			for _, call := range [][2]string{{"POST", "/api/session/renew"}, {"DELETE", "/api/session"}} {
				got := p.call(t, call[0], call[1], "", fields...)
				got.wantRefused(t, call[0]+" "+call[1]+" from "+origin, http.StatusForbidden)
				if got.header.Get("Access-Control-Allow-Credentials") != "" || got.header.Get("Set-Cookie") != "" {
					t.Errorf("from %q: %v", origin, got.header)
				}
			}
			// The cookie is no token: a form on a page elsewhere orders nothing.
			fields = append(fields, "Content-Type: application/x-www-form-urlencoded")
			for _, call := range [][2]string{{"POST", "/api/orders"}, {"GET", "/api/orders/do?order=Yoyo"},
				{"GET", "/api/products?product=Yoyo"}, {"DELETE", "/api/account"}} {
				p.call(t, call[0], call[1], "", fields...).wantRefused(t, call[0]+" "+call[1]+" from "+origin,
					http.StatusUnauthorized)
			}
		}
	})
	got := p.call(t, "POST", "/api/session/renew", "", "Cookie: "+p.cookie, "Origin: https://"+host)
	if got.status != http.StatusOK {
		t.Errorf("the shop's own page: %d %s", got.status, got.body)
	}
}

// TestTheFrontHasNothingToGiveAway looks for what who has broken into the front would find: no password, no DSN, no key
// in its environment, its arguments or its open files.
func TestTheFrontHasNothingToGiveAway(t *testing.T) {
	s := theShop
	pid := fmt.Sprint(s.Front.PID())
	var held strings.Builder
	for _, file := range []string{"environ", "cmdline"} {
		text, err := os.ReadFile("/proc/" + pid + "/" + file)
		if err != nil {
			t.Fatal(err)
		}
		held.Write(text)
	}
	open, err := os.ReadDir("/proc/" + pid + "/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, fd := range open {
		to, _ := os.Readlink("/proc/" + pid + "/fd/" + fd.Name())
		held.WriteString(to + "\n")
	}
	secrets := append([]string{s.DSN, AdminPassword, s.Redis.Addr, "woody.db", "mariadb"}, s.KeyFiles...)
	for _, secret := range secrets {
		if strings.Contains(held.String(), secret) {
			t.Errorf("the front holds %q", secret)
		}
	}
}
