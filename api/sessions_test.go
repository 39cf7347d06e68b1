package main

import (
	"context"
	"crypto/sha256"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/woodytoys/woodytoys/api/accounts"
	"github.com/woodytoys/woodytoys/api/shop"
	"github.com/woodytoys/woodytoys/internal/servers"
)

// mustRun starts this program with these flags in the test's own process, so that what is behind its routes can be
// called. It ends with the test.
func mustRun(t *testing.T, flags ...string) *program {
	t.Helper()
	p := mustBegin(t, flags...)
	p.mustBecomeReady(t)
	return p
}

// mustBegin is like mustRun, and does not wait.
func mustBegin(t *testing.T, flags ...string) *program {
	t.Helper()
	cfg, _, err := parseConfig(append([]string{
		"--addr=127.0.0.1:0", "--admin-addr=off", "--front=off", "--order-workers=0", "--accounts=on",
		"--drain-delay=0s", "--token-keys-files=" + mustMakeTokenKey(t, "key"),
	}, flags...), os.Stdout, os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	p, err := start(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the replica ended: %v", err)
		}
		p.Close()
	})
	return p
}

func (p *program) mustBecomeReady(t *testing.T) {
	t.Helper()
	for deadline := time.Now().Add(servers.Patience); !p.health.Started(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the replica did not become ready")
		}
	}
}

// TestARevokedSessionEndsEverywhere ends sessions and changes accounts at two replicas on one Redis, in every way there
// is, while both are asked for them all the time: as soon as it is acknowledged at one of them, neither has the session
// as it was.
func TestARevokedSessionEndsEverywhere(t *testing.T) {
	t.Parallel()
	redis, dsn := mustServers(t)
	r := &revocations{t: t}
	for i := range r.replicas {
		r.replicas[i] = mustRun(t, "--db-dsn="+dsn, "--redis-addr="+redis.Addr, "--redis-password=secret",
			fmt.Sprint("--replica-id=r", i),
			// A slow machine is not to be taken for a lost Redis or replica.
			"--redis-timeout=5s", "--ack-timeout=5s", "--cache-lease=5s")
	}
	r.run()
	for i, p := range r.replicas {
		if hits := p.sessionHits(); hits < revokers**revocationsEach {
			t.Errorf("replica %d had %d sessions near: the test shows little", i, hits)
		}
	}
}

// revocations is what happens to sessions at two replicas.
type revocations struct {
	t        *testing.T
	replicas [2]*program
}

var revocationsEach = flag.Int("revocations", 30, "how many sessions each of four workers has revoked")

const revokers = 4

func (r *revocations) run() {
	var working, reading sync.WaitGroup
	done := make(chan struct{})
	var shown sync.Map // ids of sessions
	for i := range r.replicas {
		reading.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				shown.Range(func(id, _ any) bool {
					_, err := r.replicas[i].accounts.Session(r.t.Context(), id.(string))
					if err != nil && shop.KindOf(err) != shop.Unauthorized {
						r.t.Error(err)
					}
					return true
				})
				time.Sleep(time.Millisecond)
			}
		})
	}
	for worker := range revokers {
		working.Go(func() {
			random := rand.New(rand.NewPCG(21, uint64(worker)))
			for round := range *revocationsEach {
				r.revoke(random, (round+worker)%len(ways), &shown)
			}
		})
	}
	working.Wait()
	close(done)
	reading.Wait()
}

// a way to change what a session may do; want is the role that it has then, "" for none.
type way struct {
	name string
	want accounts.Role
	do   func(ctx context.Context, p *program, s revocable) error
}

// revocable is a session that something is going to happen to.
type revocable struct {
	account accounts.Account
	session accounts.NewSession
}

var ways = []way{
	{"signed out", "", func(ctx context.Context, p *program, s revocable) error {
		_, err := p.accounts.SignOut(ctx, s.session.ID)
		return err
	}},
	{"signed out everywhere", "", func(ctx context.Context, p *program, s revocable) error {
		_, err := p.accounts.SignOutEverywhere(ctx, s.account.ID)
		return err
	}},
	{"given another role", accounts.Customer, func(ctx context.Context, p *program, s revocable) error {
		_, err := p.accounts.SetRole(ctx, s.account.ID, accounts.Customer)
		return err
	}},
	{"given another password", "", func(ctx context.Context, p *program, s revocable) error {
		return p.store.SetPassword(ctx, s.account.ID, "hash", "another", accounts.RenewedSession{})
	}},
	{"deleted", "", func(ctx context.Context, p *program, s revocable) error {
		return p.accounts.Delete(ctx, s.account.ID)
	}},
	{"found in two hands", "", func(ctx context.Context, p *program, s revocable) error {
		_, err := p.store.RenewSession(ctx, s.session.Family, func(accounts.HeldSession) accounts.Renewal {
			return accounts.Renewal{End: true}
		})
		return err
	}},
}

// revoke uses a clerk's session at both replicas, so that both know it, and changes it at one.
func (r *revocations) revoke(random *rand.Rand, n int, shown *sync.Map) {
	ctx := r.t.Context()
	s := revocable{account: accounts.Account{ID: uuid.NewString(), Role: accounts.Clerk}}
	s.account.Name = "n" + s.account.ID
	s.session = accounts.NewSession{
		ID: uuid.NewString(), Account: s.account.ID, Family: sha256.Sum256([]byte(s.account.ID)),
	}
	at := r.replicas[random.IntN(2)]
	err := at.store.AddAccount(ctx, s.account, s.account.Name, "hash")
	if err == nil {
		err = at.store.AddSession(ctx, s.session, "hash", accounts.Good{})
	}
	if err != nil {
		r.t.Error(err)
		return
	}
	shown.Store(s.session.ID, true)
	defer shown.Delete(s.session.ID)
	for i, p := range slices.Concat(r.replicas[:], r.replicas[:]) {
		if caller, err := p.accounts.Session(ctx, s.session.ID); err != nil || caller.Role != accounts.Clerk {
			r.t.Errorf("a new session at replica %d: %+v, %v", i%2, caller, err)
		}
	}
	if err := ways[n].do(ctx, at, s); err != nil {
		r.t.Errorf("%s: %v", ways[n].name, err)
		return
	}
	for i, p := range r.replicas {
		caller, err := p.accounts.Session(ctx, s.session.ID)
		if caller.Role != ways[n].want || (err != nil) != (ways[n].want == "") ||
			err != nil && shop.KindOf(err) != shop.Unauthorized {
			r.t.Errorf("after it was %s, a session is still accepted at replica %d (%t): %+v, %v",
				ways[n].name, i, p == at, caller, err)
		}
	}
}

// sessionHits returns how often the near cache had whose a session is.
func (p *program) sessionHits() int {
	for _, loader := range p.cache.Stats().Loaders {
		if loader.Name == "session" {
			return int(loader.Hits)
		}
	}
	return 0
}

// TestLongRevocationsNeedTheInvalidation runs the test above on a build that commits what it does to a session and
// invalidates no cache: it is to fail.
func TestLongRevocationsNeedTheInvalidation(t *testing.T) {
	cmd := exec.Command("go", "test", "-tags", "broken", "-run", "^TestARevokedSessionEndsEverywhere$", ".")
	cmd.Env = append(os.Environ(), "CACHE_BROKEN=settle")
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "is still accepted") {
		t.Errorf("without the invalidation: %v\n%s", err, out)
	}
}
