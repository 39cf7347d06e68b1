package load_test

import (
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/benchmarks/instruments/load"
)

// TestOpenShowsAStall checks the latencies that an open loop reports of a server that stops for 300 ms in the middle of
// a second. Of 200 requests a second, 60 were to be sent meanwhile: a closed loop would have sent a few and called the
// rest fast.
func TestOpenShowsAStall(t *testing.T) {
	const stall = 300 * time.Millisecond
	var gate sync.RWMutex
	var once sync.Once
	began := time.Now()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if time.Since(began) > 400*time.Millisecond {
			once.Do(func() {
				gate.Lock()
				time.Sleep(stall)
				gate.Unlock()
			})
		}
		gate.RLock()
		defer gate.RUnlock()
		w.Write([]byte("x"))
	}))
	defer server.Close()
	result, latencies, err := load.Open(load.Target{Addr: server.Listener.Addr().String(), Paths: []string{"/"}}, 4,
		200, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	if result.Good != 200 || result.Bad != 0 || len(latencies) != 200 {
		t.Errorf("%d good, %d bad, %d latencies; want the 200 that were asked for",
			result.Good, result.Bad, len(latencies))
	}
	if got, least := latencies.At(.9), stall/2; got < least {
		t.Errorf("p90 = %v, want at least %v: the stall is hidden", got, least)
	}
	if got := latencies.At(1); got < stall*9/10 {
		t.Errorf("max = %v, want about the stall's %v", got, stall)
	}
}

func TestLatenciesAt(t *testing.T) {
	if got := load.Latencies(nil).At(.5); got != 0 {
		t.Errorf("the median of nothing = %v, want 0", got)
	}
	l := load.Latencies{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}
	if l.At(0) != 1 || l.At(.5) != 5 || l.At(1) != 10 {
		t.Errorf("at 0, .5 and 1: %v %v %v", l.At(0), l.At(.5), l.At(1))
	}
	var hundred load.Latencies
	for i := range 100 {
		hundred = append(hundred, time.Duration(i+1))
	}
	for percent := 1; percent <= 100; percent++ {
		if got := hundred.At(float64(percent) / 100); got != time.Duration(percent) {
			t.Errorf("of 1 to 100, %d of 100 do not exceed %v", percent, int64(got))
		}
	}
	if !hundred.Shows(.99) || hundred[1:].Shows(.99) || hundred.Shows(.999) || !hundred.Shows(1) || !l.Shows(.9) {
		t.Error("a hundred latencies show the p99, ninety-nine none, ten the p90, and any number the maximum")
	}
}
