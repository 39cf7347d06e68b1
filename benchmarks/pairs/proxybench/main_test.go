package main

import (
	"bytes"
	"flag"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/woodytoys/woodytoys/benchmarks/pairs/constant"
	reverseproxy "github.com/woodytoys/woodytoys/reverse-proxy"
)

// TestMain runs the bare handler when the test binary is started as that.
func TestMain(m *testing.M) {
	constant.ServeIfAsked()
	os.Exit(m.Run())
}

// small runs the command at its smallest and returns what it prints.
func small(t *testing.T, args ...string) string {
	t.Helper()
	var o options
	flags := flag.NewFlagSet("proxybench", flag.ContinueOnError)
	valid := o.define(flags)
	if err := flags.Parse(append([]string{"-pairs", "6", "-conns", "4"}, args...)); err != nil || !valid() {
		t.Fatalf("%v are not valid: %v", args, err)
	}
	var out bytes.Buffer
	o.Out = &out
	if err := o.run(t.TempDir()); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// TestCost checks that there is a line with a ratio for each rung, and one for the log.
func TestCost(t *testing.T) {
	got := small(t, "-each", "20ms")
	want := len(ladder(reverseproxy.Config))
	row := regexp.MustCompile(`(?m)^  \+ .* us  [0-9.]+ \[[0-9.]+ to [0-9.]+, 6 pairs\]$`)
	if n := len(row.FindAllString(got, -1)); n != want {
		t.Errorf("%d lines of rungs, want %d:\n%s", n, want, got)
	}
}

func TestRate(t *testing.T) {
	got := small(t, "-measure", "rate", "-each", "20ms", "-objective", "5s")
	ratio := regexp.MustCompile(`(?m)^  ratio [0-9.]+ \[[0-9.]+ to [0-9.]+, 6 pairs\]$`)
	if !ratio.MatchString(got) || strings.Count(got, "reads/s") != 2 {
		t.Errorf("it printed:\n%s", got)
	}
}

// TestTLS checks that there is a line for each way, with connections that are kept alive and with new ones.
func TestTLS(t *testing.T) {
	got := small(t, "-measure", "tls", "-each", "20ms")
	row := regexp.MustCompile(
		`(?m)^  HTTP/[0-9.]+ in TLS +[0-9.]+ us +[0-9]+/s  [0-9.]+ \[[0-9.]+ to [0-9.]+, 6 pairs\]$`)
	if n := len(row.FindAllString(got, -1)); n != 4 || strings.Count(got, "without the stage") != 2 {
		t.Errorf("%d lines with a ratio, want 4:\n%s", n, got)
	}
}

func TestFlagsThatSayNothing(t *testing.T) {
	for _, args := range [][]string{
		{"-pairs", "5"}, {"-each", "0s"}, {"-conns", "0"}, {"-measure", "weight"}, {"-objective", "0s"},
	} {
		var o options
		flags := flag.NewFlagSet("proxybench", flag.ContinueOnError)
		if valid := o.define(flags); flags.Parse(args) != nil || valid() {
			t.Errorf("%v is taken", args)
		}
	}
}
