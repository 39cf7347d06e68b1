package main

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// The kinds of snapshots, in the tag kind.
const (
	kindDump   = "dump"   // all of the database at one position
	kindGood   = "good"   // that the dump was restored and compared, and with what
	kindLogs   = "logs"   // what one stream has followed so far
	kindBefore = "before" // a dump of what a restore has overwritten
)

// timeForm is how times are in tags and names.
const timeForm = "20060102T150405.000Z"

// backup is a dump in the repository.
type backup struct {
	name  string
	line  string // what history its logs belong to
	at    position
	taken time.Time // when the dump was complete
	dump  string    // its snapshot
	good  string    // the snapshot that says that it is good; empty if it is not
	to    position  // through where its logs were verified with it
	kind  string
}

// chunk is what one stream has followed.
type chunk struct {
	name, line string
	from, to   position
	snapshot   string    // the newest, which has all of it
	saved      time.Time // when that was begun
}

// inventory is what a repository has.
type inventory struct {
	backups []backup // in the order in which they were made, which is that of their names
	chunks  []chunk
	left    []string // snapshots that others have taken the place of, or that belong to nothing
}

// readInventory sorts snapshots by what they are.
func readInventory(snapshots []snapshot) inventory {
	var inv inventory
	good, to, chunks := map[string]string{}, map[string]position{}, map[[3]string]chunk{}
	for _, s := range snapshots {
		switch s.tag("kind") {
		case kindGood:
			good[s.tag("backup")], to[s.tag("backup")] = s.ID, tagPosition(s.tag("to"))
		case kindLogs:
			c := chunk{name: s.tag("chunk"), line: s.tag("line"), snapshot: s.ID, saved: s.Time}
			c.from, c.to = tagPosition(s.tag("from")), tagPosition(s.tag("to"))
			stream := [3]string{c.name, c.line, s.tag("from")} // two may have one name, by a clock that went back
			if before, ok := chunks[stream]; ok {
				if before.to.covers(c.to) && !c.to.covers(before.to) {
					before, c = c, before
				}
				inv.left = append(inv.left, before.snapshot)
			}
			chunks[stream] = c
		}
	}
	for _, s := range snapshots {
		if kind := s.tag("kind"); kind == kindDump || kind == kindBefore {
			b := backup{name: s.tag("backup"), line: s.tag("line"), dump: s.ID, kind: kind}
			b.at = tagPosition(s.tag("at"))
			b.taken, _ = time.Parse(timeForm, s.tag("taken"))
			b.good, b.to = good[b.name], to[b.name]
			delete(good, b.name)
			inv.backups = append(inv.backups, b)
		}
	}
	for _, id := range good {
		inv.left = append(inv.left, id)
	}
	for _, c := range chunks {
		inv.chunks = append(inv.chunks, c)
	}
	slices.SortFunc(inv.backups, func(a, b backup) int { return cmp.Compare(a.name, b.name) })
	slices.SortFunc(inv.chunks, func(a, b chunk) int { return cmp.Compare(a.name, b.name) })
	slices.Sort(inv.left)
	return inv
}

// newest returns the newest good backup that was taken by a time, zero for any. Where the clock went back, it is the
// last one before that: when those behind it were taken is unknown, and its logs go on through them. But where the
// clock had passed the time by then, the time is that of those behind it.
func (inv inventory) newest(by time.Time) (found backup, ok bool) {
	passed := false // by the clock, since found
	for _, b := range inv.backups {
		switch {
		case b.good == "":
		case by.IsZero():
			found, ok = b, true
		case b.taken.After(by):
			passed = true
		case !ok, passed, b.line != found.line, !b.taken.Before(found.taken):
			found, ok, passed = b, true, false
		}
	}
	return found, ok
}

// named returns the backup of that name.
func (inv inventory) named(name string) (backup, bool) {
	i := slices.IndexFunc(inv.backups, func(b backup) bool { return b.name == name })
	if i < 0 {
		return backup{}, false
	}
	return inv.backups[i], true
}

// after returns the logs that follow a backup without a gap, each behind those that it goes on from, and how far they
// go. Their names are of no account: a clock that goes back gave later ones earlier names.
func (inv inventory) after(b backup) (list []chunk, to position) {
	to = b.at.clone()
	for found := -1; found < len(list); {
		found = len(list)
		for _, c := range inv.chunks {
			if c.line != b.line || to.covers(c.to) || !to.covers(c.from) {
				continue
			}
			list = append(list, c)
			for _, g := range c.to {
				to.advance(g)
			}
		}
	}
	return list, to
}

// reach returns until when what is kept of a backup and its logs has all, where nothing is known of the source. That is
// by the clock of when the last of it was kept: what was kept before may have a later time.
func (inv inventory) reach(b backup) time.Time {
	chunks, to := inv.after(b)
	until := b.taken
	if len(chunks) > 0 {
		until = chunks[len(chunks)-1].saved
	}
	for _, later := range inv.backups {
		if later.line == b.line && later.kind == kindDump && later.good != "" && to.covers(later.to) &&
			later.to.covers(to) && later.taken.After(until) { // nothing was written meanwhile
			until = later.taken
		}
	}
	return until.UTC().Truncate(time.Second)
}

// goesOn returns the history that the newest backup begins or belongs to, and how far it is kept; ok is false where
// there is none.
func (inv inventory) goesOn() (line string, to position, ok bool) {
	b, ok := inv.newestDump()
	if !ok {
		return "", nil, false
	}
	_, to = inv.after(b)
	return b.line, to, true
}

// newestDump returns the newest good backup of the shop, which what a restore has overwritten is not.
func (inv inventory) newestDump() (backup, bool) {
	for _, b := range slices.Backward(inv.backups) {
		if b.kind == kindDump && b.good != "" {
			return b, true
		}
	}
	return backup{}, false
}

// Positions in tags have a plus where others have a comma, which stands between tags.
func positionTag(p position) string { return p.join("+") }
func tagPosition(text string) (p position) {
	p, _ = parsePosition(strings.ReplaceAll(text, "+", ","))
	return p
}
