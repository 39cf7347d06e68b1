package main

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/woodytoys/woodytoys/benchmarks/instruments/machine"
	"github.com/woodytoys/woodytoys/benchmarks/pairs"
	"github.com/woodytoys/woodytoys/benchmarks/pairs/versus"
	"github.com/woodytoys/woodytoys/internal/programs"
)

// starts is how often the start is timed.
const starts = 10

// settle is how long a process is left alone before it is weighed.
const settle = 3 * time.Second

// footprint measures the one-process default, page included: from starting it on an empty folder to
// its first response, its binary, and the memory that it holds once it has been asked for everything.
func footprint(b versus.Bench, program, dir string) error {
	binary, err := os.Stat(program)
	if err != nil {
		return err
	}
	var took []float64
	var rss int64
	for i := range starts {
		began := time.Now()
		shop, err := programs.StartShop(exec.Command(program), filepath.Join(dir, "start.log"),
			"WOODY_DATA_DIR="+filepath.Join(dir, fmt.Sprint("start", i)))
		if err != nil {
			return err
		}
		err = askFor(shop.URL + "/api/products")
		took = append(took, time.Since(began).Seconds()*1000)
		if err == nil && i == starts-1 {
			rss, err = weigh(shop)
		}
		shop.Kill()
		if err != nil {
			return err
		}
	}
	fmt.Fprintf(b.Out, "\nThe one-process default\n  start to first answer         %.0f ms (median of %d starts on "+
		"an empty folder)\n"+
		"  binary                        %.1f MB\n"+
		"  resident memory               %.0f MB (all pages and reads asked for once, then %v of rest)\n",
		pairs.Median(took), starts, float64(binary.Size())/1e6, float64(rss)/1e6, settle)
	return nil
}

func weigh(shop *programs.Shop) (int64, error) {
	for _, path := range []string{"/", "/5mo.jpg", "/api/products", "/api/products/1", "/api/products/last",
		"/api/misc/heavy?name=x", "/api/docs"} {
		if err := askFor(shop.URL + path); err != nil {
			return 0, err
		}
	}
	time.Sleep(settle)
	return machine.RSS(shop.PID())
}

func askFor(url string) error {
	response, err := http.Get(url)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s: %s", url, response.Status)
	}
	return nil
}
