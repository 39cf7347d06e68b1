package clustertest

import (
	"fmt"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/internal/servers"
)

// TestWriterDiesAtEveryStep kills a writer (-9) at each step from the beginning of its transaction to its response. It
// checks that every other replica soon returns what the database has, long before its values expire, and still does
// later.
func TestWriterDiesAtEveryStep(t *testing.T) {
	for _, step := range append(dieSteps, "announced") {
		t.Run(step, func(t *testing.T) {
			t.Parallel()
			writerDies(t, mustStart(t, 0), step)
		})
	}
}

func writerDies(t *testing.T, s *system, step string) {
	s.mustStartReplicas(3, settings{TTL: time.Hour})
	writer, others := s.replicas[0], s.replicas[1:]
	for _, r := range others {
		r.mustRead("a")
	}
	if step == "announced" {
		// One replica hears nothing, so that the writer is waiting for it when it is killed.
		others[0].wire.HangBus()
		go writer.write("a", "")
		await(t, "the write is announced", servers.Patience,
			func() bool { return writer.metric("invalidations_sent_total") > 0 })
		writer.Kill()
	} else if _, err := writer.write("a", "?die="+step); err == nil {
		t.Fatal("the writer lives")
	}
	died := time.Now()
	var truth int
	if err := s.db.QueryRow("SELECT version FROM row_of WHERE k = 'a'").Scan(&truth); err != nil {
		t.Fatal(err)
	}
	for _, r := range others {
		await(t, "every replica answers what the database has", servers.Patience/4, func() bool {
			return r.mustRead("a").version == truth
		})
	}
	t.Logf("version %d everywhere after %v", truth, time.Since(died).Round(time.Millisecond))
	for _, r := range others {
		r.wantRead("a", truth)
	}
	// A record that the writer had handed over, and that was carried out, lies in the future for a while.
	await(t, "nothing in the outbox is to be carried out", servers.Patience, func() bool {
		var left int
		due := fmt.Sprint("SELECT COUNT(*) FROM toys_outbox WHERE recorded_us <= ", time.Now().UnixMicro())
		if err := s.db.QueryRow(due).Scan(&left); err != nil {
			t.Fatal(err)
		}
		return left == 0
	})
	version := others[0].mustWrite("a")
	others[1].wantRead("a", version)
}
