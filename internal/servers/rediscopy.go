package servers

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
)

// StartRedisCopy starts a server that copies another one, with settings as for StartRedis, and waits until it has what
// that one has.
func StartRedisCopy(primary *Redis, args ...string) (*Redis, error) {
	r, err := StartRedis(args...)
	if err != nil {
		return nil, err
	}
	if err := r.Follow(primary); err != nil {
		r.Close()
		return nil, err
	}
	return r, nil
}

// Follow makes the server a copy of another one, whose data replace its own, and waits until it has what that one has
// by now. Its connections stay: what they read is old meanwhile, and their writes are refused.
func (r *Redis) Follow(primary *Redis) error {
	host, port, err := net.SplitHostPort(primary.Addr)
	if err != nil {
		return err
	}
	if err := r.do("REPLICAOF", host, port); err != nil {
		return err
	}
	least, err := primary.offset()
	if err != nil {
		return err
	}
	return r.AwaitReady(Patience, func() error {
		state, err := r.replication()
		if err != nil {
			return err
		}
		if state["role"] != "slave" || state["master_link_status"] != "up" {
			return errors.New("it has no link to the primary")
		}
		if at, err := strconv.ParseInt(state["slave_repl_offset"], 10, 64); err != nil || at < least {
			return fmt.Errorf("it is at %d of %d; %w", at, least, err)
		}
		return nil
	})
}

// Lead makes the server a primary, with the data that it has. If it was a copy, it hears no more of its primary.
func (r *Redis) Lead() error { return r.do("REPLICAOF", "NO", "ONE") }

// offset returns how much it has written for its copies.
func (r *Redis) offset() (int64, error) {
	state, err := r.replication()
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(state["master_repl_offset"], 10, 64)
}

// replication returns INFO's section on replication.
func (r *Redis) replication() (map[string]string, error) {
	client := r.Client()
	defer client.Close()
	text, err := client.Info(context.Background(), "replication").Result()
	state := map[string]string{}
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		state[name] = value
	}
	return state, err
}
