package cluster

import (
	"errors"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/internal/servers/servertest"
)

// TestAWriterSeesThatRedisWentBack makes an announcement get a number that was another's before, and checks that the
// write is announced again in the next epoch. The lease is so long that no echo can have told the writer.
func TestAWriterSeesThatRedisWentBack(t *testing.T) {
	t.Parallel()
	server := servertest.MustStartRedis(t)
	ledger := &fakeLedger{state: State{Epoch: 1}}
	n := mustStartNode(t, server, ledger, func(cfg *Config) {
		cfg.Replica, cfg.Lease, cfg.AckTimeout, cfg.Timeout = "one", 20*time.Second, 10*time.Second, 10*time.Second
	})
	s := n.members.await(time.Minute)
	for want := s.marks.seq + 1; want <= s.marks.seq+3; want++ {
		if seq, _, err := s.invalidate([]uint16{7}); seq != want || err != nil {
			t.Fatalf("an announcement got %d, %v; want %d", seq, err, want)
		}
	}
	client := server.Client()
	defer client.Close()
	if err := client.HIncrBy(t.Context(), s.names.state(), "seq", -2).Err(); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.invalidate([]uint16{7}); !errors.Is(err, errWentBack) || s.ctx.Err() == nil {
		t.Errorf("%v, want %v and the end of the session", err, errWentBack)
	}
	next := n.members.await(time.Minute)
	if next == nil || next.epoch.Epoch <= s.epoch.Epoch {
		t.Errorf("the session after is %+v, want one of a later epoch than %s", next, s.epoch.Name())
	}
}

// TestWhatWentBackIsLeftBehind checks that the epoch is bumped once, by the first who sees it, and for nothing else.
func TestWhatWentBackIsLeftBehind(t *testing.T) {
	ledger := &fakeLedger{state: State{Epoch: 1}}
	p, _ := newPart(t, ledger)
	n := newNode(p)
	n.watch.read()
	first, _ := n.watch.current()
	for _, step := range []struct {
		epoch State
		cause error
		want  uint64
	}{
		{first, errCut, 1}, {first, errWentBack, 2}, {first, errWentBack, 2},
	} {
		n.members.leaveBehind(step.epoch, step.cause)
		if state, _ := n.watch.current(); state.Epoch != step.want {
			t.Errorf("after %v in epoch %s the epoch is %d, want %d",
				step.cause, step.epoch.Name(), state.Epoch, step.want)
		}
	}
}

// TestARunIsSoughtAnew checks that a replica whose connections are older than the epoch makes new ones before it has
// everybody use the Redis that they lead to.
func TestARunIsSoughtAnew(t *testing.T) {
	t.Parallel()
	server := servertest.MustStartRedis(t)
	ledger := &fakeLedger{state: State{Epoch: 1, Wire: Wire, Run: "another"}}
	p, _ := newPart(t, ledger)
	m := newNode(p).members
	m.watch.read()
	old := mustRun(t, server)
	if err := old.control.Ping(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	state, _ := m.watch.current()
	if err := m.takeOver(old, state); !errors.Is(err, errTakingOver) || !old.gone.Load() || ledger.state.Epoch != 1 {
		t.Errorf("by old connections: %v, and the epoch is %d; want them to be made anew first",
			err, ledger.state.Epoch)
	}
	fresh := mustRun(t, server)
	if err := m.reach(fresh, state); err != nil {
		t.Fatal(err)
	}
	if err := m.takeOver(fresh, state); !errors.Is(err, errTakingOver) || ledger.state.Run != fresh.id.Load().name {
		t.Errorf("by new connections: %v, and the run is %q; want that of the server", err, ledger.state.Run)
	}
}
