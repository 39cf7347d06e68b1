package outbox_test

import (
	"database/sql"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/woodytoys/woodytoys/cache/ledger"
	"github.com/woodytoys/woodytoys/cache/outbox"
	"github.com/woodytoys/woodytoys/internal/servers/servertest"
)

// TestNew checks what is refused, in words that say what to do.
func TestNew(t *testing.T) {
	db := sql.OpenDB(nil)
	for _, row := range []struct {
		cfg  outbox.Config
		want string // in the error
	}{
		{outbox.Config{Namespace: "toys"}, "outbox: Config.DB is missing"},
		{outbox.Config{DB: db}, "outbox: Config.Namespace: the namespace must be a letter"},
		{outbox.Config{DB: db, Namespace: "Toys; DROP"}, "outbox: Config.Namespace: the namespace must be a letter"},
		{outbox.Config{DB: db, Namespace: "toys", Direct: true, Cluster: true}, "outbox: Config.Cluster is for"},
		{
			outbox.Config{DB: db, Namespace: "toys", Dialect: outbox.Postgres, Cluster: true},
			"outbox: Config.Cluster is for",
		},
		{outbox.Config{DB: db, Namespace: "toys", Dialect: 2}, "outbox: Config.Dialect is an unknown dialect"},
	} {
		if box, err := outbox.New(row.cfg); box != nil || err == nil || !strings.HasPrefix(err.Error(), row.want) {
			t.Errorf("%+v: %v, want %q", row.cfg, err, row.want)
		}
	}
	box, err := outbox.New(outbox.Config{DB: db, Namespace: "toys"})
	if err != nil || box.Namespace() != "toys" {
		t.Errorf("%v, %v; want an outbox of toys", box, err)
	}
}

// TestTwoNamespaces checks that two programs in one database see nothing of each other: each has a ledger with a name
// and epochs of its own, and its own records.
func TestTwoNamespaces(t *testing.T) { onEach(t, testTwoNamespaces) }

func testTwoNamespaces(t *testing.T, on *kind) {
	db := on.mustConnect(t, servertest.MustMakeDatabase(t, on.shared))
	var boxes []*outbox.Outbox
	var states []ledger.State
	for _, namespace := range []string{"toys", "games_2"} {
		box := on.mustMake(t, outbox.Config{DB: db, Namespace: namespace})
		if err := box.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		state, err := box.Look(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		boxes, states = append(boxes, box), append(states, state)
	}
	if states[0].Ledger == states[1].Ledger || states[0].SameEpoch(states[1]) {
		t.Errorf("two ledgers are one: %+v, %+v", states[0], states[1])
	}
	id := inTx(t, db, true, boxes[0].Record, "toy:7")
	handedOver, err := boxes[0].HandOver(t.Context(), []string{"toy:8"})
	if err != nil {
		t.Fatal(err)
	}
	bumped, err := boxes[0].Bump(t.Context(), ledger.State{})
	if err != nil {
		t.Fatal(err)
	}
	state, left, err := boxes[1].Read(t.Context(), 0)
	if err != nil || state != states[1] || len(left) != 0 {
		t.Errorf("the other program reads %+v, %v, %v; want %+v and no record", state, left, err, states[1])
	}
	if has, err := boxes[1].HasBump(t.Context(), bumped.Token); has || err != nil {
		t.Errorf("the other program has the bump: %v, %v", has, err)
	}
	if err := boxes[1].Remove(t.Context(), []int64{id, handedOver.ID}, ""); err != nil {
		t.Error(err)
	}
	if err := boxes[1].Withdraw(t.Context(), handedOver); !errors.Is(err, sql.ErrNoRows) {
		t.Errorf("the other program withdraws the record: %v", err)
	}
	_, left, err = boxes[0].Read(t.Context(), 0)
	if err != nil || len(left) != 2 || !slices.ContainsFunc(left, func(r ledger.Record) bool { return r.ID == id }) {
		t.Errorf("records %v, %v; want both", left, err)
	}
	var names []string
	schema := map[outbox.Dialect]string{outbox.MySQL: "DATABASE()", outbox.Postgres: "current_schema()"}[on.dialect]
	rows, err := db.Query("SELECT table_name FROM information_schema.tables WHERE table_schema = " + schema +
		" ORDER BY table_name")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	if want := []string{"games_2_cache", "games_2_outbox", "toys_cache", "toys_outbox"}; !slices.Equal(names, want) {
		t.Errorf("tables %q, want %q", names, want)
	}
}
