package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// full makes a backup, and verifies it. Old ones are removed then.
func (k *keeper) full(ctx context.Context, say sayer) error {
	err := k.do(ctx, makeFull, say, func(ctx context.Context) error { return k.makeFull(ctx, say) })
	if err == nil {
		k.task.Lock() // nobody restores what is removed
		defer k.task.Unlock()
		began := time.Now()
		err = k.forget(ctx)
		k.m.ended(doForget, began, err)
		if err != nil {
			k.log.Error("old backups are not removed", "err", err)
		}
	}
	return err
}

func (k *keeper) makeFull(ctx context.Context, say sayer) error {
	src, at, err := k.cfg.pick(ctx, k.ship.source()) // other nodes of a cluster log a few things of their own
	if err != nil {
		return fmt.Errorf("no source serves: %w", err)
	}
	if err := k.mayTake(ctx, at, say != nil); err != nil {
		return err
	}
	b, err := k.takeDump(ctx, src, kindDump, "")
	if err != nil {
		return err
	}
	if !b.at.goesOnFrom(at) {
		return fmt.Errorf("the database was at %s, and its dump is at %s: another one has taken its place", at, b.at)
	}
	say.say("%s: dumped at %s", b.name, b.at)
	if k.ship.lost() {
		k.ship.follow(b.line, b.at)
		if err := k.ship.attend(ctx); err != nil {
			return err
		}
	}
	was, err := src.summarize(ctx)
	if err != nil {
		return fmt.Errorf("sum up the source: %w", err)
	}
	if err := k.awaitShipped(ctx, was.At); err != nil {
		return err
	}
	say.say("%s: logs kept up to %s; verifying", b.name, was.At)
	if err := k.prove(ctx, b, was); err != nil {
		var wrong unfit
		if errors.As(err, &wrong) {
			k.ship.lose() // these logs are not of what the dump is of: the next backup begins anew
		}
		return err
	}
	if err := k.keepGood(ctx, b, was); err != nil {
		return err
	}
	k.set(func(f *facts) { f.made(b.taken, time.Now()) })
	if err := k.ship.rotate(ctx); err != nil {
		k.log.Warn("the log is not followed", "err", err) // it is tried again, every second
	}
	say.say("%s: good", b.name)
	return nil
}

// mayTake returns an error where the database at a position must not be taken for the shop: it is half restored, or has
// less than what is kept, such as an empty one in the place of one that is lost. Whoever asks for a backup means that
// one, and the next history begins with it.
func (k *keeper) mayTake(ctx context.Context, at position, asked bool) error {
	if m, _, ok, err := k.getMark(restoringMark); err != nil || ok {
		return errors.Join(fmt.Errorf("the database is half restored: scripts/restore brings back what was to be "+
			"(%s up to %s)", m.Backup, m.At), err)
	}
	inv, err := k.repo.inventory(ctx)
	if err != nil {
		return err
	}
	_, to, ok := inv.goesOn()
	if !ok || at.goesOnFrom(to) {
		return nil
	}
	if asked {
		k.ship.lose()
		return nil
	}
	if was, ok, err := k.restored(inv); err != nil || ok && at.goesOnFrom(was) {
		return err
	}
	return fmt.Errorf("the database is at %s, and what is kept goes to %s: scripts/restore brings that back; "+
		"scripts/backup now begins anew with what the database has", at, to)
}

// takeDump dumps a source into the repository.
func (k *keeper) takeDump(ctx context.Context, src source, kind, suffix string) (b backup, err error) {
	b = backup{name: k.repo.newName() + suffix, kind: kind}
	folder := k.cfg.below("tmp", "dump")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return b, err
	}
	defer os.RemoveAll(folder)
	if b.at, err = src.dump(ctx, folder); err != nil {
		return b, fmt.Errorf("dump %s: %w", src.addr, err)
	}
	b.taken = time.Now().UTC()
	if info, err := os.Stat(filepath.Join(folder, dumpName)); err == nil {
		k.m.bytes.Set(float64(info.Size()))
	}
	if b.line = k.ship.history(); b.line == "" {
		b.line = b.name
	}
	b.dump, err = k.repo.save(ctx, folder, "kind:"+kind, "backup:"+b.name, "line:"+b.line, "at:"+positionTag(b.at),
		"taken:"+b.taken.Format(timeForm))
	return b, err
}

// shipPatience is how long it may take until the logs that prove a backup are in the repository.
const shipPatience = 5 * time.Minute

func (k *keeper) awaitShipped(ctx context.Context, at position) error {
	for deadline := time.Now().Add(shipPatience); ; pause(ctx, time.Second) {
		reached, err := k.shipNow(ctx)
		switch {
		case reached.covers(at):
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case time.Now().After(deadline), k.ship.lost():
			return errors.Join(fmt.Errorf("the logs are kept up to %s, and not to %s", reached, at), err)
		}
	}
}

// proofName is the file that says what a backup has to be.
const proofName = "proof.json"

// proof is what is kept of a verification.
type proof struct {
	At     string    `json:"at"`
	Proved time.Time `json:"proved"`
	Sums   sums      `json:"sums"`
}

func (k *keeper) keepGood(ctx context.Context, b backup, was *summary) error {
	folder := k.cfg.below("tmp", "proof")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	text, err := json.MarshalIndent(proof{was.At.String(), time.Now().UTC(), was.Sums}, "", "  ")
	if err == nil {
		err = os.WriteFile(filepath.Join(folder, proofName), text, 0o600)
	}
	if err != nil {
		return err
	}
	_, err = k.repo.save(ctx, folder, "kind:"+kindGood, "backup:"+b.name, "to:"+positionTag(was.At))
	return err
}

// forget removes what need not be kept any more.
func (k *keeper) forget(ctx context.Context) error {
	inv, err := k.repo.inventory(ctx)
	if err != nil {
		return err
	}
	ids := retention{k.cfg.Keep, k.cfg.KeepDaily, k.cfg.Every}.surplus(inv, time.Now())
	if len(ids) == 0 {
		return nil
	}
	k.log.Info("old snapshots are removed", "count", len(ids))
	return k.repo.remove(ctx, ids...)
}
