package cluster

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"

	"github.com/redis/go-redis/v9"

	"github.com/woodytoys/woodytoys/cache/internal/broken"
)

var (
	// errOtherRun is a Redis server that was started again since the connections before were made, or was a copy of
	// another one meanwhile: what it holds may be anything, old data included.
	errOtherRun = errors.New("this is another run of the Redis server")
	// errCopy is a Redis server that copies another one, and may be behind it.
	errCopy = errors.New("this Redis server is a copy of another one: " +
		"connect to the primary, or set the sentinels and its MasterName")
)

// run is the connections to one run of a Redis server: what it has written since it was started, or took the place of
// another one. Each new connection is asked for it before its first command.
type run struct {
	// control keeps the protocol going: sessions, renewals, announcements, the bus. It waits behind no fill.
	control *redis.Client
	values  *redis.Client // lookups and fills, by the pipelines
	gets    *gets
	evals   *pipeline[*eval]

	sentinels *sentinels            // they resolve the primary; nil for a server at a fixed address
	id        atomic.Pointer[runID] // nil before the first connection
	gone      atomic.Bool           // a connection found another run

	looked bool // maxmemory was checked
}

// controlPool is how many connections control has, beside the bus.
const controlPool = 4

func newRun(o *redis.UniversalOptions) *run {
	r := &run{}
	if o.MasterName != "" {
		r.sentinels = newSentinels(o)
	}
	values, control := *o, *o
	control.PoolSize, control.MinIdleConns = controlPool, 0
	r.values, r.control = r.connect(&values), r.connect(&control)
	r.gets, r.evals = newGets(r.values, o.ReadTimeout), newEvals(r.values, o.ReadTimeout)
	return r
}

func (r *run) connect(o *redis.UniversalOptions) *redis.Client {
	o.OnConnect = then(r.check, o.OnConnect)
	one := o.Simple()
	if r.sentinels != nil {
		one.Addr, one.Dialer = o.MasterName, r.sentinels.dial
	}
	return redis.NewClient(one)
}

type onConnect = func(context.Context, *redis.Conn) error

// then returns what does first to a connection and, where that is fine and there is one, second.
func then(first, second onConnect) onConnect {
	if second == nil {
		return first
	}
	return func(ctx context.Context, conn *redis.Conn) error {
		if err := first(ctx, conn); err != nil {
			return err
		}
		return second(ctx, conn)
	}
}

// warm dials control's connections, but for the one that is left to whoever needs it meanwhile: a write is not to
// wait for a connection that is new, and so is asked for the run first.
func (r *run) warm(ctx context.Context) {
	for range controlPool - 1 {
		conn := r.control.Conn()
		defer conn.Close()
		if conn.Ping(ctx).Err() != nil {
			return // whoever needs the connection gets the error
		}
	}
}

func (r *run) close() {
	r.control.Close()
	r.values.Close()
	if r.sentinels != nil {
		r.sentinels.close()
	}
}

func (r *run) check(ctx context.Context, conn *redis.Conn) error {
	info, err := conn.Info(ctx, "server", "replication").Result()
	if err != nil {
		return err
	}
	id, err := parseRun(info)
	if err != nil {
		return err
	}
	if r.id.CompareAndSwap(nil, &id) || *r.id.Load() == id || broken.Epoch {
		return nil
	}
	r.gone.Store(true)
	return errOtherRun
}

// history returns what scripts compare with the server's own; empty before the first connection.
func (r *run) history() string {
	if id := r.id.Load(); id != nil {
		return id.history
	}
	return ""
}

// runID identifies a run.
type runID struct {
	name    string // in short
	history string // the server's master_replid, which changes when it has been a copy meanwhile
}

// parseRun returns a run from INFO: its run_id changes when the server is started again, its
// master_replid when it has been a copy meanwhile. A copy has no run.
func parseRun(info string) (id runID, err error) {
	if role := field(info, "role"); role != "master" {
		return id, fmt.Errorf("%w (its role is %q)", errCopy, role)
	}
	start, history := field(info, "run_id"), field(info, "master_replid")
	if start == "" || history == "" {
		return id, errors.New("this Redis server does not say its run_id and its master_replid: " +
			"replicas could not tell when it was started again, or has been a copy")
	}
	if broken.Past {
		history = ""
	}
	return runID{fmt.Sprintf("%x", sha256.Sum256([]byte(start+" "+history)))[:32], history}, nil
}

// field returns a field of INFO; empty where it is not there.
func field(info, name string) string {
	for line := range strings.Lines(info) {
		if value, found := strings.CutPrefix(line, name+":"); found {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
