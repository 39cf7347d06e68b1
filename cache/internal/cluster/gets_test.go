package cluster

import (
	"strings"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/internal/servers/servertest"
)

// TestLargeValuesAreReadApart checks that values are expected to be as large as the last ones were, so that few large
// ones are read by one command, and many small ones.
func TestLargeValuesAreReadApart(t *testing.T) {
	client := servertest.MustStartRedis(t).Client()
	t.Cleanup(func() { client.Close() })
	for name, size := range map[string]int{"large": mostBytes, "small": 100} {
		if err := client.Set(t.Context(), name, strings.Repeat("x", size), 0).Err(); err != nil {
			t.Fatal(err)
		}
	}
	g := newGets(client, time.Minute)
	for _, c := range []struct {
		name     string
		together bool
	}{{"small", true}, {"large", false}, {"nothing", false}, {"small", true}} {
		for range 100 {
			if _, err := g.do(g.of(c.name)); err != nil {
				t.Fatal(err)
			}
		}
		if size := g.of("next").size(); (size <= mostBytes/mostTogether) != c.together {
			t.Errorf("after values that are %s the next is expected to have %d bytes", c.name, size)
		}
	}
}
