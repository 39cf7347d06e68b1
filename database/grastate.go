package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// position is how far a cluster's data goes.
type position struct {
	uuid  string
	seqno int64 // -1 where the server did not end in order, and InnoDB has to be asked
}

// noCluster is the UUID of data that Galera does not vouch for.
const noCluster = "00000000-0000-0000-0000-000000000000"

func (p position) String() string { return fmt.Sprintf("%s:%d", p.uuid, p.seqno) }

// readGrastate returns what Galera's grastate.dat says. The error is os.ErrNotExist where there is none.
func readGrastate(dir string) (position, error) {
	text, err := os.ReadFile(grastate(dir))
	if err != nil {
		return position{}, err
	}
	p := position{noCluster, -1}
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		switch value = strings.TrimSpace(value); name {
		case "uuid":
			p.uuid = value
		case "seqno":
			if p.seqno, err = strconv.ParseInt(value, 10, 64); err != nil {
				return position{}, fmt.Errorf("%s: %w", grastate(dir), err)
			}
		}
	}
	return p, nil
}

// allowBootstrap lets Galera begin a cluster with the data of a folder: it does so by itself only where this node was
// the last one to stop, and here the rule decides.
func allowBootstrap(dir string) error {
	text, err := os.ReadFile(grastate(dir))
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		return err
	}
	allowed := strings.Replace(string(text), "safe_to_bootstrap: 0", "safe_to_bootstrap: 1", 1)
	return replaceFile(grastate(dir), allowed)
}

func grastate(dir string) string { return filepath.Join(dir, "grastate.dat") }

// replaceFile writes a file as a whole.
func replaceFile(file, content string) error {
	if err := os.WriteFile(file+".new", []byte(content), 0o640); err != nil {
		return err
	}
	return os.Rename(file+".new", file)
}
