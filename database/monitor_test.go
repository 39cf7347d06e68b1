package main

import (
	"testing"
	"time"
)

// TestLag takes a node's queue for long once it was so for some time.
func TestLag(t *testing.T) {
	m := &monitor{}
	at := time.Now()
	for i, step := range []struct {
		after         time.Duration
		queue, paused int64
		want          bool
	}{
		{0, 0, 5, false},
		{0, 1000, 5, false}, // a burst
		{lagThreshold, 1000, 5, false},
		{1, 1000, 5, true},
		{0, 0, 6, true}, // its queue is short, since the others wait for it
		{0, 0, 6, false},
	} {
		at = at.Add(step.after)
		m.note(status{queue: step.queue, paused: step.paused}, at)
		if got := m.latest().lagging; got != step.want {
			t.Errorf("step %d: lagging is %v, want %v", i, got, step.want)
		}
	}
}

func TestParseStatus(t *testing.T) {
	got := parseStatus(map[string]string{
		"wsrep_ready": "ON", "wsrep_cluster_status": "Primary", "wsrep_connected": "ON", "wsrep_local_state": "4",
		"wsrep_cluster_state_uuid": "u", "wsrep_last_committed": "7", "wsrep_cluster_size": "3",
		"wsrep_cluster_conf_id": "5", "wsrep_local_recv_queue": "1", "wsrep_flow_control_sent": "2",
	})
	want := status{uuid: "u", seqno: 7, primary: true, synced: true, size: 3, view: 5, queue: 1, paused: 2}
	if got != want {
		t.Errorf("a member is %+v, want %+v", got, want)
	}
	got = parseStatus(map[string]string{
		"wsrep_ready": "OFF", "wsrep_cluster_status": "non-Primary", "wsrep_connected": "ON", "wsrep_local_state": "4",
		"wsrep_cluster_conf_id": "18446744073709551615",
	})
	if got.primary || got.synced || got.disconnected || got.view != 0 {
		t.Errorf("one without a majority is %+v", got)
	}
	if !parseStatus(map[string]string{"wsrep_connected": "OFF"}).disconnected {
		t.Error("one that left is not disconnected")
	}
}
