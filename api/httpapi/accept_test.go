package httpapi

import (
	"testing"

	"github.com/woodytoys/woodytoys/internal/rfc9110"
)

func lines(row rfc9110.Type) (lines [][]byte) {
	for _, line := range row.Lines {
		lines = append(lines, []byte(line))
	}
	return lines
}

func TestAccept(t *testing.T) {
	for _, row := range rfc9110.Types {
		for _, own := range []format{text, asJSON} {
			want := map[string]format{"": own, "text": text, "json": asJSON}[row.Want]
			if got := readAccept(lines(row)).wants(own); got != want {
				t.Errorf("%v where %v is the default = %v, want %v", row, own, got, want)
			}
		}
	}
}

func TestAcceptAllocatesNothing(t *testing.T) {
	for _, row := range rfc9110.Types {
		lines := lines(row)
		if n := testing.AllocsPerRun(10, func() { readAccept(lines) }); n != 0 {
			t.Errorf("%v: %v allocations", row, n)
		}
	}
}

// FuzzAccept checks that what cannot be parsed does not change the result of what stands before it.
func FuzzAccept(f *testing.F) {
	for _, row := range rfc9110.Types {
		for _, line := range row.Lines {
			f.Add([]byte(line))
		}
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		readAccept([][]byte{line})
		_, rest, _ := cutRange(line)
		if len(line) > 0 && len(rest) >= len(line) {
			t.Errorf("%q leaves %q", line, rest)
		}
		first := append([]byte("application/json;charset=utf-8;q=1,"), line...)
		if got := readAccept([][]byte{first}).json; got != (preference{trueParameters, 1000}) {
			t.Errorf("%q = %v", first, got)
		}
	})
}
