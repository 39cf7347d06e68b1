package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"
)

// repository is a restic repository, whose only user is this process.
type repository struct {
	place, key string // restic's -r, and its password
	cache      string // a folder for restic's cache; empty for none
}

// snapshot is a snapshot in a repository, with what its tags say.
type snapshot struct {
	ID   string    `json:"id"`
	Time time.Time `json:"time"`
	Tags []string  `json:"tags"`
}

// tag returns what follows "NAME:" in the tags; empty where there is none.
func (s snapshot) tag(name string) string {
	for _, tag := range s.Tags {
		if value, ok := strings.CutPrefix(tag, name+":"); ok {
			return value
		}
	}
	return ""
}

// command returns restic with arguments.
func (r repository) command(args ...string) *exec.Cmd {
	args = append([]string{"-r", r.place, "--quiet"}, args...)
	if r.cache == "" {
		args = append(args, "--no-cache")
	} else {
		args = append(args, "--cache-dir", r.cache)
	}
	cmd := exec.Command("restic", args...)
	cmd.Env = append(os.Environ(), "RESTIC_PASSWORD="+r.key, "RESTIC_PROGRESS_FPS=0")
	return cmd
}

func (r repository) run(ctx context.Context, args ...string) error {
	return runChild(ctx, r.command(args...))
}

// uncached returns the same repository, read past the cache.
func (r repository) uncached() repository { r.cache = ""; return r }

// open makes the repository where there is none. Locks are removed: whoever set them has died, since
// the repository is ours alone.
func (r repository) open(ctx context.Context) error {
	err := r.run(ctx, "cat", "config")
	if err != nil && strings.Contains(err.Error(), "Is there a repository at the following location") {
		err = r.run(ctx, "init")
	}
	if err != nil {
		return err
	}
	return r.run(ctx, "unlock", "--remove-all")
}

// save keeps the content of a folder, and returns the snapshot's id.
func (r repository) save(ctx context.Context, folder string, tags ...string) (id string, err error) {
	cmd := r.command("backup", "--json", "--host", "woody", "--tag", strings.Join(tags, ","), ".")
	cmd.Dir = folder
	return savedID(ctx, cmd)
}

// saveStream keeps what is read as one file of that name, as the latest snapshot.
func (r repository) saveStream(ctx context.Context, in io.Reader, name string, tags ...string) (string, error) {
	later, err := r.later(ctx)
	if err != nil {
		return "", err
	}
	cmd := r.command(append([]string{"backup", "--json", "--host", "woody", "--tag", strings.Join(tags, ","), "--stdin",
		"--stdin-filename", name}, later...)...)
	cmd.Stdin = in
	return savedID(ctx, cmd)
}

// later returns the option that makes a snapshot the latest where the clock has gone back since the last one: restic
// orders them by time. It is empty where it has not.
func (r repository) later(ctx context.Context) ([]string, error) {
	list, err := r.snapshots(ctx)
	if err != nil || len(list) == 0 || list[len(list)-1].Time.Before(time.Now()) {
		return nil, err
	}
	return []string{"--time", list[len(list)-1].Time.Add(time.Second).Local().Format(time.DateTime)}, nil
}

func savedID(ctx context.Context, cmd *exec.Cmd) (string, error) {
	out, err := output(ctx, cmd)
	if err != nil {
		return "", err
	}
	for line := range bytes.Lines(out) {
		var message struct {
			Type string `json:"message_type"`
			ID   string `json:"snapshot_id"`
		}
		if json.Unmarshal(line, &message) == nil && message.Type == "summary" && message.ID != "" {
			return message.ID, nil
		}
	}
	return "", errors.New("restic did not say under which id it has kept what it was given")
}

// snapshots returns all of them, oldest first.
func (r repository) snapshots(ctx context.Context) (list []snapshot, err error) {
	out, err := output(ctx, r.command("snapshots", "--json"))
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(out, &list); err != nil {
		return nil, fmt.Errorf("read restic's list of snapshots: %w", err)
	}
	slices.SortStableFunc(list, func(a, b snapshot) int { return a.Time.Compare(b.Time) })
	return list, nil
}

// load writes the content of a snapshot to a folder, each piece checked against its checksum.
func (r repository) load(ctx context.Context, id, folder string) error {
	return r.run(ctx, "restore", id, "--target", folder)
}

// forget removes snapshots.
func (r repository) forget(ctx context.Context, ids ...string) error {
	if len(ids) == 0 {
		return nil
	}
	return r.run(ctx, append([]string{"forget"}, ids...)...)
}

// prune gives the room back that nothing in the repository needs any more.
func (r repository) prune(ctx context.Context) error { return r.run(ctx, "prune") }

// check reads everything in the repository, and checks it against its checksums.
func (r repository) check(ctx context.Context) error {
	return r.run(ctx, "check", "--read-data", "--no-lock")
}
