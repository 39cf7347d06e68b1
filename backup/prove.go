package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// verify restores a good backup, the newest if it has no name, and compares it with what it was taken from. All of the
// repository is read. If the newest backup differs, it no longer counts as good.
func (k *keeper) verify(ctx context.Context, name string, say sayer) error {
	return k.do(ctx, doVerify, say, func(ctx context.Context) error {
		inv, err := k.repo.inventory(ctx)
		if err != nil {
			return err
		}
		newest, ok := inv.newest(time.Time{})
		b := newest
		if name != "" {
			b, ok = inv.named(name)
		}
		if !ok || b.good == "" {
			return mistake{errors.New("there is no such good backup: the command list shows them")}
		}
		say.say("%s: restoring it into a scratch server", b.name)
		err = k.proveAgain(ctx, b)
		if err == nil {
			say.say("%s: it is what it was taken from; reading everything else", b.name)
			err = k.repo.uncached().check(ctx)
		}
		if err != nil && ctx.Err() == nil {
			if b.name == newest.name {
				// A full backup is due now. Whether it can be restored from a repository that is damaged is then seen.
				k.set(func(f *facts) { f.good = time.Time{} })
			}
			return err
		}
		k.set(func(f *facts) { f.verified = time.Now() })
		say.say("the repository is whole")
		return err
	})
}

// proveAgain verifies a backup by what was kept of what it has to be.
func (k *keeper) proveAgain(ctx context.Context, b backup) error {
	folder := k.cfg.below("tmp", "proof")
	if err := k.repo.load(ctx, b.good, folder); err != nil {
		return err
	}
	text, err := os.ReadFile(filepath.Join(folder, proofName))
	if err != nil {
		return err
	}
	var p proof
	if err := json.Unmarshal(text, &p); err != nil {
		return fmt.Errorf("read what the backup has to be: %w", err)
	}
	at, err := parsePosition(p.At)
	if err != nil {
		return err
	}
	return k.prove(ctx, b, &summary{at, p.Sums})
}

// unfit is an error of a dump and its logs themselves, which are not of one database: it stays, however often they are
// restored. A full disk and a server that is killed are not.
type unfit struct{ error }

// serverError matches an error as the mariadb client prints it.
var serverError = regexp.MustCompile(`ERROR (\d+) \([0-9A-Z]{5}\)`)

// isRefused reports whether err is a server's rejection of a statement. Errors of its machine (files, disk, memory) and
// lost connections are not.
func isRefused(err error) bool {
	found := serverError.FindStringSubmatch(fmt.Sprint(err))
	if found == nil {
		return false
	}
	switch code, _ := strconv.Atoi(found[1]); {
	case code < 1000, code >= 2000 && code < 3000: // the operating system's, and the client's
		return false
	default:
		return !slices.Contains([]int{1021, 1023, 1024, 1026, 1030, 1037, 1038, 1041, 1053, 1114, 1135, 1317}, code)
	}
}

// prove restores a backup and the logs up to a position from the repository, and returns an error unless that is what
// the source was there.
func (k *keeper) prove(ctx context.Context, b backup, was *summary) error {
	restored, _, err := k.build(ctx, b, stopAt{at: was.At})
	if err != nil {
		return fmt.Errorf("%s cannot be restored: %w", b.name, err)
	}
	defer restored.close()
	is, err := restored.sums(ctx)
	if err != nil {
		return err
	}
	if names := differences(was.Sums, is); len(names) > 0 {
		return unfit{fmt.Errorf("%s is not what it was taken from: %s", b.name, strings.Join(names, ", "))}
	}
	return nil
}

// build makes a scratch server of a backup and the logs that follow it, and returns how far those went.
func (k *keeper) build(ctx context.Context, b backup, stop stopAt) (*scratch, position, error) {
	inv, err := k.repo.inventory(ctx)
	if err != nil {
		return nil, nil, err
	}
	logs, err := k.loadLogs(ctx, inv, b, stop)
	if err != nil {
		return nil, nil, err
	}
	dump := k.cfg.below("tmp", "load")
	defer os.RemoveAll(dump)
	if err := k.repo.load(ctx, b.dump, dump); err != nil {
		return nil, nil, err
	}
	found, err := dumpPosition(filepath.Join(dump, dumpName))
	if err == nil && (!found.covers(b.at) || !b.at.covers(found)) {
		err = fmt.Errorf("the dump of %s is at %s, and should be at %s", b.name, found, b.at)
	}
	if err != nil {
		return nil, nil, err
	}
	s, err := startScratch(ctx, k.cfg)
	if err != nil {
		return nil, nil, err
	}
	if err = s.load(ctx, filepath.Join(dump, dumpName)); err == nil {
		if err = s.replay(ctx, logs.files); isRefused(err) {
			err = unfit{err}
		}
	}
	if err != nil {
		s.close()
		return nil, nil, err
	}
	s.back = logs.back
	return s, logs.at, nil
}

// loadLogs fetches the logs that follow a backup, and cuts them at the stop.
func (k *keeper) loadLogs(ctx context.Context, inv inventory, b backup, stop stopAt) (c cutting, err error) {
	chunks, least := inv.after(b)
	if b.kind == kindBefore {
		chunks, least = nil, nil
	}
	stop.least = least
	to := k.cfg.below("tmp", "cut")
	if err := os.MkdirAll(to, 0o700); err != nil {
		return c, err
	}
	var folders []string
	for _, chunk := range chunks {
		folder := k.cfg.below("tmp", "logs", chunk.snapshot)
		if err := k.repo.load(ctx, chunk.snapshot, folder); err != nil {
			return c, err
		}
		folders = append(folders, folder)
	}
	if c, err = cut(k.cfg.Name, folders, to, b.at, stop); err != nil {
		return c, err
	}
	return c, os.RemoveAll(k.cfg.below("tmp", "logs"))
}
