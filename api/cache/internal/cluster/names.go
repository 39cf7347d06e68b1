package cluster

import (
	"crypto/sha256"
	"fmt"
	"strconv"
)

// Wire is the version of the names, messages and values that replicas share.
const Wire = 2

// names are what a namespace's keys and channels are called in Redis. Those of its state, its members and their inboxes
// are the same whatever the epoch; the others are of one epoch.
type names struct {
	space string // what all of them begin with
	epoch string // State.Name
}

func newNames(namespace string, state State) names {
	space := "woody:" + strconv.Itoa(Wire) + ":"
	if namespace != "" {
		space += namespace + ":"
	}
	return names{space: space, epoch: state.Name()}
}

func (n names) state() string              { return n.space + "state" }
func (n names) members() string            { return n.space + "members" }
func (n names) inbox(member string) string { return n.space + "in:" + member }
func (n names) bus() string                { return n.space + n.epoch + ":bus" }

// stateAndMembers are the keys of most scripts.
func (n names) stateAndMembers() []string { return []string{n.state(), n.members()} }

// longKey is the length from which on a key's hash stands for it in Redis.
const longKey = 256

// of is the Redis key of what belongs to a key of the cache: its value "v", the fill's lease "l" and those who wait for
// it, "w". Values are of one release, whose answers may differ from another's.
func (n names) of(kind, release, key string) string {
	if len(key) > longKey {
		key = fmt.Sprintf("%x", sha256.Sum256([]byte(key)))
	}
	return n.space + n.epoch + ":" + kind + ":" + release + ":" + key
}
