package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"
)

// mark is what is noted of a restore in the work folder, where it outlives the program.
type mark struct {
	Time   time.Time `json:"time"`
	Name   string    `json:"name,omitempty"` // what comes after it in the order of names was made later
	Backup string    `json:"backup,omitempty"`
	At     string    `json:"at"`
}

const (
	// restoringMark is the file that says that the database is being overwritten, by which backup and its logs up to
	// where. It stays where that breaks off.
	restoringMark = "restoring"
	// restoredMark is the file that says when a restore was complete, and where the database was then.
	restoredMark = "restored"
)

// setMark writes a mark, whole or not at all, and such that it outlives the machine too.
func (k *keeper) setMark(name string, m mark) error {
	text, err := json.Marshal(m)
	if err != nil {
		return err
	}
	file, err := os.Create(k.cfg.below(name + ".new"))
	if err != nil {
		return err
	}
	_, err = file.Write(text)
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	if err := os.Rename(file.Name(), k.cfg.below(name)); err != nil {
		return err
	}
	folder, err := os.Open(k.cfg.WorkDir)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

// getMark reads a mark; ok is false where there is none.
func (k *keeper) getMark(name string) (m mark, at position, ok bool, err error) {
	text, err := os.ReadFile(k.cfg.below(name))
	if errors.Is(err, os.ErrNotExist) {
		return m, nil, false, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &m)
	}
	if err == nil {
		at, err = parsePosition(m.At)
	}
	if err != nil {
		return m, nil, false, fmt.Errorf("read what was noted of a restore: %w", err)
	}
	return m, at, true, nil
}

// half reports whether the database is half restored, or may be.
func (k *keeper) half() bool {
	_, _, ok, err := k.getMark(restoringMark)
	return ok || err != nil
}

// state returns what the database is by the restores of it: restoring while one is under way or waits to be, half where
// one has broken off while it overwrote, and whole otherwise. Behind that stands when the last one was complete, if one
// ever was.
func (k *keeper) state() string {
	state := "whole"
	switch {
	case k.restores.Load() > 0:
		state = "restoring"
	case k.half():
		state = "half"
	}
	if m, _, ok, err := k.getMark(restoredMark); err == nil && ok {
		state += " " + m.Time.UTC().Format(time.RFC3339Nano)
	}
	return state
}

// brokenOff returns what a restore that has broken off was about to restore; ok is false where none has.
func (k *keeper) brokenOff(inv inventory) (p plan, ok bool, err error) {
	m, at, ok, err := k.getMark(restoringMark)
	if err != nil || !ok {
		return p, ok, err
	}
	if p.backup, ok = inv.named(m.Backup); !ok {
		return p, false, fmt.Errorf("the backup %s, of which a restore has broken off, is not there any more: restore "+
			"another one by its name", m.Backup)
	}
	p.stop.at, p.to = at, at
	return p, true, nil
}

// restored returns where the database was after a restore that no good backup has followed yet; ok is false where there
// is none.
func (k *keeper) restored(inv inventory) (at position, ok bool, err error) {
	m, at, ok, err := k.getMark(restoredMark)
	if m.Name == "" {
		m.Name = m.Time.UTC().Format(timeForm) // of a release before
	}
	if b, some := inv.newestDump(); some && b.name > m.Name {
		return nil, false, err
	}
	return at, ok, err
}
