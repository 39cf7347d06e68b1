package httpcache_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/cache"
	"github.com/woodytoys/woodytoys/cache/httpcache"
)

// The bad schedules on the paths that only handlers have; TestLongRulesAreNeeded sees each of them fail without the
// fence.

// row is a database of one row, whose first reader is held between its read and its answer.
type row struct {
	*held
	version, reads atomic.Int64
}

func (d *row) handle(w http.ResponseWriter, _ *http.Request) {
	read := d.version.Load()
	if d.reads.Add(1) == 1 {
		close(d.begun)
		<-d.release
	}
	fmt.Fprint(w, read)
}

// write commits and is acknowledged.
func (d *row) write(p *program) {
	d.version.Add(1)
	if err := p.cache.Invalidate("row"); err != nil {
		p.t.Error(err)
	}
}

// wantFresh reads once more, now that the write is acknowledged.
func (d *row) wantFresh(p *program) {
	p.t.Helper()
	if got := p.get("/toys/1"); got.body != fmt.Sprint(d.version.Load()) {
		p.t.Errorf("a read after the acknowledged write got version %s", got.body)
	}
}

func rowTags(*http.Request) []string { return []string{"row"} }

// 1. A handler reads old. 2. A write commits and invalidates. 3. The handler answers, and that is stored.
func TestScheduleForeground(t *testing.T) {
	d := &row{held: newHeld()}
	p := mustServe(t, httpcache.Options{Tags: rowTags}, d.handle)
	first := p.goGet("/toys/1")
	<-d.begun
	d.write(p)
	close(d.release)
	if got := <-first; got.body != "0" {
		t.Errorf("the caller from before the write got %q, want its own answer", got.body)
	}
	d.wantFresh(p)
}

// 1. A handler reads old, not knowing its tags yet. 2. A write commits and invalidates. 3. The handler names its tags,
// on a goroutine of its own, and its answer is stored.
func TestScheduleLateTag(t *testing.T) {
	d := &row{held: newHeld()}
	p := mustServe(t, httpcache.Options{}, func(w http.ResponseWriter, r *http.Request) {
		d.handle(w, r)
		named := make(chan struct{})
		go func() {
			httpcache.Tag(r.Context(), "row")
			close(named)
		}()
		<-named
	})
	first := p.goGet("/toys/1")
	<-d.begun
	d.write(p)
	close(d.release)
	<-first
	d.wantFresh(p)
}

// 1. A refresh, sent through the server, reads old. 2. A write commits and invalidates. 3. The refresh's answer is
// stored.
func TestScheduleRefresh(t *testing.T) {
	var version, refreshes atomic.Int64
	h := newHeld()
	o := httpcache.Options{Options: cache.Options{TTL: 2 * time.Second, RefreshAhead: 0.1}, Tags: rowTags}
	p := mustServe(t, o, func(w http.ResponseWriter, r *http.Request) {
		read := version.Load()
		if httpcache.IsRefresh(r.Context()) && refreshes.Add(1) == 1 {
			close(h.begun)
			<-h.release
		}
		fmt.Fprint(w, read)
	})
	for begun := false; !begun; {
		p.get("/toys/1")
		select {
		case <-h.begun:
			begun = true
		default:
		}
	}
	version.Add(1)
	p.cache.Invalidate("row")
	close(h.release)
	p.cache.Close()
	if got := p.get("/toys/1"); got.body != "1" {
		t.Errorf("a read after the acknowledged write got version %s", got.body)
	}
}

// 1. A handler finds nothing. 2. A write creates it and invalidates. 3. The absence is stored.
func TestScheduleNegative(t *testing.T) {
	d := &row{held: newHeld()}
	o := httpcache.Options{Options: cache.Options{NegativeTTL: time.Minute}, Tags: rowTags}
	p := mustServe(t, o, func(w http.ResponseWriter, r *http.Request) {
		if found := d.version.Load() > 0; !found {
			w.WriteHeader(404)
		}
		d.handle(w, r)
	})
	first := p.goGet("/toys/1")
	<-d.begun
	d.write(p)
	close(d.release)
	<-first
	if got := p.get("/toys/1"); got.status != 200 {
		t.Errorf("a read after the acknowledged creation got %d", got.status)
	}
}

// 1. A handler reads old. 2. Its caller leaves, and another waits. 3. A write commits and invalidates. 4. The handler
// answers the other, and that is stored.
func TestScheduleTheLeaderLeaves(t *testing.T) {
	d := &row{held: newHeld()}
	p := mustServe(t, httpcache.Options{Tags: rowTags}, d.handle)
	ctx, leave := context.WithCancel(t.Context())
	gone := make(chan reply)
	go func() { gone <- p.ask(ctx, http.MethodGet, "/toys/1") }()
	<-d.begun
	other := p.goGet("/toys/1")
	p.mustWait(2)
	leave()
	p.mustWait(1)
	if got := <-gone; got.err == nil {
		t.Errorf("who left got %d %q", got.status, got.body)
	}
	d.write(p)
	close(d.release)
	if got := <-other; got.body != "0" {
		t.Errorf("the caller from before the write got %q, want the answer that it waited for", got.body)
	}
	d.wantFresh(p)
}

// 1. A handler reads old. 2. A write commits, invalidates and is acknowledged. 3. A reader arrives and joins the
// handler.
func TestScheduleJoiningAfterTheWrite(t *testing.T) {
	d := &row{held: newHeld()}
	p := mustServe(t, httpcache.Options{Tags: rowTags}, d.handle)
	first := p.goGet("/toys/1")
	<-d.begun
	d.write(p)
	late := p.goGet("/toys/1")
	p.mustWait(2)
	close(d.release)
	<-first
	if got := <-late; got.body != "1" {
		t.Errorf("a reader from after the write got %q, want 1", got.body)
	}
}

// 1. A handler reads old and leaves a goroutine behind that writes on. 2. The answer is stored. 3. The goroutine writes
// something else, changes the header and names a tag: neither the kept answer nor what invalidates it changes.
func TestWhatAHandlerLeavesBehindChangesNothing(t *testing.T) {
	answered, done := make(chan struct{}), make(chan error, 1)
	var asked atomic.Int64
	p := mustServe(t, httpcache.Options{}, func(w http.ResponseWriter, r *http.Request) {
		lines := []string{"</kept>"}
		w.Header()["Link"] = lines
		io.WriteString(w, "kept")
		if asked.Add(1) == 1 {
			go func() {
				<-answered
				lines[0] = "</changed>"
				httpcache.Tag(r.Context(), "late")
				w.WriteHeader(500)
				w.(http.Flusher).Flush()
				_, err := io.WriteString(w, " and changed")
				done <- err
			}()
		}
	})
	if got := p.get("/toys/1"); got.body != "kept" {
		t.Errorf("the fill got %q", got.body)
	}
	close(answered)
	if err := <-done; err == nil {
		t.Error("a write after the handler has returned is no error")
	}
	p.cache.Invalidate("late")
	if got := p.get("/toys/1"); got.body != "kept" || got.header.Get("Link") != "</kept>" || asked.Load() != 1 {
		t.Errorf("the hit has %q and Link: %s after %d calls", got.body, got.header.Get("Link"), asked.Load())
	}
}
