package cluster

import (
	"sync"
	"time"
)

// acks is how far each member has read the bus, as far as this writer has heard.
type acks struct {
	mu    sync.Mutex
	read  map[string]uint64
	heard chan struct{} // closed and replaced with each acknowledgement
}

func newAcks() *acks { return &acks{read: map[string]uint64{}, heard: make(chan struct{})} }

func (a *acks) hear(member string, seq uint64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.read[member] < seq {
		a.read[member] = seq
	}
	close(a.heard)
	a.heard = make(chan struct{})
}

// await waits until all members have read up to seq, at most for timeout or until done, and returns
// those who have not.
func (a *acks) await(members map[string]string, seq uint64, timeout time.Duration, done <-chan struct{}) (
	missing map[string]string) {
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	for {
		a.mu.Lock()
		heard := a.heard
		a.mu.Unlock()
		if missing = a.missing(members, seq); len(missing) == 0 {
			return nil
		}
		select {
		case <-heard:
		case <-timer.C:
			return missing
		case <-done:
			return missing
		}
	}
}

// missing returns those of the members who have not read up to seq.
func (a *acks) missing(members map[string]string, seq uint64) map[string]string {
	a.mu.Lock()
	defer a.mu.Unlock()
	missing := map[string]string{}
	for member := range members {
		if a.read[member] < seq {
			missing[member] = anyRenewal
		}
	}
	return missing
}
