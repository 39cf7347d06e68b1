package cluster

import (
	"errors"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/cache/internal/fence"
	"github.com/woodytoys/woodytoys/internal/servers/servertest"
)

// TestMarksAreRead checks that all marks of a state are read, when they are more than one command reads, with its other
// fields among them.
func TestMarksAreRead(t *testing.T) {
	server := servertest.MustStartRedis(t)
	client := server.Client()
	t.Cleanup(func() { client.Close() })
	s := mustSession(t)
	s.redis.values = client
	if m, err := s.readMarks(); err != nil || m.inc != (Token{}) || len(m.list) > 0 {
		t.Errorf("without a state: %+v, %v, want nothing", m, err)
	}
	const count = 1 << 16
	fields := []any{"epoch", 1, "run", "12", "inc", s.inc.String(), "seq", count, "lease", 1000}
	for slot := range count {
		fields = append(fields, strconv.Itoa(slot), slot+1)
	}
	if err := client.HSet(t.Context(), s.names.state(), fields...).Err(); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	m, err := s.readMarks()
	t.Logf("%d marks read in %v", count, time.Since(began))
	if err != nil || m.inc != s.inc || m.seq != count {
		t.Fatalf("read incarnation %v at %d, %v; want %v at %d", m.inc, m.seq, err, s.inc, count)
	}
	slices.SortFunc(m.list, func(a, b fence.Mark) int { return int(a.Slot) - int(b.Slot) })
	m.list = slices.Compact(m.list) // one may be read twice
	if len(m.list) != count {
		t.Fatalf("read %d marks, want %d", len(m.list), count)
	}
	for slot, got := range m.list {
		if want := (fence.Mark{Slot: uint16(slot), At: uint64(slot) + 1}); got != want {
			t.Fatalf("read %+v, want %+v", got, want)
		}
	}
}

// TestMarksAreOfTheIncarnation checks that marks count only for the incarnation that they are of.
func TestMarksAreOfTheIncarnation(t *testing.T) {
	one, other := newToken(), newToken()
	read := marks{one, 7, []fence.Mark{{Slot: 1, At: 7}}}
	for _, row := range []struct {
		what  string
		inc   Token
		seq   uint64
		fresh bool
		err   error
		from  uint64
		marks int
	}{
		{"the same", one, 7, false, nil, 7, 1},
		{"the same, some announcements later", one, 9, false, nil, 7, 1},
		{"the same, with an earlier number", one, 6, false, errWentBack, 0, 0},
		{"one that this replica has begun", other, 0, true, nil, 0, 0},
		{"one that another replica has begun meanwhile", other, 3, false, errOtherMarks, 0, 0},
	} {
		got, err := read.of(row.inc, row.seq, row.fresh)
		if !errors.Is(err, row.err) {
			t.Errorf("%s: %v, want %v", row.what, err, row.err)
		}
		if err == nil && (got.inc != row.inc || got.seq != row.from || len(got.list) != row.marks) {
			t.Errorf("%s: %+v", row.what, got)
		}
	}
}
