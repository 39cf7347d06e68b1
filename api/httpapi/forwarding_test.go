package httpapi_test

import (
	"bytes"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"github.com/woodytoys/woodytoys/api/httpapi"
)

// lockedBuffer is a log that may be read meanwhile.
type lockedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) count(text string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return strings.Count(b.text.String(), text)
}

// TestWarnsOfForwarding signs in several times in each way that a request may come, and wants one warning where the
// session will not last.
func TestWarnsOfForwarding(t *testing.T) {
	const strange, plain = "a proxy is not trusted", "signed in without TLS"
	local := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	for _, row := range []struct {
		name    string
		trusted []netip.Prefix
		field   string
		want    string // empty for none
	}{
		{"no proxy", nil, "X-Nothing: x", ""},
		{"no proxy, where some are trusted", local, "X-Nothing: x", ""},
		{"TLS", local, "X-Forwarded-Proto: https", ""},
		{"no TLS", local, "X-Forwarded-Proto: http", plain},
		{"TLS at an unknown proxy", nil, "X-Forwarded-Proto: https", strange},
		{"no TLS at an unknown proxy", nil, "X-Forwarded-Proto: http", strange},
	} {
		t.Run(row.name, func(t *testing.T) {
			var log lockedBuffer
			s := mustServeAccounts(t, func(cfg *httpapi.Config) {
				cfg.TrustedProxies, cfg.Logger = row.trusted, slog.New(slog.NewTextHandler(&log, nil))
			})
			s.signedIn("ann")
			for range 2 {
				s.post("/api/session", credentials("ann", password), row.field).wantStatus(t, 200)
			}
			for _, text := range []string{strange, plain} {
				want := 0
				if text == row.want {
					want = 1
				}
				if n := log.count(text); n != want {
					t.Errorf("it says %d times %q, want %d", n, text, want)
				}
			}
		})
	}
}
