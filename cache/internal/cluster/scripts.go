package cluster

import (
	"context"
	_ "embed"
	"errors"
	"fmt"

	"github.com/redis/go-redis/v9"
)

// Every step that must happen at once happens in one of these scripts.
var (
	//go:embed lua/access.lua
	accessLua string
	//go:embed lua/open.lua
	openLua string
	//go:embed lua/renew.lua
	renewLua string
	//go:embed lua/invalidate.lua
	invalidateLua string
	//go:embed lua/evict.lua
	evictLua string
	//go:embed lua/acquire.lua
	acquireLua string
	//go:embed lua/finish.lua
	finishLua string
	//go:embed lua/extend.lua
	extendLua string

	accessScript     = redis.NewScript(accessLua)
	openScript       = redis.NewScript(openLua)
	renewScript      = redis.NewScript(renewLua)
	invalidateScript = redis.NewScript(invalidateLua)
	evictScript      = redis.NewScript(evictLua)
	acquireScript    = redis.NewScript(acquireLua)
	finishScript     = redis.NewScript(finishLua)
	extendScript     = redis.NewScript(extendLua)
)

var (
	// errLost is a state that is another incarnation than the session's, or none.
	errLost = errors.New("the state in Redis was begun anew")
	// errEvicted is a membership that a writer, or another replica, has ended.
	errEvicted = errors.New("this replica was evicted")
)

// reply is what a script returns: a status and what belongs to it.
type reply []any

// call runs a script. The status "lost" comes back as errLost.
func call(ctx context.Context, client *redis.Client, script *redis.Script, keys []string, args ...any) (
	word string, rest reply, err error) {
	return read(script.Run(ctx, client, keys, args...))
}

// read returns what call does, of a reply.
func read(cmd *redis.Cmd) (word string, rest reply, err error) {
	parts, err := cmd.Slice()
	if err != nil {
		return "", nil, err
	}
	if len(parts) == 0 {
		return "", nil, errors.New("a script was answered with nothing")
	}
	word, _ = parts[0].(string)
	if word == "lost" {
		return word, nil, errLost
	}
	return word, parts[1:], nil
}

func (r reply) text(i int) string {
	if i >= len(r) {
		return ""
	}
	return fmt.Sprint(r[i])
}

// members returns the hash of members at a place of the reply: the number of each one's last renewal.
func (r reply) members(i int) map[string]string {
	members := map[string]string{}
	if i >= len(r) {
		return members
	}
	pairs, _ := r[i].([]any)
	for j := 0; j+1 < len(pairs); j += 2 {
		members[fmt.Sprint(pairs[j])] = fmt.Sprint(pairs[j+1])
	}
	delete(members, "inc") // not a member, but the incarnation of the list
	return members
}
