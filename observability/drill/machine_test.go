package drill

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/internal/servers"
)

// machine is a machine of two processors as /proc would show it: how busy it is and how much memory it has is the
// test's to say, its one disk is real. This machine's own figures would be those of whatever else it does.
type machine struct {
	procfs string
	ticks  time.Duration
	stop   chan struct{}
	ended  sync.WaitGroup

	mu               sync.Mutex
	busy, memoryLeft float64 // parts of one
	used, idle       float64 // hundredths of a second
}

func mustStartMachine(t *testing.T, disk *servers.Disk) *machine {
	t.Helper()
	m := &machine{
		procfs: t.TempDir(), ticks: 100 * time.Millisecond, stop: make(chan struct{}), busy: 0.2, memoryLeft: 0.5,
	}
	if err := os.Mkdir(filepath.Join(m.procfs, "1"), 0o755); err != nil {
		t.Fatal(err)
	}
	m.mustWrite(t, "1/mounts", fmt.Sprintf("/dev/disk %s ext4 rw 0 0\n", disk.Dir))
	m.pass(t)
	m.ended.Go(func() {
		ticker := time.NewTicker(m.ticks)
		defer ticker.Stop()
		for {
			select {
			case <-m.stop:
				return
			case <-ticker.C:
				m.pass(t)
			}
		}
	})
	t.Cleanup(func() {
		close(m.stop)
		m.ended.Wait()
	})
	return m
}

// pass moves the machine's clock on a little.
func (m *machine) pass(t *testing.T) {
	m.mu.Lock()
	defer m.mu.Unlock()
	hundredths := m.ticks.Seconds() * 100
	m.used += hundredths * m.busy
	m.idle += hundredths * (1 - m.busy)
	var stat string
	for _, cpu := range []string{"cpu", "cpu0", "cpu1"} {
		stat += fmt.Sprintf("%s %.0f 0 0 %.0f 0 0 0 0 0 0\n", cpu, m.used, m.idle)
	}
	const total = 8 << 20 // kB
	m.mustWrite(t, "stat", stat)
	m.mustWrite(t, "meminfo", fmt.Sprintf("MemTotal: %d kB\nMemAvailable: %.0f kB\n", total, total*m.memoryLeft))
}

// set says how busy the processors are, and how much of the memory is left.
func (m *machine) set(busy, memoryLeft float64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.busy, m.memoryLeft = busy, memoryLeft
}

// mustWrite replaces a file at once, for whoever reads it meanwhile.
func (m *machine) mustWrite(t *testing.T, name, content string) {
	file := filepath.Join(m.procfs, name)
	if err := os.WriteFile(file+"~", []byte(content), 0o644); err != nil {
		t.Error(err)
	}
	if err := os.Rename(file+"~", file); err != nil {
		t.Error(err)
	}
}
