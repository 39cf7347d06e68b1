package cluster

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/woodytoys/woodytoys/cache/internal/cluster"
	"github.com/woodytoys/woodytoys/cache/internal/layer"
	"github.com/woodytoys/woodytoys/cache/ledger"
)

// Config is how the caches of several replicas are kept right: see cache.Config.Cluster. All replicas that use one
// database use one Redis server and the same Lease.
type Config struct {
	// Redis is where the server is, and who we are to it: one address; or those of sentinels, with MasterName.
	// cache.New refuses what would be Redis Cluster, or would read from copies. Timeouts, retries and the protocol's
	// version in it are not used: see Timeout. Its OnConnect is called with each new connection whose server is the one
	// in use. Required.
	Redis *redis.UniversalOptions
	// Ledger is the part of the protocol that is in the database: see package outbox. Required.
	Ledger ledger.Ledger
	// Replica names this replica in logs and in Redis. Default: "replica".
	Replica string
	// Release distinguishes releases of the program whose values may differ: each has values of its own,
	// while an invalidation is for all. Default: a hash of the running program's file, so that no build decodes what
	// another one has encoded. cache.New fails where that cannot be read.
	Release string

	// Instance parts programs on one Redis: all names there have it in them. Programs with databases of their own need
	// none, for by default it is the name of the ledger, which was drawn when that was made. It is for operators who
	// give each program a user at Redis (its keys and channels are NAMESPACE:*:INSTANCE:*), and for a database that
	// began as a copy of another which uses the same Redis. The same on all replicas. A replica that finds another
	// database's there does not cache, and logs it. At most 64 printable ASCII characters; none of : * ? [ ] \.
	Instance string

	// Lease is how long a replica may serve from a cache after its last contact with Redis, and after its last contact
	// with the database, whichever was earlier. It bounds how long a write waits for a replica that is gone, and, while
	// Redis is away for all, how long every write takes: about one and a half. Default: 1s; at least 100ms.
	Lease time.Duration
	// FillLease is how long the others wait for a replica that died while it filled a key. Default: 1s; at least 100ms.
	FillLease time.Duration
	// AckTimeout is how long a write waits for a replica to say that it has heard of it, before it takes
	// it for gone. Default: 250ms; at least 1ms.
	AckTimeout time.Duration
	// Timeout bounds each command to Redis, and how long lookups and fills wait for their turn to be sent. After a
	// renewal of the lease that ran into it, Redis is not asked until one comes through. Default: 250ms; at least 1ms.
	Timeout time.Duration
	// Logger gets it when the replica loses its session, or the epoch moves. Default: slog.Default().
	Logger *slog.Logger
}

const (
	defaultLease      = time.Second
	defaultFillLease  = time.Second
	defaultAckTimeout = 250 * time.Millisecond
	defaultTimeout    = 250 * time.Millisecond
)

// Join begins a replica's part in the cluster. It is called by cache.New, and waits for nothing.
func (c *Config) Join(host layer.Host) (layer.Node, error) {
	if c == nil {
		return nil, errors.New(
			"cluster: the Config is a nil pointer; for a cache of one process leave cache.Config.Cluster unset")
	}
	orElse := func(d, otherwise time.Duration) time.Duration {
		if d == 0 {
			return otherwise
		}
		return d
	}
	release := c.Release
	if release == "" {
		var err error
		if release, err = hashOfProgram(); err != nil {
			return nil, fmt.Errorf("cluster: tell this release from others (or set Config.Release): %w", err)
		}
	}
	node, err := cluster.Start(cluster.Config{
		Redis: c.Redis, Ledger: c.Ledger, Replica: printable(c.Replica), Release: release, Instance: c.Instance,
		Lease: orElse(c.Lease, defaultLease), FillLease: orElse(c.FillLease, defaultFillLease),
		AckTimeout: orElse(c.AckTimeout, defaultAckTimeout), Timeout: orElse(c.Timeout, defaultTimeout),
		Host: host, Logger: c.Logger,
	})
	if err != nil {
		return nil, err
	}
	return node, nil
}

// printable returns a replica's name as it may stand in Redis.
func printable(name string) string {
	name = strings.Map(func(r rune) rune {
		if r <= ' ' || r > '~' {
			return '-'
		}
		return r
	}, name)
	if name == "" {
		return "replica"
	}
	return name
}

// hashOfProgram returns a hash of this build of the program. On Linux that is the file which runs, also when another
// one has taken its place meanwhile.
func hashOfProgram() (string, error) {
	file, err := os.Open("/proc/self/exe")
	if err != nil {
		var path string
		if path, err = os.Executable(); err == nil {
			file, err = os.Open(path)
		}
	}
	if err != nil {
		return "", err
	}
	defer file.Close()
	hash := sha256.New()
	if _, err := io.Copy(hash, file); err != nil {
		return "", err
	}
	return fmt.Sprintf("%x", hash.Sum(nil)[:6]), nil
}
