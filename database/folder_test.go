package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// grastateOf returns what Galera writes.
func grastateOf(uuid, seqno string) string {
	return "# GALERA saved state\nversion: 2.1\nuuid:    " + uuid + "\nseqno:   " + seqno + "\nsafe_to_bootstrap: 0\n"
}

const someUUID = "67fc38aa-ea0e-11f1-acd9-0a018b8b32b9"

// mustFill makes a folder with files; a name with a slash at its end is a folder.
func mustFill(t *testing.T, files map[string]string) folder {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		var err error
		if strings.HasSuffix(name, "/") {
			err = os.Mkdir(filepath.Join(dir, name), 0o755)
		} else {
			err = os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644)
		}
		must(t, err)
	}
	return folder(dir)
}

func TestInspect(t *testing.T) {
	inOrder, killed := grastateOf(someUUID, "12"), grastateOf(someUUID, "-1")
	void := grastateOf(noCluster, "-1")
	for _, test := range []struct {
		what  string
		files map[string]string
		want  data
		seqno int64
	}{
		{"empty", nil, none, 0},
		{"a file system's root", map[string]string{"lost+found/": ""}, none, 0},
		{"an installation broke off", map[string]string{"mysql/": "", "ibdata1": "", installing: ""}, none, 0},
		{"a first join broke off", map[string]string{"grastate.dat": void, "galera.cache": ""}, none, 0},
		{"stopped in order", map[string]string{"mysql/": "", "grastate.dat": inOrder}, cluster, 12},
		{"killed", map[string]string{"mysql/": "", "grastate.dat": killed}, cluster, -1},
		{"a transfer broke off", map[string]string{"mysql/": "", "grastate.dat": void}, unknown, 0},
		{"while it went on", map[string]string{"ibdata1": "", "grastate.dat": inOrder, transferring: ""}, unknown, 0},
		{"the stage before's", map[string]string{"mysql/": "", "ib_buffer_pool": ""}, alone, 0},
		{"it was killed", map[string]string{"mysql/": "", "ddl_recovery.log": ""}, alone, 0},
		{"a server ran after the cluster",
			map[string]string{"mysql/": "", "grastate.dat": inOrder, "ib_buffer_pool": ""}, alone, 12},
		{"it was adopted, and no cluster has begun", map[string]string{"mysql/": "", "grastate.dat": void, adopted: ""},
			alone, 0},
	} {
		got, at, err := mustFill(t, test.files).inspect()
		if err != nil || got != test.want || at.seqno != test.seqno {
			t.Errorf("%s: %s at %d, %v; want %s at %d", test.what, got, at.seqno, err, test.want, test.seqno)
		}
	}
	odd := mustFill(t, map[string]string{"mysql/": "", "grastate.dat": grastateOf(someUUID, "x")})
	if _, _, err := odd.inspect(); err == nil {
		t.Error("a state that cannot be read is taken for one")
	}
}

// TestEmptyKeepsOthersFiles holds that a folder is only emptied where this program, or a transfer, filled it.
func TestEmptyKeepsOthersFiles(t *testing.T) {
	f := mustFill(t, map[string]string{"letters": "", "lost+found/": ""})
	err := f.empty()
	if err == nil || !strings.Contains(err.Error(), "has files of others (letters)") || !f.has("letters") {
		t.Errorf("a folder with letters: %v", err)
	}
	for _, ours := range []string{installing, "grastate.dat", ".sst/"} {
		f := mustFill(t, map[string]string{ours: "", "ibtmp1": "", "lost+found/": ""})
		if err := f.empty(); err != nil || f.has("ibtmp1") || !f.has("lost+found") || !f.has(installing) {
			t.Errorf("a folder that we filled (%s): %v", ours, err)
		}
	}
}

func TestAdoptAndSettle(t *testing.T) {
	f := mustFill(t, map[string]string{"mysql/": "", "grastate.dat": grastateOf(someUUID, "1"), "ib_buffer_pool": ""})
	must(t, f.adopt())
	if got, _, err := f.inspect(); err != nil || got != alone || f.has("grastate.dat") {
		t.Errorf("adopted: %s, %v", got, err)
	}
	must(t, os.WriteFile(f.path("grastate.dat"), []byte(grastateOf(someUUID, "-1")), 0o644), f.clearMarkers())
	if got, at, err := f.inspect(); err != nil || got != cluster || at.uuid != someUUID {
		t.Errorf("settled: %s %s, %v", got, at, err)
	}
	must(t, allowBootstrap(string(f)))
	if text, err := os.ReadFile(grastate(string(f))); err != nil || !strings.Contains(string(text), "bootstrap: 1") {
		t.Errorf("the state is %s, %v", text, err)
	}
}
