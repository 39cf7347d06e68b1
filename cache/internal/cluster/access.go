package cluster

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/redis/go-redis/v9"
)

// commands are all that a user at Redis must be allowed to run, for replicas and their scripts. access.lua has them
// too.
var commands = []string{
	"eval", "evalsha", "info", "ping", "publish", "subscribe",
	"del", "expire", "get", "getrange", "hdel", "hget", "hgetall", "hincrby", "hmget", "hscan", "hset", "mget",
	"pexpire", "pttl",
	"sadd", "set", "smembers",
}

// rule returns what the user at Redis must be allowed, for an operator to run there.
func (c *Config) rule() string {
	names := c.Ledger.Namespace() + ":*"
	if c.Instance != "" {
		names += ":" + c.Instance + ":*"
	}
	words := []string{"ACL SETUSER", c.user(), "~" + names, "&" + names}
	for _, command := range commands {
		words = append(words, "+"+command)
	}
	if c.Redis.DB != 0 {
		words = append(words, "+select")
	}
	if c.Redis.ClientName != "" {
		words = append(words, "+client|setname")
	}
	return strings.Join(words, " ")
}

func (c *Config) user() string { return cmp.Or(c.Redis.Username, "default") }

// checkAccess returns an error that names what the user at Redis may not do, of all that replicas do there.
func (m *membership) checkAccess(r *run, names names) error {
	ctx, cancel := m.bounded(m.ctx)
	defer cancel()
	// With its text and, now that it is known, by its hash: a user may be allowed one of the two alone.
	type runner func(context.Context, redis.Scripter, []string, ...any) *redis.Cmd
	for _, run := range []runner{accessScript.Eval, accessScript.EvalSha} {
		refused, err := run(ctx, r.control, []string{names.state()}, names.bus()).StringSlice()
		switch {
		case err != nil && strings.Contains(err.Error(), "compiling script"):
			return fmt.Errorf("what is there is no Redis of 7.0 or newer: %w", err)
		case err != nil:
			return fmt.Errorf("connect: %w", err)
		case len(refused) > 1:
			return fmt.Errorf("the user %s at Redis lacks %s: run %s", m.user(), lacking(refused[1:]), m.rule())
		}
	}
	return nil
}

// lacking returns what a user lacks who may not run some commands, in the words of ACL SETUSER. One who may run none
// that works on channels lacks those, most likely.
func lacking(refused []string) string {
	words := "+" + strings.Join(refused, " +")
	if slices.Contains(refused, "publish") && slices.Contains(refused, "subscribe") {
		words += ", or the channels"
	}
	return words
}

// explainAccess adds to an error what is to be done, if Redis refused the user something.
func (m *membership) explainAccess(err error) error {
	if !redis.IsPermissionError(err) {
		return err
	}
	return fmt.Errorf("the user %s at Redis lacks a right: %w: run %s", m.user(), err, m.rule())
}
