package outbox_test

import (
	"slices"
	"testing"

	"github.com/woodytoys/woodytoys/cache/outbox"
	"github.com/woodytoys/woodytoys/internal/servers"
)

// TestTags checks that a record has its tags byte for byte, in a database whose character set lacks their letters; and
// that of tags which JSON cannot carry everything is taken for invalidated.
func TestTags(t *testing.T) {
	onEach(t, func(t *testing.T, on *kind) {
		db := on.mustConnect(t, on.mustMakeLatin(t))
		box := on.mustMake(t, outbox.Config{DB: db})
		if err := box.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		want := []string{"jouet:été", "玩具:7", "toy:🧸", "zero\x00byte", `"quoted" <&> \`}
		id := inTx(t, db, true, box.Record, want...)
		_, left, err := box.Read(t.Context(), 0)
		if err != nil || len(left) != 1 || left[0].ID != id || !slices.Equal(left[0].Tags, want) {
			t.Errorf("records %v, %v; want the tags %q", left, err, want)
		}
		record, err := box.HandOver(t.Context(), want)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := box.Progress(t.Context(), record); err != nil {
			t.Errorf("what was handed over: %v", err)
		}

		if _, err := box.HandOver(t.Context(), []string{"no UTF-8: \xff"}); err == nil {
			t.Error("tags are handed over that JSON cannot carry")
		}
		before, err := box.Look(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		inTx(t, db, true, box.Record, "toy:7", "no UTF-8: \xff")
		if _, _, err := box.Read(t.Context(), 0); err != nil {
			t.Fatal(err)
		}
		if after, err := box.Look(t.Context()); err != nil || after.Epoch != before.Epoch+1 {
			t.Errorf("epoch %d after %d, %v; want it bumped for tags that are lost", after.Epoch, before.Epoch, err)
		}
	})
}

// mustMakeLatin makes a database whose character set is Latin-1.
func (on *kind) mustMakeLatin(t *testing.T) (dsn string) {
	t.Helper()
	switch server := on.shared.(type) {
	case *servers.MariaDB:
		if _, err := on.mustConnect(t, server.DSN("")).Exec("CREATE DATABASE latin CHARACTER SET latin1"); err != nil {
			t.Fatal(err)
		}
		return server.DSN("latin")
	case *servers.Postgres:
		const create = "CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0"
		if err := server.Exec("postgres", create); err != nil {
			t.Fatal(err)
		}
		return server.DSN("latin")
	}
	t.Fatal("an unknown server")
	return ""
}
