package oracle_test

import (
	"maps"
	"testing"

	"github.com/woodytoys/woodytoys/internal/oracle"
)

func TestLedger(t *testing.T) {
	var ledger oracle.Ledger
	ledger.Item(7).Acknowledged(oracle.State{Version: 2})
	ledger.Item(8).Acknowledged(oracle.State{Version: 1})
	if got := ledger.Item(7).Floor().Version; got != 2 {
		t.Errorf("item 7 has version %d, want 2", got)
	}
	if items := maps.Collect(ledger.All()); len(items) != 2 || items[8] != ledger.Item(8) {
		t.Errorf("all are %v", items)
	}
}
