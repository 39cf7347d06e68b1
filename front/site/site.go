package site

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"

	"github.com/gofiber/fiber/v2"
)

// Toy is one product as the shelf shows it.
type Toy struct {
	ID      int64
	Name    string
	Version int64
	// Counted reports whether Left is how many may still be ordered.
	Counted bool
	Left    int64
	// Price is what it costs, such as "19.99 EUR"; empty where nothing is said.
	Price string
}

// Config is what a Site is made from. Its zero value is a page without toys that loads its assets from its own host.
type Config struct {
	// Toys returns the toys for the shelf, newest first; the page shows no more than 100. It is asked once per page and
	// must give up when ctx ends, 2 s later. An error shows the page with a notice in place of the toys.
	// Default: nil, an empty shelf.
	Toys func(ctx context.Context) ([]Toy, error)

	// CDNURL is put before the path of every asset: "https://cdn.example.org", "//cdn.example.org/shop". "{host}" in
	// its host part stands for the host, and the port, that the page was asked of. Default: "", the page's own host.
	CDNURL string

	// Accounts adds signing in and out to the page, and what the role of who signed in may do, for a shop with
	// accounts. Default: false, anybody may do everything.
	Accounts bool

	// LimitRate is how many bytes of body per second each connection gets. Negative is refused by New.
	// Default: 0, no limit.
	LimitRate int64

	// ReplicaID names this process in X-Served-By and Server-Timing. Default: "", which leaves both out.
	ReplicaID string

	// Logger gets why the shelf could not be read and, at debug level, clients that left. Default:
	// slog.Default().
	Logger *slog.Logger
}

// Site serves the page and its assets. It is safe for use by many goroutines.
type Site struct {
	config   Config
	cdn      cdn
	assets   *catalogue
	pages    pageMemo
	troubled atomic.Bool // the shelf could not be read the last time
}

// New checks the configuration and starts preparing the assets in the background, which takes under a second; a request
// that needs one sooner waits for it. The error names the field and what is wrong with it.
func New(config Config) (*Site, error) {
	base, err := parseCDN(config.CDNURL)
	if err != nil {
		return nil, fmt.Errorf("site: CDNURL: %w", err)
	}
	if config.LimitRate < 0 {
		return nil, fmt.Errorf("site: LimitRate is %d: use 0 for no limit, or more", config.LimitRate)
	}
	if config.Toys == nil {
		config.Toys = func(context.Context) ([]Toy, error) { return nil, nil }
	}
	if config.Logger == nil {
		config.Logger = slog.Default()
	}
	config.ReplicaID = headerSafe(config.ReplicaID)
	assets := sharedCatalogue()
	return &Site{config: config, cdn: base, assets: assets}, nil
}

// Ready reports whether every asset is made. Before that the site serves too, but a request may wait for its asset.
func (s *Site) Ready() bool { return s.assets.ready.Load() }

// Register mounts the page and its assets: /, /assets/..., /5mo.jpg, /favicon.ico and /robots.txt.
func (s *Site) Register(app fiber.Router) {
	app.Get("/", s.handlePage)
	app.Get("/assets/toy-picture", s.handleToyPicture)
	app.Get("/assets/*", s.handleAsset)
	app.Get("/5mo.jpg", s.handleFixed("hero.jpg", "public, max-age=300"))
	app.Get("/favicon.ico", s.handleFixed("favicon.ico", "public, max-age=86400"))
	app.Get("/robots.txt", s.handleFixed("robots.txt", "public, max-age=86400"))
}

// headerSafe keeps what may stand inside a quoted header value.
func headerSafe(s string) string {
	safe := make([]byte, 0, len(s))
	for _, c := range []byte(s) {
		if c > ' ' && c < 0x7f && c != '"' && c != '\\' {
			safe = append(safe, c)
		}
	}
	return string(safe)
}
