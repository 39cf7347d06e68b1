package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/benchmarks/report"
	"github.com/woodytoys/woodytoys/benchmarks/report/figures"
	"github.com/woodytoys/woodytoys/benchmarks/report/raw"
	"github.com/woodytoys/woodytoys/benchmarks/report/synthetic"
	"github.com/woodytoys/woodytoys/benchmarks/runner/measure"
	"github.com/woodytoys/woodytoys/internal/programs"
	"github.com/woodytoys/woodytoys/internal/servers"
)

// What is built once for all tests: this command, and what it measures and measures with.
var program, api, front, hey string

func TestMain(m *testing.M) {
	servers.HearHangups()
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "woody-benchmarks-test")
		if err != nil {
			panic(err)
		}
		defer os.RemoveAll(dir)
		program, api, front, hey = filepath.Join(dir, "benchmarks"), filepath.Join(dir, "api"),
			filepath.Join(dir, "front"), filepath.Join(dir, "hey")
		if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
			panic(string(out))
		}
		if err := errors.Join(programs.BuildShop(api), programs.BuildFront(front), measure.BuildHey(hey)); err != nil {
			panic(err)
		}
		return m.Run()
	}())
}

func run(args ...string) (output string, status int) {
	cmd := exec.Command(program, args...)
	out, _ := cmd.CombinedOutput()
	return string(out), cmd.ProcessState.ExitCode()
}

// mustWrite writes a made-up run's raw material into a folder.
func mustWrite(t *testing.T, seed uint64, slow float64, change func(*raw.Measurement)) string {
	t.Helper()
	about, measurements := synthetic.Run(seed, slow)
	dir := filepath.Join(t.TempDir(), "run")
	folder, err := raw.Create(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer folder.Close()
	if err := folder.Describe(about); err != nil {
		t.Fatal(err)
	}
	for _, m := range measurements {
		if change != nil {
			change(&m)
		}
		if err := folder.Keep(m); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestReportIsMadeFromTheRawMaterial, and from results.json where that is all there is: the same.
func TestReportIsMadeFromTheRawMaterial(t *testing.T) {
	dir := mustWrite(t, 1, 1, nil)
	if out, status := run("report", dir); status != 0 {
		t.Fatalf("exit %d: %s", status, out)
	}
	first, err := os.ReadFile(filepath.Join(dir, report.HTMLFile))
	if err != nil {
		t.Fatal(err)
	}
	alone := t.TempDir()
	results, err := os.ReadFile(filepath.Join(dir, figures.File))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(alone, figures.File), results, 0o644); err != nil {
		t.Fatal(err)
	}
	if out, status := run("report", alone); status != 0 {
		t.Fatalf("from results.json, exit %d: %s", status, out)
	}
	if second, err := os.ReadFile(filepath.Join(alone, report.HTMLFile)); err != nil ||
		string(first) != string(second) {
		t.Errorf("the report made from results.json is another one (%v)", err)
	}
}

// TestReportsOfTwoRunsAreKeptApart writes a report beside its run's, which may be done again, and not over another's.
func TestReportsOfTwoRunsAreKeptApart(t *testing.T) {
	one, out := mustWrite(t, 1, 1, nil), filepath.Join(t.TempDir(), "out")
	for range 2 {
		if output, status := run("report", one, "--out", out); status != 0 {
			t.Errorf("exit %d: %s", status, output)
		}
	}
	results := filepath.Join(out, figures.File)
	text, err := os.ReadFile(results)
	if err != nil {
		t.Fatal(err)
	}
	other := strings.Replace(string(text), `"began": "2026`, `"began": "2025`, 1)
	if err := os.WriteFile(results, []byte(other), 0o644); err != nil {
		t.Fatal(err)
	}
	if output, status := run("report", one, "--out", out); status != 1 || !strings.Contains(output, "another run") {
		t.Errorf("over another run, exit %d: %s", status, output)
	}
	if now, err := os.ReadFile(results); err != nil || string(now) != other {
		t.Errorf("the other's results were changed (%v)", err)
	}
}

func TestReportOfAnInvalidRunExits1(t *testing.T) {
	dir := mustWrite(t, 1, 1, func(m *raw.Measurement) {
		if m.Name == "fresh" && m.Stage == "cdn" {
			m.Oracle.Wrong = 1
		}
	})
	if out, status := run("report", dir); status != 1 || !strings.Contains(out, "INVALID: cdn, fresh") {
		t.Errorf("exit %d: %s", status, out)
	}
}

func TestCompare(t *testing.T) {
	old, same, slowed := mustWrite(t, 1, 1, nil), mustWrite(t, 2, 1, nil), mustWrite(t, 3, 1.5, nil)
	if out, status := run("compare", old, same); status != 0 || !strings.Contains(out, "within the noise") {
		t.Errorf("two equal runs: exit %d\n%s", status, out)
	}
	if out, status := run("compare", old, slowed); status != 1 ||
		!strings.Contains(out, "FAILS: baseline table/last_miss") {
		t.Errorf("a slowed one: exit %d\n%s", status, out)
	}
	if out, status := run("compare", old, slowed, "--threshold", "300"); status != 0 {
		t.Errorf("a slowed one, with a threshold of 300%%: exit %d\n%s", status, out)
	}
	unsteady := mustWrite(t, 2, 1, func(m *raw.Measurement) {
		if m.Name == "sustained" && m.Repeat == 3 {
			m.TookUs *= 4
		}
	})
	if out, status := run("compare", old, unsteady); status != 2 ||
		!strings.Contains(out, "CANNOT TELL: baseline sustained/500/rate") {
		t.Errorf("one that is worse in one round of three: exit %d\n%s", status, out)
	}
	if out, status := run("compare", old, t.TempDir()); status != 1 || !strings.Contains(out, "no run there") {
		t.Errorf("with nothing: exit %d\n%s", status, out)
	}
}

// TestOperatorErrors checks that each is reported in a sentence that says what to do, before anything is started.
func TestOperatorErrors(t *testing.T) {
	t.Parallel()
	used := mustWrite(t, 1, 1, nil)
	for want, args := range map[string][]string{
		`--profile is "slow": say quick, full or smoke`: {"run", "--profile", "slow"},
		`--stages has "cache": say some of baseline`:    {"run", "--stages", "cache"},
		"--stages has redis twice":                      {"run", "--stages", "redis,cdn,redis"},
		"--replicas is too low: say 1 or more":          {"run", "--replicas=-3"},
		"--repeats is too low: say 1 or more":           {"run", "--repeats", "0"},
		"--heavy-delay is too low":                      {"run", "--heavy-delay=-5s"},
		"--api is of the local driver":                  {"run", "--driver", "swarm", "--api", "x"},
		"--front is of the local driver":                {"run", "--driver", "swarm", "--front", "x"},
		"--profiles is of the local driver":             {"run", "--driver", "swarm", "--profiles"},
		"--driver swarm has no meaning with --target":   {"run", "--target", "http://x", "--driver", "swarm"},
		"--stages has no meaning with --target":         {"run", "--target", "http://x", "--stages", "redis"},
		"--api has no meaning with --target":            {"run", "--target", "http://x", "--api", "x"},
		"--replicas has no meaning with --target":       {"run", "--target", "http://x", "--replicas", "3"},
		"--profiles has no meaning with --target":       {"run", "--target", "http://x", "--profiles"},
		"holds a run already: name another folder":      {"run", "--no-browser", "--out", used},
		"leave the path out": {"run", "--no-browser", "--target", "http://127.0.0.1:1/api",
			"--out", filepath.Join(t.TempDir(), "x")},
		"cannot be reached": {"run", "--no-browser", "--target", "http://127.0.0.1:1", "--out",
			filepath.Join(t.TempDir(), "y")},
	} {
		out, status := run(args...)
		if status != 1 || !strings.Contains(out, want) {
			t.Errorf("%v: exit %d, %s; want %q", args, status, out, want)
		}
	}
}

// TestCtrlC interrupts a run as a terminal does, and as one does that is closed: it ends by itself, says so, and leaves
// a report.
func TestCtrlC(t *testing.T) {
	t.Parallel()
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGHUP} {
		t.Run(signal.String(), func(t *testing.T) { testInterrupt(t, signal) })
	}
}

func testInterrupt(t *testing.T, signal syscall.Signal) {
	dir := filepath.Join(t.TempDir(), "run")
	log, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	cmd := exec.Command(program, "run", "--profile", "smoke", "--stages", "redis", "--no-browser", "--api", api,
		"--front", front, "--hey", hey, "--out", dir)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = cmd.Wait()
	}()
	for measured := false; !measured; {
		select {
		case <-ended:
			output, _ := os.ReadFile(log.Name())
			t.Fatalf("the run ended before it had measured anything: %s", output)
		case <-time.After(20 * time.Millisecond):
			text, err := os.ReadFile(filepath.Join(dir, "measurements.jsonl"))
			measured = err == nil && len(text) > 0
		}
	}
	// What a run leaves that is killed says how large the slices are, though they come last.
	if about, _, err := raw.Read(dir); err != nil || about.SliceCores != .1 {
		t.Errorf("while the run goes on its slices are of %g of a core (%v)", about.SliceCores, err)
	}
	if err := syscall.Kill(-cmd.Process.Pid, signal); err != nil {
		t.Fatal(err)
	}
	<-ended
	output, _ := os.ReadFile(log.Name())
	if cmd.ProcessState.ExitCode() != 1 ||
		!strings.Contains(string(output), "the run ended before its end: "+signal.String()+" signal received") {
		t.Errorf("exit %d: %s", cmd.ProcessState.ExitCode(), output)
	}
	if page, err := os.ReadFile(filepath.Join(dir, report.HTMLFile)); err != nil ||
		!strings.Contains(string(page), "ended before its end: "+signal.String()+" signal received") {
		t.Errorf("the report does not say that it was interrupted (%v)", err)
	}
	if err := syscall.Kill(-cmd.Process.Pid, 0); err != syscall.ESRCH {
		t.Errorf("something of the run is still there: %v", err)
	}
}
