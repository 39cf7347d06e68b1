package runner

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"
)

// Progress shows what is being done: on a terminal in one line that changes, with the time that is
// left; elsewhere in a line for each step.
type Progress struct {
	out      io.Writer
	terminal bool
	now      func() time.Time

	mu                 sync.Mutex
	began              time.Time
	planned, estimated time.Duration // planned time of all steps, and of those that have ended
	spent              time.Duration // what the ended steps took
	step               string
	stepBegan          time.Time
	stepPlanned        time.Duration
	stop               chan struct{}
}

// NewProgress returns a Progress that writes to out, which is a terminal if it is a character device and TERM is not
// dumb.
func NewProgress(out *os.File) *Progress {
	info, err := out.Stat()
	terminal := err == nil && info.Mode()&os.ModeCharDevice != 0 && os.Getenv("TERM") != "" &&
		os.Getenv("TERM") != "dumb"
	p := &Progress{out: out, terminal: terminal, now: time.Now, began: time.Now(), stop: make(chan struct{})}
	if terminal {
		go p.tick()
	}
	return p
}

func (p *Progress) tick() {
	ticker := time.NewTicker(500 * time.Millisecond)
	defer ticker.Stop()
	for {
		select {
		case <-p.stop:
			return
		case <-ticker.C:
			p.mu.Lock()
			p.draw()
			p.mu.Unlock()
		}
	}
}

// Plan adds what is going to be done.
func (p *Progress) Plan(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.planned += d
}

// Begin begins a step that is planned to take a while.
func (p *Progress) Begin(step string, planned time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.step, p.stepBegan, p.stepPlanned = step, p.now(), planned
	if p.terminal {
		p.draw()
	} else {
		fmt.Fprintf(p.out, "%s  %s%s\n", clock(p.now().Sub(p.began)), step, p.left())
	}
}

// End ends the step.
func (p *Progress) End() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.estimated += p.stepPlanned
	p.spent += p.now().Sub(p.stepBegan)
	p.step, p.stepPlanned = "", 0
}

// Say prints a line that stays.
func (p *Progress) Say(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.terminal {
		fmt.Fprint(p.out, "\r\x1b[K")
	}
	fmt.Fprintf(p.out, format+"\n", args...)
}

// Close ends the display.
func (p *Progress) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.stop:
		return
	default:
	}
	close(p.stop)
	if p.terminal {
		fmt.Fprint(p.out, "\r\x1b[K")
	}
}

func (p *Progress) draw() {
	if p.step == "" {
		return
	}
	done := 0.0
	if p.planned > 0 {
		done = min(.99, float64(p.estimated+min(p.stepPlanned, p.now().Sub(p.stepBegan)))/float64(p.planned))
	}
	const width = 20
	filled := int(done * width)
	fmt.Fprintf(p.out, "\r\x1b[K%s%s %3.0f%%%s  %s",
		strings.Repeat("█", filled), strings.Repeat("░", width-filled), 100*done, p.left(), p.step)
}

// left returns how long it takes to the end, as far as what has been done shows; empty before anything is planned.
func (p *Progress) left() string {
	if p.planned == 0 {
		return ""
	}
	// What has been done shows how fast this machine is; as long as that is little, the plan is believed too.
	const belief = time.Minute
	pace := float64(p.spent+belief) / float64(p.estimated+belief)
	rest := time.Duration(float64(p.planned-p.estimated)*pace) - p.now().Sub(p.stepBegan)
	return "  " + clock(max(rest, 0)) + " left"
}

func clock(d time.Duration) string {
	return fmt.Sprintf("%d:%02d", int(d.Minutes()), int(d.Seconds())%60)
}
