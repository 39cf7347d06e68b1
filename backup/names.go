package main

import (
	"strings"
	"sync"
	"time"
)

// names gives backups and streams their names: the time, or, where the clock has gone back, the moment after the last
// name. So the order of names is that in which they were given, and none is given twice.
type names struct {
	mu   sync.Mutex
	last time.Time // the name that was given or taken last
}

func (n *names) next(now time.Time) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	if now = now.Truncate(time.Millisecond); !now.After(n.last) {
		now = n.last.Add(time.Millisecond)
	}
	n.last = now
	return now.UTC().Format(timeForm)
}

// take makes the next name sort behind all names of an inventory.
func (n *names) take(inv inventory) {
	n.mu.Lock()
	defer n.mu.Unlock()
	take := func(name string) {
		name, _, _ = strings.Cut(name, "-") // -before follows it in what a restore has overwritten
		if t, err := time.Parse(timeForm, name); err == nil && t.After(n.last) {
			n.last = t
		}
	}
	for _, b := range inv.backups {
		take(b.name)
	}
	for _, c := range inv.chunks {
		take(c.name)
	}
}
