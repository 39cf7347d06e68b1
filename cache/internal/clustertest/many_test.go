package clustertest

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/cache"
	"github.com/woodytoys/woodytoys/internal/servers"
)

// handleReadMany writes several rows, whose keys stand between commas, as handleRead does one, a line for each. With
// ?hold=NAME the load of several says that it has read, and waits until it is released.
func (r *replica) handleReadMany(w http.ResponseWriter, request *http.Request) {
	keys, hold := strings.Split(request.PathValue("keys"), ","), request.FormValue("hold")
	var asks []cache.Ask
	for _, key := range keys {
		asks = append(asks, cache.Ask{Key: r.rows.Key(key), Tags: []string{"row:" + key}})
	}
	got := r.rows.GetMany(request.Context(), asks, func(_ context.Context, batch *cache.Batch[int64]) error {
		for _, i := range batch.Missing() {
			var version int64
			if _, err := r.db.Exec("INSERT INTO fill (k, replica) VALUES (?, ?)", keys[i], r.name); err != nil {
				return err
			}
			if err := r.db.QueryRow("SELECT version FROM row_of WHERE k = ?", keys[i]).Scan(&version); err != nil {
				return err
			}
			batch.Set(i, version)
		}
		if hold != "" && len(batch.Missing()) > 1 {
			if _, err := r.db.Exec("INSERT INTO held VALUES (?)", hold); err != nil {
				return err
			}
			<-r.hold(hold)
		}
		return nil
	})
	for _, g := range got {
		if g.Err != nil {
			http.Error(w, g.Err.Error(), http.StatusInternalServerError)
			return
		}
	}
	for _, g := range got {
		fmt.Fprintf(w, "%d %d %d\n", g.Value, g.Info.Reason, g.Info.Shared)
	}
}

// readMany asks a replica for several rows; query is empty or begins with "?".
func (r *process) readMany(keys, query string) (responses []response, err error) {
	text, err := r.call(http.MethodGet, "/rows/"+keys+query)
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(text) {
		var a response
		if _, err := fmt.Sscan(line, &a.version, &a.reason, &a.shared); err != nil {
			return nil, err
		}
		responses = append(responses, a)
	}
	return responses, nil
}

func (r *process) mustReadMany(keys string) []response {
	r.t.Helper()
	responses, err := r.readMany(keys, "")
	if err != nil {
		r.t.Fatal(err)
	}
	return responses
}

// mustHoldMany is like mustHold, of several keys.
func (s *system) mustHoldMany(filler *process, keys, hold string) <-chan []response {
	s.t.Helper()
	got := make(chan []response, 1)
	go func() {
		responses, _ := filler.readMany(keys, "?hold="+hold)
		got <- responses
	}()
	await(s.t, "the fill has read", servers.Patience, func() bool {
		return s.mustCount("SELECT COUNT(*) FROM held WHERE hold = ?", hold) == 1
	})
	return got
}

// 1. A load of three keys on one replica reads old. 2. A write of one of them commits on another, invalidates, and is
// acknowledged. 3. The load stores all three. (fence)
func TestScheduleManyOneOfThree(t *testing.T) {
	t.Parallel()
	s := mustStart(t, 3)
	filler, writer, reader := s.replicas[0], s.replicas[1], s.replicas[2]
	first := s.mustHoldMany(filler, "a,b,c", "h")
	version := writer.mustWrite("b")
	filler.mustRelease("h")
	if got := <-first; len(got) != 3 || got[1].version != 1 {
		t.Errorf("the caller from before the write got %+v, want its own load's", got)
	}
	for _, r := range []*process{filler, reader} {
		if got := r.mustReadMany("a,b,c"); got[1].version < version {
			t.Errorf("a read after the acknowledged write of version %d got %+v", version, got)
		}
	}
}

// 1. A load of two keys reads old. 2. A write of one of them on another replica is acknowledged. 3. Readers arrive, one
// of that key and one of both, and find the load still running. (join)
func TestScheduleJoiningABatch(t *testing.T) {
	t.Parallel()
	s := mustStart(t, 2)
	filler, writer := s.replicas[0], s.replicas[1]
	s.mustHoldMany(filler, "a,b", "h")
	version := writer.mustWrite("b")
	late := make(chan response, 2)
	go func() {
		a, _ := filler.read("b", "")
		late <- a
	}()
	go func() {
		both, _ := filler.readMany("a,b", "")
		late <- append(both, response{}, response{})[1]
	}()
	await(t, "the readers wait", servers.Patience,
		func() bool { return filler.metric("waiting") >= 5 || len(late) > 0 })
	filler.mustRelease("h")
	for range 2 {
		if a := <-late; a.version < version {
			t.Errorf("a reader from after the write joined a load from before it: %+v", a)
		}
	}
}

// TestABatchKeepsNobodyWaiting asks for two keys of which another replica is filling one. It checks that the other is
// loaded and shared at once, and that its fill lease is not held until the first is there.
func TestABatchKeepsNobodyWaiting(t *testing.T) {
	t.Parallel()
	s := mustStart(t, 0)
	s.mustStartReplicas(3, settings{Patient: true, FillLease: 5 * time.Minute})
	filler, batcher, reader := s.replicas[0], s.replicas[1], s.replicas[2]
	first := s.mustHold(filler, "a", "h")
	both := make(chan []response, 1)
	go func() {
		got, _ := batcher.readMany("a,b", "")
		both <- got
	}()
	await(t, "the other key is shared", servers.Patience, func() bool {
		return s.fills("b") == 1 && cache.Shared(reader.mustRead("b").shared) != cache.SharedWaited
	})
	if len(both) > 0 {
		t.Error("the batch did not wait for the key that another replica fills")
	}
	filler.mustRelease("h")
	<-first
	got := append(<-both, response{}, response{})
	if cache.Shared(got[0].shared) != cache.SharedWaited || cache.Shared(got[1].shared) != cache.SharedMiss {
		t.Errorf("the batch got %+v, want to have waited for the first and to have filled the second", got)
	}
	for _, key := range []string{"a", "b"} {
		if got := s.fills(key); got != 1 {
			t.Errorf("%d fills of %s, want 1", got, key)
		}
	}
}

// TestTheFillerOfABatchDies kills a replica (-9) that fills three keys: another fills them, within the fill lease.
func TestTheFillerOfABatchDies(t *testing.T) {
	t.Parallel()
	s := mustStart(t, 0)
	s.mustStartReplicas(2, settings{Patient: true, FillLease: 10 * time.Second})
	filler, other := s.replicas[0], s.replicas[1]
	s.mustHoldMany(filler, "a,b,c", "h")
	answered := make(chan []response, 1)
	go func() {
		got, _ := other.readMany("a,b,c", "")
		answered <- got
	}()
	await(t, "all wait", servers.Patience, func() bool { return other.metric("lease_waiting") == 3 })
	filler.Kill()
	died := time.Now()
	got := <-answered
	if took := time.Since(died); len(got) != 3 || took > servers.Patience/2 {
		t.Errorf("%v after the filler died there came %+v, want three rows", took, got)
	}
	for _, key := range []string{"a", "b", "c"} {
		if n := s.fills(key); n != 2 {
			t.Errorf("%d fills of %s, want 2: the one that died and one more", n, key)
		}
	}
}
