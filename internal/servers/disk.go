package servers

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
)

// Disk is a file system of its own, in memory, that can be filled to the last byte.
type Disk struct {
	// Dir is where it is mounted.
	Dir string
}

// MountDisk makes a file system of a size in bytes and mounts it on a folder, which only root may do: the error of
// others is os.ErrPermission.
func MountDisk(dir string, size int64) (*Disk, error) {
	if err := syscall.Mount("disk", dir, "tmpfs", 0, fmt.Sprintf("size=%d", size)); err != nil {
		return nil, fmt.Errorf("mount a disk on %s: %w", dir, err)
	}
	return &Disk{Dir: dir}, nil
}

// Fill writes a file until nothing more can be written.
func (d *Disk) Fill() error {
	file, err := os.OpenFile(d.filler(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.CopyBuffer(struct{ io.Writer }{file}, endless{}, make([]byte, 4096))
	if errors.Is(err, syscall.ENOSPC) {
		err = nil
	}
	return errors.Join(err, file.Close())
}

// endless reads zeros.
type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

// Free removes what Fill wrote.
func (d *Disk) Free() error { return os.Remove(d.filler()) }

// Close removes the file system, once nobody has a file of it open, and what is on it.
func (d *Disk) Close() error { return syscall.Unmount(d.Dir, syscall.MNT_DETACH) }

func (d *Disk) filler() string { return filepath.Join(d.Dir, "filler") }
