package clustertest

import (
	"testing"

	"github.com/woodytoys/woodytoys/internal/servers"
)

// TestALateFinishIsNoOutage finishes a fill in an incarnation that has ended meanwhile. It checks that the replica does
// not take Redis's refusal for an outage: it goes on using Redis, and the next write bumps no epoch.
func TestALateFinishIsNoOutage(t *testing.T) {
	t.Parallel()
	s := mustStart(t, 0)
	s.mustStartReplicas(1, steady)
	r := s.replicas[0]
	done := s.mustHold(r, "a", "h")
	sessions := r.metric("sessions_total")
	s.mustExec("UPDATE toys_cache SET epoch = epoch + 1")
	await(t, "the replica has another session", servers.Patience,
		func() bool { return r.metric("sessions_total") > sessions })
	r.mustRelease("h")
	<-done
	if got := r.metric("breaker_open"); got != 0 {
		t.Error("the breaker is open, though Redis answered")
	}
	r.mustWrite("a")
	if got := r.metric("epochs_raised_total"); got > 1 { // one is for the server that the first epoch did not name
		t.Errorf("%v epochs were bumped, want none for a write that Redis was told of", got)
	}
}
