package cluster

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"strconv"

	"github.com/woodytoys/woodytoys/cache/internal/broken"
)

// Wire is the version of the names, messages and values that replicas share.
const Wire = 2

// names are what an instance's keys and channels are called in Redis. Those of its state, its members and their inboxes
// are the same whatever the epoch; the others are of one epoch.
type names struct {
	space string // what all of them begin with
	// what channels begin with: they are the same in all logical databases of a server, so they say which
	channels string
	epoch    string // State.Name
}

func newNames(namespace, instance string, db int, state State) names {
	space := namespace + ":" + strconv.Itoa(Wire) + ":"
	if instance != "" {
		space += instance + ":"
	}
	return names{space: space, channels: space + "db" + strconv.Itoa(db) + ":", epoch: state.Name()}
}

// names returns those of this replica's instance, by default its ledger.
func (c *Config) names(state State) names {
	if broken.Name {
		return newNames(c.Ledger.Namespace(), "", c.Redis.DB, state)
	}
	return newNames(c.Ledger.Namespace(), cmp.Or(c.Instance, state.Ledger), c.Redis.DB, state)
}

func (n names) state() string              { return n.space + "state" }
func (n names) members() string            { return n.space + "members" }
func (n names) inbox(member string) string { return n.channels + "in:" + member }
func (n names) bus() string                { return n.channels + n.epoch + ":bus" }

// stateAndMembers returns the keys of most scripts.
func (n names) stateAndMembers() []string { return []string{n.state(), n.members()} }

// longKey is the length from which on a key's hash stands for it in Redis.
const longKey = 256

// of returns the Redis key of what belongs to a key of the cache: its value "v", the fill's lease "l" and those who
// wait for it, "w". Values are of one release, whose answers may differ from another's.
func (n names) of(kind, release, key string) string {
	if len(key) > longKey {
		key = fmt.Sprintf("%x", sha256.Sum256([]byte(key)))
	}
	return n.space + n.epoch + ":" + kind + ":" + release + ":" + key
}
