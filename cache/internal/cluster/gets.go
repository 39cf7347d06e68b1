package cluster

import (
	"context"
	"errors"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/redis/go-redis/v9"
)

// get is the reading of a value from Redis.
type get struct {
	name     string
	expected int    // bytes
	raw      []byte // nil without a value; not to be changed, for others may have asked for the same
}

func (g *get) what() string { return g.name }
func (g *get) size() int    { return g.expected }

// gets is a pipeline that reads values.
type gets struct {
	*pipeline[*get]
	usual atomic.Int64 // the mean size of the last values, more or less: what the next ones are expected to have
}

func newGets(client *redis.Client, timeout time.Duration) *gets {
	g := &gets{}
	g.pipeline = newPipeline(timeout, func(gets []*get) (err error) {
		if len(gets) == 1 {
			err = getOne(client, gets[0])
		} else {
			err = getAll(client, gets)
		}
		g.learn(gets)
		return err
	})
	return g
}

// of returns the reading of a value.
func (g *gets) of(name string) *get { return &get{name: name, expected: int(g.usual.Load())} }

// learn moves the usual size towards those of some values. Of two who do so at once one may be forgotten.
func (g *gets) learn(gets []*get) {
	usual := g.usual.Load()
	for _, get := range gets {
		if get.raw != nil {
			usual += (int64(len(get.raw)) - usual) / 8
		}
	}
	g.usual.Store(usual)
}

func getOne(client *redis.Client, g *get) error {
	ctx := context.Background()
	reply := redis.NewStringCmd(ctx, "get", &g.name)
	err := client.Process(ctx, reply)
	if err == nil {
		g.raw, err = reply.Bytes()
	}
	if errors.Is(err, redis.Nil) {
		return nil
	}
	return err
}

// getAll reads several values with one command.
func getAll(client *redis.Client, gets []*get) error {
	ctx := context.Background()
	args := make([]any, 1, 1+len(gets))
	args[0] = "mget"
	for _, get := range gets {
		args = append(args, &get.name)
	}
	reply := redis.NewSliceCmd(ctx, args...)
	if err := client.Process(ctx, reply); err != nil {
		return err
	}
	values := reply.Val()
	for i, get := range gets {
		if text, found := values[i].(string); found {
			get.raw = unsafe.Slice(unsafe.StringData(text), len(text)) // whose bytes the client made for it alone
		}
	}
	return nil
}
