package raw_test

import (
	"os"
	"os/signal"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/benchmarks/report/raw"
)

func mustCreate(t *testing.T, path string) *raw.Folder {
	t.Helper()
	folder, err := raw.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { folder.Close() })
	return folder
}

func samples(n int) (s []raw.Sample) {
	for i := range n {
		s = append(s, raw.Sample{AtUs: int64(i) * 10, TookUs: 1234, Status: 200, Kind: i % 2, Verdict: i % 4})
	}
	return s
}

// TestWhatIsKeptIsRead writes few samples, which stay in their line, and many, which get a file.
func TestWhatIsKeptIsRead(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "run")
	folder := mustCreate(t, dir)
	run := raw.Run{Profile: "quick", Began: time.Unix(1, 0).UTC(), Stages: []raw.Stage{{Name: "baseline", Replicas: 1}}}
	if err := folder.Describe(run); err != nil {
		t.Fatal(err)
	}
	wrote := []raw.Measurement{
		{Stage: "baseline", Name: "table", What: "heavy_miss", Samples: samples(1)},
		{Stage: "baseline", Name: "mix", Samples: samples(1000),
			Oracle: raw.Oracle{Checked: 9, Stale: 1, Examples: []string{"x"}}},
	}
	for _, m := range wrote {
		if err := folder.Keep(m); err != nil {
			t.Fatal(err)
		}
	}
	got, measurements, err := raw.Read(dir)
	if err != nil || got.Profile != "quick" || !reflect.DeepEqual(got.Stages, run.Stages) || len(measurements) != 2 {
		t.Fatalf("read %+v and %d measurements, %v", got, len(measurements), err)
	}
	for i, m := range measurements {
		if !reflect.DeepEqual(m.Samples, wrote[i].Samples) || m.Seq != i+1 ||
			!reflect.DeepEqual(m.Oracle, wrote[i].Oracle) {
			t.Errorf("measurement %d = %+v…, want what was kept", i, m.Seq)
		}
	}
}

// TestACutOffLineIsLeftOut checks that a last line that was cut off, as when a run is killed or its disk is full, is
// left out.
func TestACutOffLineIsLeftOut(t *testing.T) {
	dir := t.TempDir()
	folder := mustCreate(t, dir)
	for _, err := range []error{folder.Describe(raw.Run{}), folder.Keep(raw.Measurement{Name: "mix"})} {
		if err != nil {
			t.Fatal(err)
		}
	}
	file, err := os.OpenFile(filepath.Join(dir, "measurements.jsonl"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	file.WriteString(`{"seq":2,"na`)
	if _, measurements, err := raw.Read(dir); err != nil || len(measurements) != 1 {
		t.Errorf("%d measurements, %v; want the one that is whole", len(measurements), err)
	}
}

// TestAFullDiskSaysSo writes to the device that is always full.
func TestAFullDiskSaysSo(t *testing.T) {
	dir := t.TempDir()
	if err := os.Symlink("/dev/full", filepath.Join(dir, "measurements.jsonl")); err != nil {
		t.Fatal(err)
	}
	folder := mustCreate(t, dir)
	for _, when := range []string{"first", "second"} {
		err := folder.Keep(raw.Measurement{Name: "mix"})
		if err == nil || !strings.Contains(err.Error(), dir+" is full: free some of it") {
			t.Errorf("the %s error = %v, want what is full and what to do", when, err)
		}
	}
}

// TestHalfALineIsCutOff lets a folder write no more than a limit, within a line, and then as much as it likes, as when
// a full disk is freed: what was kept before stays readable, and nothing is kept behind half a line.
func TestHalfALineIsCutOff(t *testing.T) {
	dir := t.TempDir()
	folder := mustCreate(t, dir)
	mix := raw.Measurement{Name: "mix"}
	for _, err := range []error{folder.Describe(raw.Run{}), folder.Keep(mix)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(dir, "measurements.jsonl")
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	signal.Ignore(syscall.SIGXFSZ)
	defer signal.Reset(syscall.SIGXFSZ)
	var was syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &was); err != nil {
		t.Fatal(err)
	}
	limit := syscall.Rlimit{Cur: uint64(info.Size()) + 10, Max: was.Max}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		t.Fatal(err)
	}
	failed := folder.Keep(mix)
	described := folder.Describe(raw.Run{Profile: strings.Repeat("x", 1000)})
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &was); err != nil {
		t.Fatal(err)
	}
	if failed == nil || described == nil || folder.Keep(mix) == nil {
		t.Errorf("errors %v and %v; want both, and of what is kept afterwards too", failed, described)
	}
	if run, measurements, err := raw.Read(dir); err != nil || len(measurements) != 1 || run.Profile != "" {
		t.Errorf("there are %d measurements of %q, %v; want what was there before", len(measurements), run.Profile, err)
	}
	if after, err := os.Stat(file); err != nil || after.Size() != info.Size() {
		t.Errorf("the file has %d bytes, want the %d of whole lines (%v)", after.Size(), info.Size(), err)
	}
}

func TestAFolderTakesOneRun(t *testing.T) {
	dir := t.TempDir()
	wantRefused := func(when string) {
		t.Helper()
		if _, err := raw.Create(dir); err == nil || !strings.Contains(err.Error(), "holds a run already") {
			t.Errorf("a second run into the folder of one that %s: %v", when, err)
		}
	}
	folder := mustCreate(t, dir)
	wantRefused("has just begun")
	if err := folder.Describe(raw.Run{}); err != nil {
		t.Fatal(err)
	}
	wantRefused("is described")
	dir = t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, raw.ResultsFile), []byte("{}"), 0o644); err != nil {
		t.Fatal(err)
	}
	wantRefused("has its results alone")
}

func TestAnotherVersionIsRefused(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "run.json"), []byte(`{"format":"woodytoys-benchmark-run","version":99}`),
		0o644); err != nil {
		t.Fatal(err)
	}
	if _, _, err := raw.Read(dir); err == nil || !strings.Contains(err.Error(), "version 99") {
		t.Errorf("error = %v, want which version it is", err)
	}
}
