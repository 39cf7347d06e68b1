package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

// folder is a server's data folder.
type folder string

// The files by which a folder's history is known.
const (
	// installing is there from when this program makes the folder's first content until a cluster has begun with it.
	installing = ".woody-installing"
	// adopted is there from when data of a server outside of a cluster is found until a cluster has begun with it.
	adopted = ".woody-adopted"
	// transferring is there while a transfer of all data is under way.
	transferring = "sst_in_progress"
)

// ownFiles are files that a server of this program has under other names. Where one of them is, a server without a
// cluster has run since: the first is what it leaves when it ends in order, the others while it runs.
var ownFiles = map[string]string{
	"ib_buffer_pool":   "innodb-buffer-pool-filename=ib_buffer_pool.node",
	"ddl_recovery.log": "log-ddl-recovery=node_ddl_recovery.log", // it ends in .log whatever one says
	"tc.log":           "log-tc=tc.node",
}

// inspect returns what data a folder has and how far it goes of a cluster's, as the folder says. Of data that a server
// alone wrote last, that is where it set out from; the zero position if it never was a cluster's.
func (f folder) inspect() (data, position, error) {
	if f.has(installing) || !f.has("mysql") && !f.has("ibdata1") {
		return none, position{}, nil
	}
	at, err := readGrastate(string(f))
	switch {
	case errors.Is(err, os.ErrNotExist):
		return alone, position{}, nil
	case err != nil:
		return "", position{}, err
	case f.has(adopted), f.ranAlone() && at.uuid == noCluster:
		return alone, position{}, nil
	case f.ranAlone():
		return alone, at, nil
	case at.uuid == noCluster || f.has(transferring):
		return unknown, position{}, nil
	}
	return cluster, at, nil
}

// adopt makes data of a server outside of a cluster such that a cluster can begin with it. Until clearMarkers it counts
// as data of that kind, whatever Galera writes there meanwhile.
func (f folder) adopt() error {
	if err := replaceFile(f.path(adopted), "A cluster is to begin with the data of this folder.\n"); err != nil {
		return err
	}
	return f.remove("grastate.dat", "gvwstate.dat", "galera.cache")
}

// clearMarkers removes the files that mark an adoption or installation in progress, and those of a server of this
// program's that ran alone. It is called when the node has joined a running cluster.
func (f folder) clearMarkers() error {
	names := []string{adopted, installing}
	for name := range ownFiles {
		names = append(names, name)
	}
	return f.remove(names...)
}

// ranAlone reports whether a server without a cluster ran here after this program's.
func (f folder) ranAlone() bool {
	for name := range ownFiles {
		if f.has(name) {
			return true
		}
	}
	return false
}

// empty makes a folder without data one that this program may fill. It is an error if anything else is in there.
func (f folder) empty() error {
	entries, err := os.ReadDir(string(f))
	if err != nil {
		return err
	}
	entries = slices.DeleteFunc(entries, func(e os.DirEntry) bool {
		return e.Name() == installing || e.Name() == "lost+found"
	})
	// A transfer of all data that broke off leaves Galera's files, and may have removed ours.
	ours := f.has(installing) || f.has("grastate.dat") || f.has(".sst")
	if len(entries) > 0 && !ours {
		return fmt.Errorf("%s has files of others (%s): give the database a folder of its own", f, entries[0].Name())
	}
	if err := replaceFile(f.path(installing), "What is in this folder is not finished.\n"); err != nil {
		return err
	}
	for _, entry := range entries {
		err = errors.Join(err, os.RemoveAll(f.path(entry.Name())))
	}
	return err
}

func (f folder) has(name string) bool {
	_, err := os.Lstat(f.path(name))
	return err == nil
}

func (f folder) remove(names ...string) (err error) {
	for _, name := range names {
		if failed := os.Remove(f.path(name)); failed != nil && !errors.Is(failed, os.ErrNotExist) {
			err = errors.Join(err, fmt.Errorf("remove what is not needed any more: %w", failed))
		}
	}
	return err
}

func (f folder) path(name string) string { return filepath.Join(string(f), name) }
