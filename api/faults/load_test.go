package faults

import (
	"database/sql"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/woodytoys/woodytoys/internal/servers"
)

const (
	coldKeys  = 1000
	coldCalls = 100 // at once
)

// burst reads a thousand keys that nobody has read, as fast as it goes, while others write. It asks for one product in
// spellings of which each is kept under a key of its own.
func burst(s *system, draw *rand.Rand) error {
	first := draw.Uint64()
	var id int64
	if err := s.db.QueryRow("SELECT MIN(id) FROM product").Scan(&id); err != nil {
		return err
	}
	client := &http.Client{Timeout: clientTimeout, Transport: &http.Transport{MaxIdleConnsPerHost: coldCalls}}
	defer client.CloseIdleConnections()
	errs := make([]error, coldCalls)
	var calls sync.WaitGroup
	for i := range coldCalls {
		calls.Go(func() {
			for key := i; key < coldKeys; key += coldCalls {
				r := s.replicas[key%len(s.replicas)]
				url := fmt.Sprintf("%s/api/products/%d?cold=%d", r.url(), id, first+uint64(key))
				errs[i] = errors.Join(errs[i], get(client, url))
			}
		})
	}
	calls.Wait()
	return errors.Join(errs...)
}

func get(client *http.Client, url string) error {
	response, err := client.Get(url)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		return err
	}
	if response.StatusCode >= http.StatusInternalServerError {
		return fmt.Errorf("%s: %s", url, response.Status)
	}
	return nil
}

// full leaves Redis no room, and has it drop nothing, for a while.
func full(s *system, draw *rand.Rand) error {
	client := s.redis.Client()
	defer client.Close()
	ctx := s.t.Context()
	info, err := client.Info(ctx, "memory").Result()
	if err != nil {
		return err
	}
	_, rest, _ := strings.Cut(info, "used_memory:")
	used, _, _ := strings.Cut(rest, "\r\n")
	if _, err := strconv.ParseUint(used, 10, 64); err != nil {
		return fmt.Errorf("the memory that Redis uses: %w", err)
	}
	before, err := client.ConfigGet(ctx, "maxmemory*").Result()
	if err != nil {
		return err
	}
	err = errors.Join(client.ConfigSet(ctx, "maxmemory-policy", "noeviction").Err(),
		client.ConfigSet(ctx, "maxmemory", used).Err())
	time.Sleep(between(draw, time.Second, 3*time.Second))
	for _, name := range []string{"maxmemory", "maxmemory-policy"} {
		err = errors.Join(err, client.ConfigSet(ctx, name, before[name]).Err())
	}
	return err
}

// forgetful cuts all replicas off from Redis, so that their writes bump the epoch, and has the database come back with
// all rows and without the bumps: from a copy that had not heard of the last transactions.
func forgetful(s *system, draw *rand.Rand) error {
	before, err := s.epoch()
	if err != nil {
		return err
	}
	s.only.Store(s.any(draw))
	defer s.only.Store(nil)
	for _, r := range s.replicas {
		r.wire.Cut()
		defer r.wire.Mend()
	}
	// Nobody takes what is handed over, and then: a lease
	time.Sleep(between(draw, 2500*time.Millisecond, 4*time.Second))
	s.stopped((*servers.MariaDB).Kill)
	if err := errors.Join(s.pair.Primary.Restart(), s.pair.Promote(), s.openDB()); err != nil {
		return err
	}
	if err := s.restore(before); err != nil || draw.IntN(2) == 0 {
		return errors.Join(err, s.listen())
	}
	// Redis is there again before the database, and who writes is paused, so that no write bumps the epoch meanwhile.
	for _, r := range s.replicas {
		r.wire.Mend()
	}
	writer := s.writer(draw).running()
	writer.Signal(syscall.SIGSTOP)
	err = s.listen()
	time.Sleep(between(draw, 300*time.Millisecond, time.Second))
	return errors.Join(err, writer.Signal(syscall.SIGCONT))
}

// epoch is what a bump changes in the database.
type epoch struct {
	number            uint64
	token, bumps, run string
}

func (s *system) epoch() (e epoch, err error) {
	row := s.db.QueryRow("SELECT epoch, token, bumps, run FROM woody_cache WHERE id = 1")
	return e, row.Scan(&e.number, &e.token, &e.bumps, &e.run)
}

// restore makes the database lose all bumps after an epoch.
func (s *system) restore(e epoch) error {
	const bump = "UPDATE woody_cache SET epoch = ?, token = ?, bumps = ?, run = ? WHERE id = 1"
	return changedOne(s.db.Exec(bump, e.number, e.token, e.bumps, e.run))
}

// changedOne returns an error for a statement that did not change one row.
func changedOne(done sql.Result, err error) error {
	if err != nil {
		return err
	}
	if n, err := done.RowsAffected(); err != nil || n != 1 {
		return fmt.Errorf("%d rows changed, %w", n, errors.Join(err, errors.New("want 1")))
	}
	return nil
}
