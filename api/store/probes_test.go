package store_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/api/shop"
	"github.com/woodytoys/woodytoys/api/store"
)

// testProbes writes a probe many times at once, the first time too, and checks that each write is one version, and that
// customers see nothing of it.
func testProbes(t *testing.T, cfg store.Config, s *store.Store) {
	before := mustLast(t, s)
	testWritesOfAProbe(t, s)
	wantProbe(t, s, "b", 0)
	if after := mustLast(t, s); after.Count != before.Count || *after.Product != *before.Product {
		t.Errorf("last is %v after writes of probes, want %v", after, before)
	}
	testForgottenProbes(t, cfg, s)
}

// TestProbesAtReadCommitted checks writes of a probe on a server by whose settings two transactions may find that there
// is no such probe, and both insert it.
func TestProbesAtReadCommitted(t *testing.T) {
	for range 5 {
		testWritesOfAProbe(t, mustOpen(t, store.Config{DSN: mustDatabase(t) + "?tx_isolation=%27READ-COMMITTED%27"}))
	}
}

func testWritesOfAProbe(t *testing.T, s *store.Store) {
	wantProbe(t, s, "a", 0)
	const writers, writes = 8, 5
	var group sync.WaitGroup
	made := make(chan int64, writers*writes)
	for range writers {
		group.Go(func() {
			for range writes {
				p, err := s.WriteProbe(t.Context(), "a")
				if err != nil {
					t.Error(err)
				}
				made <- p.Version
			}
		})
	}
	group.Wait()
	close(made)
	var versions []int64
	for version := range made {
		versions = append(versions, version)
	}
	slices.Sort(versions)
	for i, version := range versions {
		if version != int64(i)+1 {
			t.Fatalf("the writes made versions %v, want 1 to %d, each once", versions, writers*writes)
		}
	}
	wantProbe(t, s, "a", writers*writes)
}

// testForgottenProbes checks that Upkeep removes a probe that has not been written for long, and nothing else.
func testForgottenProbes(t *testing.T, cfg store.Config, s *store.Store) {
	if _, err := s.WriteProbe(t.Context(), "old"); err != nil {
		t.Fatal(err)
	}
	age(t, cfg, s, "old")
	if err := s.Upkeep(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantProbe(t, s, "old", 0)
	if p, err := s.Probe(t.Context(), "a"); err != nil || p.Version == 0 {
		t.Errorf("a probe that is written is %v after upkeep (%v)", p, err)
	}
}

// age lets a probe seem to have been written a little longer ago than probes are kept.
func age(t *testing.T, cfg store.Config, s *store.Store, name string) {
	t.Helper()
	const update = "UPDATE probe SET written_us = written_us - %d WHERE name = '%s'"
	statement := fmt.Sprintf(update, (shop.ProbesTTL + time.Second).Microseconds(), name)
	if cfg.DSN != "" {
		mustExec(t, cfg, statement)
		return
	}
	if _, err := s.DBs()["writer"].ExecContext(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
}

func wantProbe(t *testing.T, s *store.Store, name string, version int64) {
	t.Helper()
	if p, err := s.Probe(t.Context(), name); p != (shop.Probe{Name: name, Version: version}) || err != nil {
		t.Errorf("probe %s is %v (%v), want version %d", name, p, err, version)
	}
}

// TestProbesAreBounded fills the table: another one is refused, and those that are there go on.
func TestProbesAreBounded(t *testing.T) {
	onBoth(t, func(t *testing.T, cfg store.Config) {
		s := mustOpen(t, cfg)
		for i := range shop.ProbesMax {
			statement := fmt.Sprintf("INSERT INTO probe VALUES ('p%d', 1, %d)", i, int64(1)<<62)
			if _, err := s.DBs()[writer(cfg)].ExecContext(t.Context(), statement); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := s.WriteProbe(t.Context(), "more"); shop.KindOf(err) != shop.Busy {
			t.Errorf("one probe too many: %v, want Busy", err)
		}
		wantProbe(t, s, "more", 0)
		if p, err := s.WriteProbe(t.Context(), "p7"); err != nil || p.Version != 2 {
			t.Errorf("a write of one that is there: %v, %v; want version 2", p, err)
		}
	})
}

func writer(cfg store.Config) string {
	if cfg.DSN == "" {
		return "writer"
	}
	return "background"
}

// tagged is a journal that records its calls.
type tagged struct {
	mu                sync.Mutex
	recorded, settled []string
	refuse            error
}

func (j *tagged) Record(_ context.Context, _ *sql.Tx, tags []string) (int64, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.recorded = append(j.recorded, tags...)
	return 1, nil
}

func (j *tagged) Settle(_ context.Context, _ int64, tags []string) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.settled = append(j.settled, tags...)
	return j.refuse
}

// TestProbesAreJournalled checks that writes to a probe, and its removal, are in the journal, as a product's are.
func TestProbesAreJournalled(t *testing.T) {
	onBoth(t, func(t *testing.T, cfg store.Config) {
		journal := &tagged{}
		cfg.Journal = journal
		s := mustOpen(t, cfg)
		for range 2 {
			if _, err := s.WriteProbe(t.Context(), "a"); err != nil {
				t.Fatal(err)
			}
		}
		age(t, cfg, s, "a")
		if err := s.Upkeep(t.Context()); err != nil {
			t.Fatal(err)
		}
		want := []string{"probe:a", "probe:a", "probe:a"}
		if !slices.Equal(journal.recorded, want) || !slices.Equal(journal.settled, want) {
			t.Errorf("recorded %v, settled %v; want %v", journal.recorded, journal.settled, want)
		}
		journal.refuse = errors.New("nobody could be told")
		if _, err := s.WriteProbe(t.Context(), "a"); shop.KindOf(err) != shop.Uncertain {
			t.Errorf("a write that nobody could be told of: %v, want Uncertain", err)
		}
	})
}
