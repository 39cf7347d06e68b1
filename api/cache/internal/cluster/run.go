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
	client *redis.Client
	id     atomic.Pointer[string] // nil before the first connection
	gone   atomic.Bool            // a connection found another run
}

func newRun(o *redis.Options) *run {
	r := &run{}
	o.OnConnect = r.check
	r.client = redis.NewClient(o)
	return r
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
