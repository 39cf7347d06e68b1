package cluster

import (
	"context"
	"errors"
	"runtime"
	"sync"

	"github.com/redis/go-redis/v9"
)

// gets reads values from Redis, those that are asked for at the same time in one command: a round trip
// costs several times what a value in it does. A caller who finds nobody under way goes at once; one who
// finds as many under way as there are processors waits for the next to go, and goes with all who wait.
type gets struct {
	client *redis.Client

	mu      sync.Mutex
	flying  int
	waiting []*get
}

// get is one caller's value.
type get struct {
	key   string
	value string
	found bool
	err   error
	ready chan []*get // receives nothing when the value has come, or those whom this caller is to go for
}

var mostFlying = runtime.GOMAXPROCS(0)

// get returns the value of a name in Redis, and false without one. The client's timeouts bound it.
func (g *gets) get(name string) (value string, found bool, err error) {
	mine := &get{key: name}
	g.mu.Lock()
	if g.flying < mostFlying {
		g.flying++
		g.mu.Unlock()
		g.one(mine)
		return mine.value, mine.found, mine.err
	}
	mine.ready = make(chan []*get, 1)
	g.waiting = append(g.waiting, mine)
	g.mu.Unlock()
	if batch := <-mine.ready; len(batch) > 0 {
		g.all(batch)
	}
	return mine.value, mine.found, mine.err
}

func (g *gets) one(mine *get) {
	defer g.pass()
	value, err := g.client.Get(context.Background(), mine.key).Result()
	mine.value, mine.found = value, err == nil
	if !errors.Is(err, redis.Nil) {
		mine.err = err
	}
}

// all gets a batch, of which the first is the caller's own.
func (g *gets) all(batch []*get) {
	if len(batch) == 1 {
		g.one(batch[0])
		return
	}
	defer g.pass()
	names := make([]string, len(batch))
	for i, get := range batch {
		names[i] = get.key
	}
	values, err := g.client.MGet(context.Background(), names...).Result()
	for i, get := range batch {
		if get.err = err; err == nil {
			get.value, get.found = values[i].(string)
		}
		if i > 0 {
			get.ready <- nil
		}
	}
}

// pass ends a caller's turn: with those who wait, the first of them goes for all.
func (g *gets) pass() {
	g.mu.Lock()
	batch := g.waiting
	g.waiting = nil
	if len(batch) == 0 {
		g.flying--
	}
	g.mu.Unlock()
	if len(batch) > 0 {
		batch[0].ready <- batch
	}
}
