package cdn_test

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"
)

const crowd = 500

// TestCrowdAsksForAColdAsset lets 500 clients at once ask for one asset that the edge has not, and 100 for a large one:
// one of them comes to the origin, and everybody has the bytes. The front is slow enough that all come while the one is
// under way. A small asset is fetched before it is passed on, a large one as it comes: two ways of waiting.
func TestCrowdAsksForAColdAsset(t *testing.T) {
	for _, row := range []struct {
		name, rate string
		crowd      int
	}{{"hero-preview", "60k", crowd}, {"hero", "5M", crowd / 5}} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			fast, slow := mustStartFront(t), mustStartFront(t, "WOODY_FRONT_LIMIT_RATE="+row.rate)
			origin := mustCount(t, slow.URL)
			asset := mustFind(t, mustListAssets(t, fast.URL), row.name)
			want := mustAsk(t, fast.URL+asset)
			edge := mustStartEdge(t, []string{origin.addr})
			var group sync.WaitGroup
			for range row.crowd {
				group.Go(func() {
					if err := compare(edge.URL+asset, want.body); err != nil {
						t.Errorf("one of the crowd: %v", err)
					}
				})
			}
			group.Wait()
			if asked := origin.since(); !slices.Equal(asked, []string{"GET " + asset}) {
				t.Errorf("the origin was asked %q, want %s once", asked, asset)
			}
		})
	}
}

// TestCrowdLeavesHalfWay checks the same with clients that leave before the end: even when all of them leave, the first
// one too, what they began is finished and cached.
func TestCrowdLeavesHalfWay(t *testing.T) {
	t.Parallel()
	front := mustStartFront(t, "WOODY_FRONT_LIMIT_RATE=5M")
	origin := mustCount(t, front.URL)
	hero := mustFind(t, mustListAssets(t, front.URL), "hero")
	want := mustAsk(t, front.URL+hero)
	edge := mustStartEdge(t, []string{origin.addr})
	var group sync.WaitGroup
	for range crowd {
		group.Go(func() {
			if err := readSome(context.Background(), edge.URL+hero, 200_000); err != nil {
				t.Errorf("one of the crowd: %v", err)
			}
		})
	}
	group.Wait()
	mustAsk(t, edge.URL+hero).wantSame(t, want)
	if asked := origin.since(); !slices.Equal(asked, []string{"GET " + hero}) {
		t.Errorf("the origin was asked %q, want the hero once", asked)
	}
}

// TestCrowdMeetsAFailingOrigin sends concurrent requests for an asset for which the origin responds 500, slowly.
// With a stale copy one of them, or a few who come late, is enough to find that out. Without one each must hear it from
// the origin, but not one after the other, which would be 25 seconds.
func TestCrowdMeetsAFailingOrigin(t *testing.T) {
	t.Parallel()
	const crowd = 50
	stage := mustStartStage(t)
	edge := mustStartEdge(t, []string{stage.addr})
	failing := fails(500)
	failing.slow = 500 * time.Millisecond
	for _, row := range []struct {
		path   string
		copy   bool
		status int
		asked  int // at most
	}{{"/assets/stale.1.txt", true, 200, 10}, {"/assets/cold.1.txt", false, 500, crowd}} {
		t.Run(row.path, func(t *testing.T) {
			script := stage.script(row.path)
			if row.copy {
				script.expect(says("v1", "Cache-Control", "max-age=1"))
				mustAsk(t, edge.URL+row.path)
				time.Sleep(aSecond)
			}
			script.expect(failing)
			before, began := len(script.requests()), time.Now()
			var group sync.WaitGroup
			for range crowd {
				group.Go(func() {
					if got, err := ask(http.MethodGet, edge.URL+row.path); err != nil || got.status != row.status {
						t.Errorf("one of the crowd: %d %v, want %d", got.status, err, row.status)
					}
				})
			}
			group.Wait()
			if took := time.Since(began); took > 20*time.Second {
				t.Errorf("that took %v: one after the other", took)
			}
			if asked := len(script.requests()) - before; asked > row.asked {
				t.Errorf("the origin was asked %d times, want %d at most", asked, row.asked)
			}
		})
	}
}
