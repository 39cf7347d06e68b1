package measure

import (
	"testing"

	"github.com/woodytoys/woodytoys/benchmarks/instruments/load"
	"github.com/woodytoys/woodytoys/internal/oracle"
)

func TestJudgingProducts(t *testing.T) {
	shelf := newShelf([]int64{7}, []string{"toy"})
	for _, c := range []struct {
		name   string
		acked  int64
		status int
		body   string
		want   load.Verdict
	}{
		{"as created", 1, 200, `{"id":7,"name":"toy","version":1}`, load.Good},
		{"newer than acknowledged", 1, 200, `{"id":7,"name":"toy, changed to 2","version":2}`, load.Good},
		{"the acknowledged one", 2, 200, `{"id":7,"name":"toy, changed to 2","version":2}`, load.Good},
		{"older than acknowledged", 2, 200, `{"id":7,"name":"toy","version":1}`, load.Stale},
		{"an old name under a new version", 2, 200, `{"id":7,"name":"toy","version":2}`, load.Wrong},
		{"another product", 2, 200, `{"id":8,"name":"toy, changed to 2","version":2}`, load.Wrong},
		{"not JSON", 2, 200, `toy`, load.Wrong},
		{"gone", 2, 404, `{}`, load.Stale},
		{"refused", 2, 503, `{}`, load.Failed},
	} {
		shelf.products[0].Acknowledged(oracle.State{Version: c.acked})
		shelf.taken()
		if got := shelf.judge(0, shelf.products[0].Floor(),
			load.Response{Status: c.status, Body: []byte(c.body)}); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
		found := shelf.taken()
		if (found.Stale == 1) != (c.want == load.Stale) || (found.Wrong == 1) != (c.want == load.Wrong) {
			t.Errorf("%s: counted %+v", c.name, found)
		}
	}
}

// TestAReadThatBeganBeforeMayBeOld checks that what counts is what was acknowledged when the read began, not when it
// ended.
func TestAReadThatBeganBeforeMayBeOld(t *testing.T) {
	shelf := newShelf([]int64{7}, []string{"toy"})
	floor := shelf.products[0].Floor()
	shelf.products[0].Acknowledged(oracle.State{Version: 2})
	if got := shelf.judge(0, floor,
		load.Response{Status: 200, Body: []byte(`{"id":7,"name":"toy","version":1}`)}); got != load.Good {
		t.Errorf("%v, want good", got)
	}
}

func TestJudgingNewProductsAndTheLast(t *testing.T) {
	shelf := newShelf(nil, nil)
	shelf.created(9)
	shelf.created(8)
	floor := shelf.newest.Floor()
	for body, want := range map[string]load.Verdict{
		`{"read_at":"x","count":3,"last":{"id":9,"name":"b","version":1}}`:  load.Good,
		`{"read_at":"x","count":4,"last":{"id":10,"name":"c","version":1}}`: load.Good,
		`{"read_at":"x","count":2,"last":{"id":8,"name":"a","version":1}}`:  load.Stale,
		`{"read_at":"x","count":0,"last":null}`:                             load.Wrong,
	} {
		if got := shelf.judgeLast(floor, load.Response{Status: 200, Body: []byte(body)}); got != want {
			t.Errorf("last %s: %v, want %v", body, got, want)
		}
	}
	for status, want := range map[int]load.Verdict{200: load.Good, 404: load.Stale, 500: load.Failed} {
		if got := shelf.judgeCreated(9, "b",
			load.Response{Status: status, Body: []byte(`{"id":9,"name":"b","version":1}`)}); got != want {
			t.Errorf("created, %d: %v, want %v", status, got, want)
		}
	}
}
