package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// keeper makes backups, ships logs and verifies, as the rule has it and as it is asked to.
type keeper struct {
	cfg  *config
	log  *slog.Logger
	m    *metrics
	repo *keptRepository
	ship *shipper

	task     sync.Mutex   // of one full backup, verification or restore at a time
	secrets  sync.Mutex   // of one use of the secrets' repository at a time
	restores atomic.Int32 // how many restores are under way or wait to be

	patience time.Duration // with another backup in the folder

	mu    sync.Mutex
	facts facts
	under task // what is under way, for whoever waits
}

func newKeeper(cfg *config, log *slog.Logger, m *metrics) *keeper {
	repo := &keptRepository{repository: repository{place: cfg.Repository, key: cfg.Key, cache: cfg.below("cache")}}
	ship := newShipper(cfg, log, repo, m)
	return &keeper{cfg: cfg, log: log, m: m, repo: repo, ship: ship, patience: replacedWithin}
}

// replacedWithin is how long the backup that works in the folder has to leave it: one that is replaced may not have
// ended yet when the next one starts.
const replacedWithin = time.Minute

// waitForLock locks a file.
func (k *keeper) waitForLock(ctx context.Context, file *os.File) error {
	deadline := time.After(k.patience)
	for waits := false; syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) != nil; waits = true {
		if !waits {
			k.log.Info("waiting until another backup has left the folder", "folder", k.cfg.WorkDir)
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		case <-deadline:
			return fmt.Errorf("another backup works in %s: end it first, or give this one a folder of its own "+
				"(WOODY_BACKUP_WORK_DIR)", k.cfg.WorkDir)
		}
	}
	return nil
}

// prepare makes the work folder this process's alone, and removes what one that was killed left there.
func (k *keeper) prepare(ctx context.Context) (release func(), err error) {
	if err := os.MkdirAll(k.cfg.WorkDir, 0o700); err != nil {
		return nil, fmt.Errorf("WOODY_BACKUP_WORK_DIR: %w", err)
	}
	lock, err := os.OpenFile(k.cfg.below("lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("WOODY_BACKUP_WORK_DIR: %w", err)
	}
	if err := k.waitForLock(ctx, lock); err != nil {
		lock.Close()
		return nil, err
	}
	for _, name := range []string{"logs", "scratch", "tmp", "control"} {
		if err := os.RemoveAll(k.cfg.below(name)); err != nil {
			return nil, err
		}
	}
	for _, name := range []string{"logs", "tmp"} {
		if err := os.MkdirAll(k.cfg.below(name), 0o700); err != nil {
			return nil, err
		}
	}
	return func() { lock.Close() }, nil
}

// lookEvery is how often the rule is asked.
const lookEvery = 250 * time.Millisecond

// run keeps until ctx ends.
func (k *keeper) run(ctx context.Context) {
	defer k.shipLast(ctx)
	if !k.open(ctx) {
		return
	}
	var shipping sync.WaitGroup
	shipping.Go(func() { k.shipOn(ctx) })
	defer shipping.Wait()
	rhythm := rhythm{k.cfg.Every, k.cfg.VerifyEvery, k.cfg.RetryAfter}
	for ctx.Err() == nil {
		switch rhythm.next(k.now()) {
		case makeFull:
			_ = k.full(ctx, nil)
		case doVerify:
			_ = k.verify(ctx, "", nil)
		}
		pause(ctx, lookEvery)
	}
}

// open opens the repository, and goes by what is there. It is tried until it can be done.
func (k *keeper) open(ctx context.Context) bool {
	for {
		began := time.Now()
		err := k.resume(ctx)
		k.m.ended(doShip, began, err)
		if err == nil {
			return true
		}
		if ctx.Err() != nil {
			return false
		}
		k.log.Error("the repository cannot be used", "err", err)
		pause(ctx, k.cfg.RetryAfter)
	}
}

func (k *keeper) resume(ctx context.Context) error {
	if err := k.repo.open(ctx); err != nil {
		return err
	}
	if err := k.sameRepository(ctx); err != nil {
		return err
	}
	inv, err := k.repo.inventory(ctx)
	if err != nil {
		return err
	}
	if b, ok := inv.newest(time.Time{}); ok {
		k.set(func(f *facts) { f.good, f.verified = b.taken, b.taken })
	}
	if _, _, ok, err := k.getMark(restoringMark); err != nil || ok {
		return nil // the restore says what is wrong
	}
	if _, ok, err := k.restored(inv); err != nil || ok {
		return err // what was kept before is of another history
	}
	if line, at, ok := inv.goesOn(); ok {
		k.ship.follow(line, at)
		k.log.Info("what is kept goes on", "since", line, "at", at.String())
	}
	return nil
}

// sameRepository returns an error where the repository is another one than the last time: a folder whose disk is not
// mounted looks like a new one.
func (k *keeper) sameRepository(ctx context.Context) error {
	out, err := output(ctx, k.repo.command("cat", "config"))
	var is struct {
		ID string `json:"id"`
	}
	if err = errors.Join(err, json.Unmarshal(out, &is)); err != nil {
		return err
	}
	file := k.cfg.below("repository")
	was, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		return os.WriteFile(file, []byte(is.ID), 0o600)
	}
	if err == nil && string(was) != is.ID {
		return fmt.Errorf("%s is not the repository that backups were made to so far: mount the right one, or, if it "+
			"is to be this one, remove %s", k.cfg.Repository, file)
	}
	return err
}

// attendEvery is how often it is seen to that the log is followed.
const attendEvery = time.Second

// shipOn follows the log and ships it until ctx ends.
func (k *keeper) shipOn(ctx context.Context) {
	failing := false
	var shipped time.Time
	for ; ctx.Err() == nil; pause(ctx, min(attendEvery, k.cfg.ShipEvery)) {
		if time.Since(shipped) < k.cfg.ShipEvery {
			_ = k.ship.attend(ctx) // what fails is said when it is shipped
			continue
		}
		shipped = time.Now()
		if _, err := k.shipNow(ctx); err != nil && !failing && ctx.Err() == nil {
			k.log.Warn("logs are not shipped", "err", err)
			failing = true
		} else if err == nil && failing {
			k.log.Info("logs are shipped again")
			failing = false
		}
	}
}

// endPatience is how long the program goes on after a signal to ship what it has followed: the next start removes that.
// Tests have more of it, on a machine that is busy with others.
var endPatience = 10 * time.Second

// shipLast ends the following, and ships what that has brought.
func (k *keeper) shipLast(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endPatience)
	defer cancel()
	if err := k.ship.close(ctx); err != nil {
		k.log.Warn("what was followed last is not shipped: it is followed again, if the database still has it then",
			"err", err)
	}
}

func (k *keeper) shipNow(ctx context.Context) (position, error) {
	began := time.Now()
	at, err := k.ship.ship(ctx)
	if ctx.Err() == nil {
		k.m.ended(doShip, began, err)
	}
	return at, err
}

// do runs one task alone, and notes how it ends.
func (k *keeper) do(ctx context.Context, t task, say sayer, work func(context.Context) error) error {
	if under := k.doing(); under != nothing {
		say.say("waiting until the %s that is under way has ended", under)
	}
	k.task.Lock()
	defer k.task.Unlock()
	k.mu.Lock()
	k.under = t
	k.mu.Unlock()
	began := time.Now()
	k.log.Info(string(t) + " begins")
	err := errors.Join(work(ctx), k.clear())
	k.mu.Lock()
	k.under = nothing
	k.mu.Unlock()
	var wrong mistake
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.As(err, &wrong):
		return err
	}
	k.m.ended(t, began, err)
	if err != nil {
		k.log.Error(string(t)+" failed", "err", err)
	} else {
		k.log.Info(string(t)+" is done", "seconds", time.Since(began).Seconds())
	}
	if t == makeFull || t == doVerify {
		k.set(func(f *facts) {
			if err == nil {
				f.failures = 0
			} else {
				f.failures, f.failed = f.failures+1, time.Now()
			}
		})
	}
	return err
}

// mistake is an error of whoever asked: nothing of the backups is wrong for it.
type mistake struct{ error }

// clear removes what a task has left in the work folder.
func (k *keeper) clear() error {
	entries, err := os.ReadDir(k.cfg.below("tmp"))
	for _, entry := range entries {
		err = errors.Join(err, os.RemoveAll(filepath.Join(k.cfg.below("tmp"), entry.Name())))
	}
	return err
}

func (k *keeper) doing() task {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.under
}

// now returns what the rule goes by.
func (k *keeper) now() facts {
	broken := k.ship.lost()
	k.mu.Lock()
	defer k.mu.Unlock()
	f := k.facts
	f.now, f.broken = time.Now(), broken
	return f
}

func (k *keeper) set(change func(*facts)) {
	k.mu.Lock()
	defer k.mu.Unlock()
	change(&k.facts)
	stamp(k.m.good, k.facts.good)
	stamp(k.m.verified, k.facts.verified)
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// sayer prints how a task that was asked for comes on; nil prints nothing.
type sayer func(line string)

func (s sayer) say(format string, args ...any) {
	if s != nil {
		s(fmt.Sprintf(format, args...))
	}
}
