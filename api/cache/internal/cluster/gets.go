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

func (g *get) same(other *get) bool { return g.name == other.name }
func (g *get) size() int            { return 0 } // of the values nobody knows

// newGets makes a pipeline that reads values.
func newGets(client *redis.Client, patience time.Duration) *pipeline[*get] {
	return &pipeline[*get]{patience: patience, send: func(gets []*get) error {
		if len(gets) == 1 {
			return getOne(client, gets[0])
		}
		return getAll(client, gets)
	}}
}

func getOne(client *redis.Client, g *get) (err error) {
	g.raw, err = client.Get(context.Background(), g.name).Bytes()
	if errors.Is(err, redis.Nil) {
		return nil
	}
	return err
}

// getAll reads several values with one command.
func getAll(client *redis.Client, gets []*get) error {
	names := make([]string, len(gets))
	for i, get := range gets {
		names[i] = get.name
	}
	values, err := client.MGet(context.Background(), names...).Result()
	if err != nil {
		return err
	}
	for i, get := range gets {
		if text, found := values[i].(string); found {
			get.raw = unsafe.Slice(unsafe.StringData(text), len(text)) // whose bytes the client made for it alone
		}
	}
	return nil
}
