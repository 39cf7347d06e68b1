package driver

import (
	"context"
	"errors"
	"fmt"
	"net/url"

	"github.com/woodytoys/woodytoys/benchmarks/stage"
	"github.com/woodytoys/woodytoys/internal/browser"
)

// Target is something that is deployed already, at an address such as http://shop.example: the one stage
// `target`. Its components are unknown, its replicas known by X-Served-By
// only.
type Target struct{ running Running }

// NewTarget checks the address.
func NewTarget(address string) (*Target, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return nil, fmt.Errorf("--target is %q: write it as http://HOST or http://HOST:PORT", address)
	}
	if u.Scheme != "http" {
		return nil, errors.New("--target: only http:// is measured; TLS would be measured with it")
	}
	if u.Path != "" && u.Path != "/" {
		return nil, fmt.Errorf("--target is %q: leave the path out", address)
	}
	addr := u.Host
	if u.Port() == "" {
		addr += ":80"
	}
	return &Target{Running{Name: stage.Target.Name, Addr: addr, Host: u.Host, PageURL: "http://" + u.Host + "/"}}, nil
}

// Missing implements Driver.
func (t *Target) Missing(stage.Stage) string { return "" }

// Hosts implements Driver: all of them.
func (t *Target) Hosts() []string { return []string{browser.Anywhere} }

// Slice implements Driver.
func (t *Target) Slice(*Running, string, float64) error { return errNoSlices }

// Unwatched implements Driver.
func (t *Target) Unwatched() string { return errNoWatch.Error() }

// Watch implements Driver.
func (t *Target) Watch(*Running) (*Watch, error) { return nil, errNoWatch }

// Start implements Driver: it is up, with the settings that it has.
func (t *Target) Start(context.Context, stage.Stage, Config) (*Running, error) {
	running := t.running
	return &running, nil
}

// End implements Driver: it stays up.
func (t *Target) End() {}

// Close implements Driver.
func (t *Target) Close() {}

// Versions implements Driver: nothing is known of them.
func (t *Target) Versions() map[string]string { return nil }
