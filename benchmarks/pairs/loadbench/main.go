// Command loadbench measures the generators of load themselves: the processor time that each takes for a
// request, against a bare Fiber handler, and what that handler takes for its response. The one that costs
// the least is what the stages are measured with.
package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"syscall"
	"time"

	"github.com/woodytoys/woodytoys/benchmarks/instruments/load"
	"github.com/woodytoys/woodytoys/benchmarks/instruments/machine"
	"github.com/woodytoys/woodytoys/benchmarks/pairs"
	"github.com/woodytoys/woodytoys/benchmarks/pairs/constant"
	"github.com/woodytoys/woodytoys/benchmarks/pairs/versus"
	"github.com/woodytoys/woodytoys/benchmarks/runner/measure"
	"github.com/woodytoys/woodytoys/internal/programs"
)

// vegetaPackage is the import path of the load generator vegeta. It is built in a module of its own, vegetaGoMod, so
// that the project does not depend on it.
const vegetaPackage, vegetaGoMod = "github.com/tsenart/vegeta/v12",
	"module measured\ngo 1.26\nrequire github.com/tsenart/vegeta/v12 v12.12.0\n"

// openRate is asked for in the open loops.
const openRate = 5000

func main() {
	constant.ServeIfAsked()
	versus.Main("loadbench", run)
}

func run(b versus.Bench, dir string) error {
	api := filepath.Join(dir, "api")
	if err := programs.BuildShop(api); err != nil {
		return err
	}
	shop, err := programs.StartShop(exec.Command(api), filepath.Join(dir, "api.log"), "WOODY_DATA_DIR="+dir)
	if err != nil {
		return err
	}
	bare, process, err := constant.Start(dir,
		versus.Side{Target: load.Target{Addr: shop.Addr(), Paths: []string{"/api/products/1"}}})
	shop.Kill()
	if err != nil {
		return err
	}
	defer process.Kill()
	hey := filepath.Join(dir, "hey")
	if err := measure.BuildHey(hey); err != nil {
		return err
	}
	if err := buildVegeta(dir); err != nil {
		return err
	}
	url := "http://" + bare.Target.Addr + bare.Target.Paths[0]
	generators := []generator{
		{"closed loop, ours", func() (int, time.Duration, error) {
			return own(func() (load.Result, error) { return load.Closed(bare.Target, b.Conns, b.Each) })
		}},
		{"closed loop, hey", func() (int, time.Duration, error) {
			return runGenerator(heyCount, nil, hey, "-z", b.Each.String(), "-c", fmt.Sprint(b.Conns), url)
		}},
		{fmt.Sprintf("open loop at %d/s, ours", openRate), func() (int, time.Duration, error) {
			return own(func() (load.Result, error) {
				result, _, err := load.Open(bare.Target, b.Conns, openRate, b.Each)
				return result, err
			})
		}},
		{fmt.Sprintf("open loop at %d/s, vegeta", openRate), func() (int, time.Duration, error) {
			attack := []string{"attack", "-rate", fmt.Sprint(openRate), "-duration", b.Each.String(), "-workers",
				fmt.Sprint(b.Conns), "-output", filepath.Join(dir, "hits")}
			return runGenerator(func([]byte) int { return vegetaCount(dir) }, []byte("GET "+url+"\n"),
				filepath.Join(dir, "vegeta"), attack...)
		}},
	}
	fmt.Fprintf(b.Out, "\nProcessor time for a request (medians of %d)\n", b.Pairs)
	for _, g := range generators {
		if err := g.measure(b, bare.PID); err != nil {
			return fmt.Errorf("%s: %w", g.name, err)
		}
	}
	return nil
}

// generator makes load and returns how many requests that were and what processor time it took.
type generator struct {
	name string
	run  func() (requests int, cpu time.Duration, err error)
}

func (g generator) measure(b versus.Bench, server int) error {
	var costs, served, rates []float64
	for range b.Pairs {
		before, err := machine.CPU(server)
		if err != nil {
			return err
		}
		requests, cpu, err := g.run()
		if err != nil {
			return err
		}
		after, err := machine.CPU(server)
		if err != nil {
			return err
		}
		costs = append(costs, float64(cpu.Microseconds())/float64(requests))
		served = append(served, float64((after-before).Microseconds())/float64(requests))
		rates = append(rates, float64(requests)/b.Each.Seconds())
	}
	fmt.Fprintf(b.Out, "  %-28s %6.1f us the generator, %6.1f us the bare handler, %7.0f requests/s\n",
		g.name, pairs.Median(costs), pairs.Median(served), pairs.Median(rates))
	return nil
}

// own measures a generator in this process.
func own(run func() (load.Result, error)) (int, time.Duration, error) {
	before := spent()
	result, err := run()
	return result.Good, spent() - before, err
}

// spent returns the processor time that this process has used.
func spent() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// runGenerator measures one that is another program.
func runGenerator(count func(out []byte) int, input []byte, program string, args ...string) (
	int, time.Duration, error) {
	cmd := exec.Command(program, args...)
	cmd.Stdin = bytes.NewReader(input)
	out, err := cmd.Output()
	if err != nil {
		return 0, 0, err
	}
	n := count(out)
	if n == 0 {
		return 0, 0, fmt.Errorf("no good answer in what it printed")
	}
	return n, cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), nil
}

var good = regexp.MustCompile(`\[200\]\t([0-9]+) responses`)

func heyCount(out []byte) int {
	found := good.FindSubmatch(out)
	if found == nil {
		return 0
	}
	n, _ := strconv.Atoi(string(found[1]))
	return n
}

// vegetaCount counts the good responses among the hits that it wrote down.
func vegetaCount(dir string) int {
	out, err := exec.Command(filepath.Join(dir, "vegeta"), "encode", "-to", "csv", filepath.Join(dir, "hits")).Output()
	if err != nil {
		return 0
	}
	return bytes.Count(out, []byte(",200,"))
}

func buildVegeta(dir string) error {
	module := filepath.Join(dir, "module")
	if err := os.Mkdir(module, 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(module, "go.mod"), []byte(vegetaGoMod), 0o644); err != nil {
		return err
	}
	build := exec.Command("go", "build", "-mod=mod", "-o", filepath.Join(dir, "vegeta"), vegetaPackage)
	build.Dir = module
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build %s: %w\n%s", vegetaPackage, err, out)
	}
	return nil
}
