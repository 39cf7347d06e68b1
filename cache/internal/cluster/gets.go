package cluster

import (
	"context"
	"errors"
	"time"
	"unsafe"

	"github.com/redis/go-redis/v9"
)

// get is the reading of a value from Redis.
type get struct {
	name string
	raw  []byte // nil without a value; not to be changed, for others may have asked for the same
}

func (g *get) what() string { return g.name }
func (g *get) size() int    { return 0 } // the sizes of the values are unknown

// newGets returns a pipeline that reads values.
func newGets(client *redis.Client, timeout time.Duration) *pipeline[*get] {
	return newPipeline(timeout, func(gets []*get) error {
		if len(gets) == 1 {
			return getOne(client, gets[0])
		}
		return getAll(client, gets)
	})
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
