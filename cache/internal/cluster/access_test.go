package cluster

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/woodytoys/woodytoys/cache/internal/layer"
	"github.com/woodytoys/woodytoys/internal/servers"
	"github.com/woodytoys/woodytoys/internal/servers/servertest"
)

// syncLog is a log that is read while it is written.
type syncLog struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *syncLog) Write(b []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(b)
}

func (j *syncLog) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

// mustStartAs starts a replica that is a user at Redis.
func mustStartAs(t *testing.T, server *servers.Redis, user, replica string, ledger Ledger) (*Node, *syncLog) {
	t.Helper()
	log := &syncLog{}
	n := mustStartNode(t, server, ledger, func(cfg *Config) {
		cfg.Redis.Username, cfg.Redis.Password = user, "secret"
		cfg.Replica = replica
		cfg.Lease, cfg.Timeout, cfg.FillLease = 5*time.Second, 10*time.Second, time.Second
		cfg.Logger = slog.New(slog.NewTextHandler(log, nil))
	})
	return n, log
}

func mustAwait(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal(what, "not within a minute")
		}
	}
}

// mustMakeUser makes a user at Redis who may do what the rule says, and more words.
func mustMakeUser(t *testing.T, client *redis.Client, user string, more ...string) {
	t.Helper()
	c := Config{Redis: &redis.UniversalOptions{Username: user}, Ledger: &fakeLedger{}}
	args := []any{}
	for _, word := range append(append(strings.Fields(c.rule()), "on", ">secret"), more...) {
		args = append(args, word)
	}
	if err := client.Do(t.Context(), args...).Err(); err != nil {
		t.Fatal(err)
	}
}

// TestTheRuleIsEnough runs two replicas through all that replicas do, as a user with the documented rights and no
// others. It checks that nothing is refused, and that none of the rights is unnecessary.
func TestTheRuleIsEnough(t *testing.T) {
	server := servertest.MustStartRedis(t)
	client := server.Client()
	t.Cleanup(func() { client.Close() })
	mustMakeUser(t, client, "toys")
	ledger := &fakeLedger{state: State{Epoch: 1}}
	filler, _ := mustStartAs(t, server, "toys", "filler", ledger)
	other, _ := mustStartAs(t, server, "toys", "other", ledger)
	for _, n := range []*Node{filler, other} {
		mustAwait(t, "a lease", func() bool { return n.Live(n.Now()) })
	}
	if err := client.ConfigResetStat(t.Context()).Err(); err != nil { // what mustMakeUser did
		t.Fatal(err)
	}

	// One fills, for longer than its lease is long, while the other waits.
	_, lease := filler.Fetch(t.Context(), "key", Token{}, nil)
	if lease == nil {
		t.Fatal("no fill lease")
	}
	found := make(chan *layer.Found)
	go func() {
		got, _ := other.Fetch(context.Background(), "key", Token{}, nil)
		found <- got
	}()
	mustAwait(t, "the fill lease is extended", func() bool {
		info, err := client.Info(t.Context(), "commandstats").Result()
		return err == nil && strings.Contains(info, "cmdstat_pexpire:")
	})
	if !lease.Store([]uint16{7}, false, []byte("value"), time.Minute, time.Minute) {
		t.Error("the value is not stored")
	}
	if got := <-found; got == nil || string(got.Payload) != "value" {
		t.Errorf("the one who waits gets %+v", got)
	}
	// Many look up at once; a write goes to both; one leaves, and another comes.
	var lookups sync.WaitGroup
	for i := range 200 {
		lookups.Go(func() { filler.Lookup(fmt.Sprint("key", i)) })
	}
	lookups.Wait()
	if err := filler.Settle(context.Background(), 0, []string{"tag"}); err != nil {
		t.Error(err)
	}
	other.Close()
	last, log := mustStartAs(t, server, "toys", "last", ledger)
	mustAwait(t, "a lease", func() bool { return last.Live(last.Now()) })
	last.Close()

	info, err := client.Info(t.Context(), "commandstats").Result()
	if err != nil {
		t.Fatal(err)
	}
	for _, command := range commands {
		if !strings.Contains(info, "cmdstat_"+command+":") {
			t.Errorf("%s is asked for, and not needed", command)
		}
	}
	for line := range strings.SplitSeq(info, "\r\n") {
		if strings.Contains(line, "rejected_calls=") && !strings.Contains(line, "rejected_calls=0") {
			t.Errorf("Redis refused: %s", line)
		}
	}
	if strings.Contains(log.String(), "lacks") {
		t.Errorf("the log says %s", log)
	}
}

// TestAMissingRightIsNamed takes rights away, one after the other: a replica says in one sentence which it lacks, and
// what to do, and begins once it has been done.
func TestAMissingRightIsNamed(t *testing.T) {
	server := servertest.MustStartRedis(t)
	client := server.Client()
	t.Cleanup(func() { client.Close() })
	ledger := &fakeLedger{state: State{Epoch: 1}}
	rows := map[string]string{"resetkeys": "keys", "resetchannels": "channels"}
	for _, command := range commands {
		rows["-"+command] = command
	}
	for word, missing := range rows {
		t.Run(word, func(t *testing.T) {
			user := "lacks" + word
			mustMakeUser(t, client, user, word)
			n, log := mustStartAs(t, server, user, "replica", ledger)
			c := Config{Redis: &redis.UniversalOptions{Username: user}, Ledger: &fakeLedger{}}
			mustAwait(t, "the replica says what it lacks", func() bool {
				for line := range strings.SplitSeq(log.String(), "\n") {
					text, rule, found := strings.Cut(line, ": run ")
					if found && strings.Contains(text, missing) && strings.Contains(text, " lacks ") &&
						strings.Contains(rule, c.rule()) {
						return true
					}
				}
				return false
			})
			if n.Live(n.Now()) {
				t.Error("it answers from the cache all the same")
			}
			mustMakeUser(t, client, user)
			mustAwait(t, "a lease, with the right", func() bool { return n.Live(n.Now()) })
		})
	}
}

// TestARightIsTakenAway takes a right away from a replica that has a session: it says so when it begins the next.
func TestARightIsTakenAway(t *testing.T) {
	server := servertest.MustStartRedis(t)
	client := server.Client()
	t.Cleanup(func() { client.Close() })
	mustMakeUser(t, client, "toys")
	n, log := mustStartAs(t, server, "toys", "replica", &fakeLedger{state: State{Epoch: 1}})
	mustAwait(t, "a lease", func() bool { return n.Live(n.Now()) })
	mustMakeUser(t, client, "toys", "-hset")
	if err := client.ClientKillByFilter(t.Context(), "type", "pubsub").Err(); err != nil { // its session
		t.Fatal(err)
	}
	mustAwait(t, "the replica says what it lacks",
		func() bool { return strings.Contains(log.String(), "lacks +hset: run ACL") })
}

// TestTheRuleIsWrittenDown checks that what operators are given is the rule.
func TestTheRuleIsWrittenDown(t *testing.T) {
	c := Config{Redis: &redis.UniversalOptions{}, Ledger: &fakeLedger{}}
	rights := strings.TrimPrefix(c.rule(), "ACL SETUSER default ")
	text, err := os.ReadFile("../../PROTOCOL.md")
	if err != nil {
		t.Fatal(err)
	}
	onOneLine := strings.Join(strings.Fields(strings.ReplaceAll(string(text), "\\\n", " ")), " ")
	if !strings.Contains(onOneLine, rights) {
		t.Errorf("PROTOCOL.md does not have %q", rights)
	}
}
