// Command pagebench measures the page on this machine: what a first visit costs in Chromium, and how
// long the hero takes with and without the simulated uplink, alone and with another visitor.
package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/woodytoys/woodytoys/benchmarks/pairs"
	"github.com/woodytoys/woodytoys/benchmarks/pairs/versus"
	"github.com/woodytoys/woodytoys/internal/programs"
)

func main() {
	versus.Command(versus.NewFlags("pagebench"), func() bool { return true }, run)
}

func run(out io.Writer, dir string) error {
	if err := visits(out); err != nil {
		return err
	}
	program := filepath.Join(dir, "api")
	if err := programs.BuildShop(program); err != nil {
		return err
	}
	return errors.Join(heroes(out, program, dir, "0", 10, 1), heroes(out, program, dir, "300k", 1, 1),
		heroes(out, program, dir, "300k", 1, 2))
}

// visits runs the browser's own test of the page ten times, and passes on what it measured.
func visits(w io.Writer) error {
	fmt.Fprintf(w, "\nA first visit in Chromium on loopback, a full shelf (TestPageIsLight of ./front/site)\n")
	out, err := exec.Command("go", "test", "-count=10", "-v", "-run", "^TestPageIsLight$",
		"./front/site").CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	for line := range strings.Lines(string(out)) {
		if _, figures, found := strings.Cut(line, "budget_test.go:"); found {
			_, figures, _ = strings.Cut(figures, ": ")
			fmt.Fprintf(w, "  %s", figures)
		}
	}
	return nil
}

// heroes has visitors, all at once, fetch the hero so many times each.
func heroes(w io.Writer, program, dir, rate string, times, visitors int) error {
	shop, err := programs.StartShop(exec.Command(program), filepath.Join(dir, "log"),
		"WOODY_FRONT_LIMIT_RATE="+rate, "WOODY_DATA_DIR="+filepath.Join(dir, rate, strconv.Itoa(visitors)))
	if err != nil {
		return err
	}
	defer shop.Kill()
	if _, err := http.Get(shop.URL + "/"); err != nil { // so that everything is loaded once
		return err
	}
	fmt.Fprintf(w, "\nThe hero, WOODY_FRONT_LIMIT_RATE=%s, %d at once\n", rate, visitors)
	var mu sync.Mutex
	var seconds []float64
	var errs error
	var group sync.WaitGroup
	for range visitors {
		group.Go(func() {
			for range times {
				took, bytes, err := fetch(shop.URL + "/5mo.jpg")
				mu.Lock()
				seconds, errs = append(seconds, took.Seconds()), errors.Join(errs, err)
				if times == 1 {
					fmt.Fprintf(w, "  %d bytes in %.2f s\n", bytes, took.Seconds())
				}
				mu.Unlock()
			}
		})
	}
	group.Wait()
	if times > 1 {
		fmt.Fprintf(w, "  %.4f s (median of %d)\n", pairs.Median(seconds), len(seconds))
	}
	return errs
}

// fetch uses a connection of its own.
func fetch(url string) (took time.Duration, bytes int64, err error) {
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	began := time.Now()
	response, err := client.Get(url)
	if err != nil {
		return 0, 0, err
	}
	defer response.Body.Close()
	bytes, err = io.Copy(io.Discard, response.Body)
	return time.Since(began), bytes, err
}
