package runner

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/benchmarks/report/raw"
	"github.com/woodytoys/woodytoys/benchmarks/runner/driver"
	"github.com/woodytoys/woodytoys/benchmarks/stage"
)

// unwatched is a driver that can watch nothing, and starts nothing.
type unwatched struct{ driver.Driver }

func (unwatched) Unwatched() string { return "prometheus is not installed" }

func TestWithoutPrometheusTheRunGoesOn(t *testing.T) {
	quiet, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { quiet.Close() })
	folder, err := raw.Create(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { folder.Close() })
	r := &run{Options: Options{Driver: "local", Profile: Profiles["smoke"], Progress: NewProgress(quiet)},
		driver: unwatched{}, folder: folder}
	if err := r.measureWatched([]string{"baseline"}); err != nil || r.about.Unwatched != "" {
		t.Errorf("without a stage to watch it says %q, %v", r.about.Unwatched, err)
	}
	if err := r.measureWatched([]string{"baseline", "redis"}); err != nil ||
		r.about.Unwatched != "prometheus is not installed" {
		t.Errorf("it says %q, %v; want that prometheus is not installed", r.about.Unwatched, err)
	}
}

func TestWatchedIsTheLastAPIWithRedis(t *testing.T) {
	r := &run{Options: Options{Driver: "local", Profile: Profiles["quick"]}}
	if s, ok := r.watchedStage([]string{"baseline", "replicas", "redis", "cdn"}); !ok || s.Name != "redis" {
		t.Errorf("watched is %q, %v; want redis", s.Name, ok)
	}
	r.Driver = "swarm"
	if s, ok := r.watchedStage([]string{"redis"}); ok {
		t.Errorf("%s is watched on a Swarm", s.Name)
	}
}

// TestTheRateIsHalfOfWhatWasSustained checks the rate for a stage that has sustained 2,430 requests a second, and for
// one that was not measured.
func TestTheRateIsHalfOfWhatWasSustained(t *testing.T) {
	about, made := mixes([2]int{100, 2420}, [2]int{100, 2440})
	r := &run{Options: Options{Profile: Profile{Sustained: 500}}, about: about, headline: made}
	if rate, err := r.halfSustained(stage.Named("redis")); err != nil || rate != 1200 {
		t.Errorf("the rate is %v, %v; want 1200", rate, err)
	}
	r.headline = nil
	if rate, err := r.halfSustained(stage.Named("redis")); err != nil || rate != 100 {
		t.Errorf("where nothing was sustained it is %v, %v; want 100", rate, err)
	}
}

// TestEachTargetIsAskedOnce checks the rounds against the interval that ships.
func TestEachTargetIsAskedOnce(t *testing.T) {
	shipped, err := os.ReadFile("../../observability/prometheus/prometheus.yml")
	if want := "\n  scrape_interval: " + scrapeInterval.String() + "\n"; err != nil ||
		!strings.Contains(string(shipped), want) {
		t.Errorf("prometheus.yml does not have %q (%v): the rounds are to be as long", want, err)
	}
	for name, p := range Profiles {
		if name != "smoke" && (p.WatchedFor == 0 || p.WatchedFor%scrapeInterval != 0) {
			t.Errorf("%s: rounds of %v, want a multiple of the interval", name, p.WatchedFor)
		}
	}
}

// TestBeingWatchedTakesAMinuteAtMost adds the pairs of the quick profile up.
func TestBeingWatchedTakesAMinuteAtMost(t *testing.T) {
	p := Profiles["quick"]
	r := &run{Options: Options{Profile: p}}
	if sum := r.watchedPlanned(); sum > time.Minute || p.Watched < 3 || p.WatchedFor < scrapeInterval {
		t.Errorf("%d pairs take %v; want three that see each target asked, in a minute", p.Watched, sum)
	}
}
