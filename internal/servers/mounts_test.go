package servers

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// TestRemoveWithMounts removes a folder in which two file systems are mounted, one on a folder of the other, as a
// Docker engine leaves the networks' namespaces when it ends before it has taken them down. A third, beside them,
// stays.
func TestRemoveWithMounts(t *testing.T) {
	t.Parallel()
	parent := t.TempDir()
	dir, beside := filepath.Join(parent, "1"), filepath.Join(parent, "10")
	inner := filepath.Join(dir, "a", "b")
	for _, at := range []string{filepath.Dir(inner), inner, beside} {
		if err := os.MkdirAll(at, 0o700); err != nil {
			t.Fatal(err)
		}
		disk, err := MountDisk(at, 1<<20)
		if errors.Is(err, os.ErrPermission) {
			t.Skip("only root may mount a disk")
		}
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = disk.Close() })
	}
	file := filepath.Join(beside, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := removeWithMounts(dir); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the folder is there still: %v", err)
	}
	if _, err := os.Stat(file); err != nil {
		t.Errorf("the folder beside it is gone too: %v", err)
	}
}
