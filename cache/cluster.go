package cache

import (
	"crypto/sha256"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"github.com/woodytoys/woodytoys/cache/internal/cluster"
)

// Cluster is how the caches of several replicas are kept right. All replicas that use one database use
// one Redis server and the same Lease. PROTOCOL.md says what they tell each other, and why that is
// enough.
type Cluster struct {
	// Redis is where the server is, and who we are to it: one address; or those of sentinels, with MasterName. New
	// refuses what would be Redis Cluster, or would read from copies. Timeouts, retries and the protocol's version in
	// it are not used: see Timeout. Its OnConnect is called with each new connection whose server is the one in use.
	// Required.
	Redis *redis.UniversalOptions
	// Ledger is the part of the protocol that is in the database: see package outbox. Required.
	Ledger Ledger
	// Replica names this replica in logs and in Redis. Default: "replica".
	Replica string
	// Release tells releases of the program apart whose answers may differ: each has values of its own,
	// while an invalidation is for all. Default: a hash of the running program's file, so that no build decodes what
	// another one has encoded. New fails where that cannot be read.
	Release string

	// Namespace parts programs on one Redis: all names there have it in them. Programs with databases of their own need
	// none, for by default it is the name of the ledger, which was drawn when that was made. It is for operators who
	// give each program a user at Redis (its keys and channels are woody:*:NAMESPACE:*), and for a database that began
	// as a copy of another which uses the same Redis. The same on all replicas. A replica that finds another database's
	// there does not cache, and says so. At most 64 printable ASCII characters; none of : * ? [ ] \.
	Namespace string

	// Lease is how long a replica may answer from a cache without a contact with Redis, and from the
	// database. It bounds how long a write waits for a replica that is gone, and, while Redis is away,
	// how long every write takes. Default: 1s.
	Lease time.Duration
	// FillLease is how long the others wait for a replica that died while it filled a key. Default: 1s.
	FillLease time.Duration
	// AckTimeout is how long a write waits for a replica to say that it has heard of it, before it takes
	// it for gone. Default: 250ms.
	AckTimeout time.Duration
	// Timeout bounds each command to Redis, and how long lookups and fills wait for their turn to be sent. After a
	// renewal of the lease that ran into it, Redis is not asked until one comes through. Default: 250ms.
	Timeout time.Duration
	// Logger is told when the replica loses its session, or the epoch moves. Default: slog.Default().
	Logger *slog.Logger
}

// What the ledger is about.
type (
	// Ledger is what replicas keep in the database: the epoch and the outbox.
	Ledger = cluster.Ledger
	// State is the epoch, and the wire format in use.
	State = cluster.State
	// Record is a write's note of the tags that it invalidates.
	Record = cluster.Record
	// Progress is how far a record that was handed over has come.
	Progress = cluster.Progress
)

// What becomes of a record that was handed over.
const (
	Waiting    = cluster.Waiting
	Taken      = cluster.Taken
	CarriedOut = cluster.CarriedOut
)

// ErrUnreachable is what a Ledger's error is when the database cannot be reached at all.
var ErrUnreachable = cluster.ErrUnreachable

const (
	defaultLease      = time.Second
	defaultFillLease  = time.Second
	defaultAckTimeout = 250 * time.Millisecond
	defaultTimeout    = 250 * time.Millisecond
)

func (cl *Cluster) start(c *Cache, registerer prometheus.Registerer) (*cluster.Node, error) {
	orElse := func(d, otherwise time.Duration) time.Duration {
		if d == 0 {
			return otherwise
		}
		return d
	}
	name := strings.Map(func(r rune) rune {
		if r <= ' ' || r > '~' {
			return '-'
		}
		return r
	}, cl.Replica)
	if name == "" {
		name = "replica"
	}
	release := cl.Release
	if release == "" {
		var err error
		if release, err = hashOfProgram(); err != nil {
			return nil, fmt.Errorf("cache: tell this release from others (or set Cluster.Release): %w", err)
		}
	}
	return cluster.Start(cluster.Config{
		Redis: cl.Redis, Ledger: cl.Ledger, Replica: name, Release: release, Namespace: cl.Namespace,
		Lease: orElse(cl.Lease, defaultLease), FillLease: orElse(cl.FillLease, defaultFillLease),
		AckTimeout: orElse(cl.AckTimeout, defaultAckTimeout), Timeout: orElse(cl.Timeout, defaultTimeout),
		Fences: c.fences, Now: c.clock.now, Registerer: registerer, Logger: cl.Logger,
	})
}

// hashOfProgram returns what tells this build of the program from others.
func hashOfProgram() (string, error) {
	path, err := os.Executable()
	if err != nil {
		return "", err
	}
	file, err := os.Open(path)
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
