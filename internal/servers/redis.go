package servers

import (
	"context"
	"crypto/tls"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// Redis is a Redis server on a private port of the loopback that persists nothing, as the shipped one.
type Redis struct {
	*Process
	// Addr is where it listens, the same after each Restart.
	Addr string
	// TLS is what its clients need; nil for a server without TLS.
	TLS  *tls.Config
	dir  string
	args []string
}

// StartRedis starts a server with a folder of its own. The arguments are Redis settings that come after
// its own ("--maxmemory", "64mb"), of which the last counts.
func StartRedis(args ...string) (*Redis, error) { return startRedis(nil, args) }

// startRedis is like StartRedis; with certificates, the server accepts only TLS and requires a certificate of each
// client.
func startRedis(certificates *Certificates, args []string) (*Redis, error) {
	dir, err := os.MkdirTemp("", "woody-redis")
	if err != nil {
		return nil, err
	}
	port, err := FreePort("127.0.0.1")
	if err != nil {
		return nil, err
	}
	r := &Redis{dir: dir, Addr: "127.0.0.1:" + port}
	r.args = append([]string{"--bind", "127.0.0.1", "--port", port, "--dir", r.dir, "--save", "", "--appendonly", "no",
		"--repl-diskless-sync-delay", "0"}, args...)
	if certificates != nil {
		r.TLS = certificates.Client()
		r.args = append(r.args, certificates.redisArgs(port)...)
	}
	if err := r.Restart(); err != nil {
		os.RemoveAll(dir)
		return nil, err
	}
	return r, nil
}

// Restart starts the server, after Kill or Stop ended it, and waits until it answers. It is empty, or
// begins with the file that Save left.
func (r *Redis) Restart() error {
	program, err := LookPath("redis-server")
	if err != nil {
		return err
	}
	if r.Process, err = Start(exec.Command(program, r.args...), filepath.Join(r.dir, "log")); err != nil {
		return err
	}
	client := r.Client()
	defer client.Close()
	return r.AwaitReady(Patience, func() error {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		err := client.Ping(ctx).Err()
		if err != nil && strings.HasPrefix(err.Error(), "NOAUTH") {
			return nil // it wants a password, so it answers
		}
		return err
	})
}

// Client returns a client of the server, for the caller to close.
func (r *Redis) Client() *redis.Client {
	return redis.NewClient(&redis.Options{Addr: r.Addr, TLSConfig: r.TLS, Protocol: 2, DisableIdentity: true})
}

// do sends a command, and returns its error.
func (r *Redis) do(command ...any) error {
	client := r.Client()
	defer client.Close()
	if err := client.Do(context.Background(), command...).Err(); err != nil {
		return fmt.Errorf("%v: %w", command, err)
	}
	return nil
}

// Save writes what the server holds to its file, which it begins with after the next Restart.
func (r *Redis) Save() error { return r.do("SAVE") }

// Forget removes the file that Save left.
func (r *Redis) Forget() error {
	err := os.Remove(filepath.Join(r.dir, "dump.rdb"))
	if os.IsNotExist(err) {
		return nil
	}
	return err
}

// Close ends the server and removes its folder.
func (r *Redis) Close() {
	r.Kill()
	os.RemoveAll(r.dir)
}
