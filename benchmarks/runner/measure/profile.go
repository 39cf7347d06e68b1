package measure

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

// Profile returns what a replica's processor time went into during d, for `go tool pprof`.
func (s *Shop) Profile(ctx context.Context, d time.Duration) ([]byte, error) {
	if len(s.Admin) == 0 {
		return nil, fmt.Errorf("stage %s: its replicas' admin ports cannot be reached, so there is no profile", s.Name)
	}
	client := http.Client{Timeout: d + 10*time.Second}
	return fetch(ctx, &client, fmt.Sprintf("%s/debug/pprof/profile?seconds=%d", s.Admin[0], max(1, int(d.Seconds()))))
}
