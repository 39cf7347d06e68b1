package clustertest

import (
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/internal/servers"
)

// handleClear clears the cache of all replicas.
func (r *replica) handleClear(w http.ResponseWriter, request *http.Request) {
	began := time.Now()
	if err := r.cache.Clear(request.Context()); err != nil {
		r.refuse(w, err, began)
	}
}

func (r *process) clear() error {
	_, err := r.insist("/clear")
	return err
}

func (r *process) mustClear() {
	r.t.Helper()
	if err := r.clear(); err != nil {
		r.t.Fatal(err)
	}
}

// changeRows gives all rows a version beside the program, which is told nothing of it.
func (s *system) changeRows(version int) {
	s.t.Helper()
	s.mustExec("UPDATE row_of SET version = ?", version)
}

// 1. A replica has a value near; its bus connection is silent, and its next beat is late. 2. Rows are changed beside
// the program, and all is cleared from another replica. 3. The replica reads. (clear)
func TestScheduleClearedReplica(t *testing.T) {
	t.Parallel()
	s := mustStart(t, 2)
	reader, other := s.replicas[0], s.replicas[1]
	reader.mustRead("a")
	reader.wire.HangBus()
	if _, err := reader.call(http.MethodPost, "/hold-ledger"); err != nil {
		t.Fatal(err)
	}
	s.changeRows(7)
	other.mustClear()
	reader.wantRead("a", 7)
	other.wantRead("a", 7)
}

// 1. A fill reads old. 2. Rows are changed beside the program, and all is cleared from another replica. 3. The fill
// stores old. (fence)
func TestScheduleClearedFill(t *testing.T) {
	t.Parallel()
	s := mustStart(t, 2)
	filler, other := s.replicas[0], s.replicas[1]
	first := s.mustHold(filler, "a", "h")
	s.changeRows(7)
	other.mustClear()
	filler.awaitLive() // in the epoch after it
	filler.mustRelease("h")
	if a := <-first; a.version != 1 {
		t.Errorf("the caller from before got %d, want its own load's 1", a.version)
	}
	filler.wantRead("a", 7)
	other.wantRead("a", 7)
}

// 1. A fill reads old. 2. Rows are changed, and all is cleared. 3. A reader arrives and finds the fill still running.
// (join, and the fence, by which a caller finds out afterwards)
func TestScheduleJoiningAClearedFill(t *testing.T) {
	t.Parallel()
	s := mustStart(t, 2)
	filler, other := s.replicas[0], s.replicas[1]
	s.mustHold(filler, "a", "h")
	s.changeRows(7)
	other.mustClear()
	filler.awaitLive() // or it joins nothing
	late := make(chan response, 1)
	go func() {
		a, _ := filler.read("a", "")
		late <- a
	}()
	await(t, "the reader has joined, or fills by itself", servers.Patience, func() bool {
		return filler.metric("waiting") >= 2 || len(late) == 1
	})
	filler.mustRelease("h")
	if a := <-late; a.version < 7 {
		t.Errorf("a reader from after it joined a load from before it: %+v", a)
	}
}

// TestClearWithoutRedis checks that everything can be cleared by the database alone, while Redis is silent.
func TestClearWithoutRedis(t *testing.T) {
	t.Parallel()
	s := mustStart(t, 2)
	for _, r := range s.replicas {
		r.mustRead("a")
		r.wire.Hang()
	}
	s.changeRows(7)
	s.replicas[0].mustClear()
	for _, r := range s.replicas {
		r.wantRead("a", 7)
		r.wire.Mend()
	}
	for _, r := range s.replicas {
		r.awaitLive()
		r.wantRead("a", 7)
	}
}

// TestWritesWhileAllIsCleared writes on one replica while another clears, again and again. It checks that every write
// is acknowledged and seen by both, and that nobody evicts anybody.
func TestWritesWhileAllIsCleared(t *testing.T) {
	t.Parallel()
	s := mustStart(t, 2)
	writer, other := s.replicas[0], s.replicas[1]
	done := make(chan struct{})
	var clearing sync.WaitGroup
	clearing.Go(func() {
		defer close(done)
		for range 3 {
			if err := other.clear(); err != nil {
				t.Error(err)
			}
		}
	})
	writes := 0
	for running := true; running; writes++ {
		version := writer.mustWrite("a")
		other.wantRead("a", version)
		writer.wantRead("a", version)
		select {
		case <-done:
			running = false
		default:
		}
	}
	clearing.Wait()
	t.Logf("%d writes", writes)
}

// TestClearLeavesOthersAlone clears one of two programs on one Redis. It checks that the other's values are hits as
// before, near and in Redis, and that its sessions go on.
func TestClearLeavesOthersAlone(t *testing.T) {
	t.Parallel()
	// A slow machine is not to be taken for a lost Redis.
	with := settings{Lease: 10 * time.Second, Timeout: 10 * time.Second}
	s := mustStartOn(t, mariadb, 0)
	s.mustStartReplicas(1, with)
	beside := s.mustStartBeside(2, with)
	cleared, near, shared := s.replicas[0], beside.replicas[0], beside.replicas[1]
	cleared.mustRead("a")
	near.mustRead("a")
	fills, sessions, epoch := beside.fills("a"), near.metric("sessions_total"), near.metric("epoch")
	s.changeRows(7)
	cleared.mustClear()
	cleared.wantRead("a", 7)
	for _, r := range []*process{near, shared} {
		if a := r.mustRead("a"); a.version != 1 {
			t.Errorf("the other program reads %+v, want its own", a)
		}
	}
	moved := near.metric("sessions_total") != sessions || near.metric("epoch") != epoch
	if got := beside.fills("a"); got != fills || moved {
		t.Errorf("the other program: %d fills after %d, %v sessions after %v, epoch %v after %v; want none to move",
			got, fills, near.metric("sessions_total"), sessions, near.metric("epoch"), epoch)
	}
}
