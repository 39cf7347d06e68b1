package machine

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// slicePeriod is how often a slice of processor time begins anew. The usual 100 ms would stall a process for most of
// that, which is as long as a replica may be silent.
const slicePeriod = 10 * time.Millisecond

// Slices give processes a part of a core each, as a machine of their own would have: by control groups, in the first
// version of the kernel's interface or the second.
type Slices struct {
	root   string
	second bool
	groups []string
}

// cgroups is where the kernel's control groups are.
const cgroups = "/sys/fs/cgroup"

// OpenSlices returns no slices yet, or why this process cannot make any.
func OpenSlices() (*Slices, error) {
	s := &Slices{root: filepath.Join(cgroups, "cpu")}
	if controllers, err := os.ReadFile(filepath.Join(cgroups, "cgroup.controllers")); err == nil {
		if !strings.Contains(" "+strings.TrimSpace(string(controllers))+" ", " cpu ") {
			return nil, errors.New("the control groups here have no processor time to give")
		}
		s.root, s.second = cgroups, true
		if err := os.WriteFile(filepath.Join(cgroups, "cgroup.subtree_control"), []byte("+cpu"), 0); err != nil {
			return nil, fmt.Errorf("control groups may not be made: %w", err)
		}
	}
	trial, err := s.group("trial")
	if err != nil {
		return nil, fmt.Errorf("control groups may not be made: %w", err)
	}
	return s, os.Remove(trial)
}

// group makes a group.
func (s *Slices) group(name string) (dir string, err error) {
	dir = filepath.Join(s.root, fmt.Sprintf("woody-%d-%s", os.Getpid(), name))
	return dir, os.Mkdir(dir, 0o755)
}

// Give gives a process, with all that it begins from now on, so much of a core: at least a tenth.
func (s *Slices) Give(pid int, cores float64) error {
	dir, err := s.group(strconv.Itoa(pid))
	if err != nil {
		return err
	}
	s.groups = append(s.groups, dir)
	period := slicePeriod.Microseconds()
	quota := int64(cores * float64(period))
	write := func(file, text string) {
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, file), []byte(text), 0)
		}
	}
	if s.second {
		write("cpu.max", fmt.Sprintf("%d %d", quota, period))
	} else {
		write("cpu.cfs_period_us", strconv.FormatInt(period, 10))
		write("cpu.cfs_quota_us", strconv.FormatInt(quota, 10))
	}
	write("cgroup.procs", strconv.Itoa(pid))
	return err
}

// Close removes the groups, whose processes must have ended.
func (s *Slices) Close() error {
	var all error
	for _, dir := range s.groups {
		all = errors.Join(all, os.Remove(dir))
	}
	s.groups = nil
	return all
}
