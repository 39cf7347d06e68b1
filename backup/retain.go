package main

import (
	"slices"
	"time"
)

// retention is how long backups are kept.
type retention struct {
	all   time.Duration // every second of this is kept
	daily int           // and of so many days before that the last backup
	every time.Duration // how often one is made
}

// ages returns how old backups are, by name. Between two that follow each other at most twice as long as usual counts,
// and nothing where the second has the earlier time: a clock that goes forward by a year makes none a year older.
func (r retention) ages(inv inventory, now time.Time) map[string]time.Duration {
	ages, age, next := map[string]time.Duration{}, time.Duration(0), now
	for _, b := range slices.Backward(inv.backups) {
		age += min(max(next.Sub(b.taken), 0), max(2*r.every, time.Hour))
		ages[b.name], next = age, b.taken
	}
	return ages
}

// surplus returns the snapshots that are not to be kept. What is under way is not in the inventory, or is its newest.
func (r retention) surplus(inv inventory, now time.Time) (ids []string) {
	ids = append(ids, inv.left...)
	ages := r.ages(inv, now)
	kept := r.kept(inv, ages)
	for _, b := range inv.backups {
		if kept[b.name] {
			continue
		}
		ids = append(ids, b.dump)
		if b.good != "" {
			ids = append(ids, b.good)
		}
	}
	for _, c := range inv.chunks {
		if !r.needs(inv, c, kept, ages) {
			ids = append(ids, c.snapshot)
		}
	}
	return ids
}

// kept returns the names of backups that are kept: good ones within the time, the last one before that, so that its
// first second can be restored, the last of each day, and what a restore has overwritten.
func (r retention) kept(inv inventory, ages map[string]time.Duration) map[string]bool {
	kept := map[string]bool{}
	var before, newest string
	days := map[string]string{}
	for _, b := range inv.backups {
		switch {
		case b.kind == kindBefore:
			kept[b.name] = ages[b.name] <= r.all
		case b.good == "":
		case ages[b.name] > r.all:
			before = b.name
			if ages[b.name] < r.all+time.Duration(r.daily)*24*time.Hour {
				days[b.taken.UTC().Format(time.DateOnly)] = b.name
			}
		default:
			kept[b.name] = true
		}
		if b.good != "" {
			newest = b.name
		}
	}
	for _, name := range days {
		kept[name] = true
	}
	kept[before], kept[newest] = true, true
	return kept
}

// needs reports whether some second that is kept needs a chunk of logs, or the verification of a backup that is.
func (r retention) needs(inv inventory, c chunk, kept map[string]bool, ages map[string]time.Duration) bool {
	last := ""
	for _, b := range inv.backups {
		if b.good != "" && ages[b.name] > r.all {
			last = b.name
		}
	}
	newest, _ := inv.newest(time.Time{})
	for _, b := range inv.backups {
		if !kept[b.name] || b.good == "" || b.line != c.line || b.at.covers(c.to) {
			continue
		}
		within := ages[b.name] <= r.all || b.name == last || b.name == newest.name
		if verifies := !c.from.covers(b.to); within || verifies {
			return true
		}
	}
	// Those of a line that has no good backup yet are needed once it has one.
	return newest.name == "" || c.name > newest.name && c.line != newest.line
}
