package cluster

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"

	"github.com/redis/go-redis/v9"

	"github.com/woodytoys/woodytoys/api/cache/internal/broken"
)

// errOtherRun is a Redis server that was started again since the connections before were made: what it
// holds may be anything, an old file included.
var errOtherRun = errors.New("this is another run of the Redis server")

// run is the connections to one run of a Redis server: from its start to its end, by its run_id. Each
// new connection is asked for it before its first command.
type run struct {
	// control keeps the protocol going: sessions, renewals, announcements, the bus. It waits behind no fill.
	control *redis.Client
	values  *redis.Client // lookups and fills

	id   atomic.Pointer[string] // nil before the first connection
	gone atomic.Bool            // a connection found another run

	looked bool // at its room
}

// controlPool is how many connections control has, beside the bus.
const controlPool = 4

func newRun(o *redis.UniversalOptions) *run {
	r := &run{}
	values, control := *o, *o
	control.PoolSize, control.MinIdleConns = controlPool, 0
	r.values, r.control = r.connect(&values), r.connect(&control)
	return r
}

func (r *run) connect(o *redis.UniversalOptions) *redis.Client {
	o.OnConnect = then(r.check, o.OnConnect)
	if o.MasterName != "" {
		return redis.NewFailoverClient(o.Failover())
	}
	return redis.NewClient(o.Simple())
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

func (r *run) close() {
	r.control.Close()
	r.values.Close()
}

func (r *run) check(ctx context.Context, conn *redis.Conn) error {
	info, err := conn.Info(ctx, "server").Result()
	if err != nil {
		return err
	}
	id := runID(info)
	if id == "" {
		return errors.New("this Redis server does not say its run_id: replicas could not tell when it was started again")
	}
	if r.id.CompareAndSwap(nil, &id) || *r.id.Load() == id || broken.Epoch {
		return nil
	}
	r.gone.Store(true)
	return errOtherRun
}

func runID(info string) string {
	_, rest, _ := strings.Cut(info, "run_id:")
	id, _, _ := strings.Cut(rest, "\r\n")
	return id
}
