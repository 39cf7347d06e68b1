package cluster

import (
	"context"
	"time"

	"github.com/redis/go-redis/v9"
)

// eval is a run of a script.
type eval struct {
	script *redis.Script
	keys   []string
	args   []any
	bytes  int // size of its value
	reply  *redis.Cmd
}

func (*eval) what() string { return "" } // no two runs can share a reply
func (e *eval) size() int  { return e.bytes }

// newEvals returns a pipeline that runs scripts. Each run has an error of its own.
func newEvals(client *redis.Client, timeout time.Duration) *pipeline[*eval] {
	return newPipeline(timeout, func(evals []*eval) error {
		ctx := context.Background()
		pipe := client.Pipeline()
		for _, e := range evals {
			e.reply = e.script.EvalSha(ctx, pipe, e.keys, e.args...)
		}
		_, _ = pipe.Exec(ctx)
		for _, e := range evals {
			if redis.HasErrorPrefix(e.reply.Err(), "NOSCRIPT") {
				e.reply = e.script.Eval(ctx, pipe, e.keys, e.args...)
			}
		}
		if pipe.Len() > 0 {
			_, _ = pipe.Exec(ctx)
		}
		return nil
	})
}

// eval runs a fill's script, together with those of others. Bytes is the length of the value that it sends. See call.
func (s *session) eval(script *redis.Script, bytes int, keys []string, args ...any) (string, reply, error) {
	e, err := s.redis.evals.do(&eval{script: script, keys: keys, args: args, bytes: bytes})
	if err != nil {
		return "", nil, err
	}
	return read(e.reply)
}
