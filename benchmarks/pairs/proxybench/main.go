// Command proxybench measures what the reverse proxy costs.
//
// With -measure cost (the default): HAProxy's processor time for a read, for the shipped configuration and for each of
// its pieces, against a configuration of ten lines, all before the same bare Fiber handler. With -measure rate: the
// highest rate of reads whose p99 stays under the objective, for the shipped configuration before the API's near cache,
// against the ten lines before the bare handler. With -measure tls: what TLS and HTTP/2 cost the shipped proxy, for a
// read on a kept connection and for a new connection.
package main

import (
	"flag"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/woodytoys/woodytoys/benchmarks/instruments/load"
	"github.com/woodytoys/woodytoys/benchmarks/pairs/constant"
	"github.com/woodytoys/woodytoys/benchmarks/pairs/versus"
	"github.com/woodytoys/woodytoys/internal/programs"
)

// read is what is asked for: a product, whose answer the API keeps.
const read = "/api/products/1"

// options are what the flags say.
type options struct {
	versus.Bench
	// measure is cost, rate or tls.
	measure string
	// objective is what the p99 of a rate is to stay under.
	objective time.Duration
}

func main() {
	constant.ServeIfAsked()
	var o options
	flags := versus.NewFlags("proxybench")
	valid := o.define(flags)
	versus.Command(flags, valid, func(out io.Writer, dir string) error {
		o.Out = out
		return o.run(dir)
	})
}

// define gives flags those of o, and returns what reports whether they are valid.
func (o *options) define(flags *flag.FlagSet) (valid func() bool) {
	flags.IntVar(&o.Pairs, "pairs", 10, "how many interleaved rounds to measure (6 or more)")
	flags.DurationVar(&o.Each, "each", 800*time.Millisecond, "how long each side of a pair, or each rate, is loaded")
	flags.IntVar(&o.Conns, "conns", 64, "how many connections keep the proxy busy, or carry a rate")
	flags.StringVar(&o.measure, "measure", "cost", "cost: processor time for a read, piece by piece; "+
		"rate: the highest; tls: what TLS and HTTP/2 cost")
	flags.DurationVar(&o.objective, "objective", 50*time.Millisecond, "what the p99 of a rate is to stay under")
	return func() bool {
		return o.Pairs >= 6 && o.Each > 0 && o.Conns >= 1 && o.objective > 0 &&
			(o.measure == "cost" || o.measure == "rate" || o.measure == "tls")
	}
}

func (o *options) run(dir string) error {
	api, err := startAPI(dir)
	if err != nil {
		return err
	}
	defer api.Kill()
	side := versus.Side{Name: "the API", PID: api.PID(), Target: load.Target{Addr: api.Addr(), Paths: []string{read}}}
	if err := awaitHit(side.Target); err != nil {
		return err
	}
	bare, process, err := constant.Start(dir, side)
	if err != nil {
		return err
	}
	defer process.Kill()
	if o.measure == "rate" {
		return o.rate(dir, side, bare)
	}
	if o.measure == "tls" {
		return o.tls(dir, bare.Target.Addr)
	}
	return o.cost(dir, bare.Target.Addr)
}

// startAPI starts a replica with its near cache, and without simulated delays.
func startAPI(dir string) (*programs.Shop, error) {
	program := filepath.Join(dir, "api")
	if err := programs.BuildShop(program); err != nil {
		return nil, err
	}
	return programs.StartShop(exec.Command(program), filepath.Join(dir, "api.log"), "WOODY_FRONT=off",
		"WOODY_HEAVY_DELAY=0s", "WOODY_SLOW_QUERY_DELAY=0s", "WOODY_DATA_DIR="+filepath.Join(dir, "data"))
}

// awaitHit asks for the read until the API answers it from its near cache.
func awaitHit(target load.Target) error {
	conn, err := load.Dial(target.Addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	var response load.Response
	for range 10 {
		response, err = conn.Ask(fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", read, target.Addr))
		if err != nil || hit(response) {
			return err
		}
	}
	return fmt.Errorf("GET %s is not answered from the near cache, but %d with Cache-Status %q: is it kept?", read,
		response.Status, response.CacheStatus)
}
