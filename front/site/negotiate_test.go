package site

import (
	"testing"

	"github.com/woodytoys/woodytoys/internal/rfc9110"
)

func TestPreferredEncoding(t *testing.T) {
	for _, row := range rfc9110.Codings {
		var lines [][]byte
		for _, line := range row.Lines {
			lines = append(lines, []byte(line))
		}
		if got := preferredEncoding(lines); got != row.Best {
			t.Errorf("%v gets %q, want %q", row, got, row.Best)
		}
	}
}
