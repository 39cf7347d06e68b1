package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/woodytoys/woodytoys/benchmarks/instruments/load"
	"github.com/woodytoys/woodytoys/internal/oracle"
)

// products is how many products are written and read.
const products = 20

// observer writes products through one replica after another, and sees when each replica has the news.
type observer struct {
	db       *sql.DB
	addrs    []string
	ids      []int64
	items    [products]oracle.Item
	findings oracle.Findings
	tally    oracle.Tally
}

// figures are what came of it.
type figures struct {
	reads        int64
	found        oracle.Sum
	took         time.Duration
	fresh, acked load.Latencies
}

// line returns a line about latencies, which need not be sorted.
func line(what string, l load.Latencies) string {
	slices.Sort(l)
	var sum time.Duration
	for _, took := range l {
		sum += took
	}
	round := func(d time.Duration) time.Duration { return d.Round(10 * time.Microsecond) }
	return fmt.Sprintf("  %-34s mean %8v  p50 %8v  p99 %8v  max %8v  of %d\n", what,
		round(sum/time.Duration(max(len(l), 1))), round(l.At(.5)), round(l.At(.99)), round(l.At(1)), len(l))
}

func (f figures) String() string {
	return line("commit to fresh on every replica", f.fresh) + line("write to acknowledgement", f.acked) +
		fmt.Sprintf("  reads under the oracle             %d in %v (%.0f/s), %d stale\n",
			f.reads, f.took.Round(time.Second), float64(f.reads)/f.took.Seconds(), f.found.Stale)
}

func newObserver(db *sql.DB, addrs []string) (*observer, error) {
	o := &observer{db: db, addrs: addrs}
	conn, err := load.Dial(addrs[0])
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	for i := range products {
		status, body, err := conn.Do(request("POST", "/api/products", `{"name":"Toy"}`))
		if err != nil || status != 201 {
			return nil, fmt.Errorf("add a product: %d %s, %w", status, body, err)
		}
		var made oracle.Product
		if err := json.Unmarshal(body, &made); err != nil {
			return nil, fmt.Errorf("add a product: %w", err)
		}
		o.ids = append(o.ids, made.ID)
		o.items[i].Acknowledged(oracle.State{Version: 1})
	}
	return o, nil
}

func request(method, path, body string) []byte {
	return fmt.Appendf(nil, "%s %s HTTP/1.1\r\nHost: shop\r\nAccept: application/json\r\n"+
		"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
		method, path, len(body), body)
}

// observe makes so many reads at a rate, and writes beside them.
func (o *observer) observe(reads, rate int, writes float64) (figures, error) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	began := time.Now()
	var group sync.WaitGroup
	errs := make([]error, len(o.addrs)+1)
	for i, addr := range o.addrs {
		group.Go(func() {
			errs[i] = o.read(addr, reads/len(o.addrs), float64(rate)/float64(len(o.addrs)))
		})
	}
	f := figures{}
	writing := make(chan error)
	go func() { writing <- o.write(ctx, writes, &f) }()
	group.Wait()
	cancel()
	errs[len(o.addrs)] = <-writing
	f.took = time.Since(began)
	f.reads, f.found = o.tally.Reads.Load(), o.findings.Sum()
	return f, errors.Join(errs...)
}

// read asks one replica, at a rate, and checks each response against what was acknowledged before.
func (o *observer) read(addr string, count int, rate float64) error {
	conn, err := load.Dial(addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	requests := make([][]byte, products)
	for i, id := range o.ids {
		requests[i] = request("GET", fmt.Sprintf("/api/products/%d", id), "")
	}
	began := time.Now()
	for n := range count {
		time.Sleep(time.Until(began.Add(time.Duration(float64(n) / rate * float64(time.Second)))))
		i := n * 7 % products
		floor := o.items[i].Floor()
		status, body, err := conn.Do(requests[i])
		if err != nil || status != 200 {
			return fmt.Errorf("%s answers %d, %w", addr, status, err)
		}
		o.tally.Reads.Add(1)
		answer := oracle.State{Version: oracle.VersionOf(body)}
		if verdict := o.items[i].Judge(floor, answer); verdict != oracle.Good {
			o.findings.Add(verdict, "%s answers %v of product %d; %v was acknowledged before", addr, answer,
				o.ids[i], floor)
		}
	}
	return nil
}

// write renames products at a rate until ctx ends, each through another replica.
func (o *observer) write(ctx context.Context, rate float64, f *figures) error {
	for n := 0; ctx.Err() == nil; n++ {
		next := time.Now().Add(time.Duration(float64(time.Second) / rate))
		fresh, acked, err := o.writeOnce(n)
		if err != nil {
			return err
		}
		f.fresh, f.acked = append(f.fresh, fresh), append(f.acked, acked)
		time.Sleep(time.Until(next))
	}
	return nil
}

// writeOnce renames a product and returns how long after the commit the last replica answered the new
// version, and how long the write took until it was acknowledged. The commit is seen in the database
// itself, which is asked without a pause; so are the replicas.
func (o *observer) writeOnce(n int) (fresh, acked time.Duration, err error) {
	i := n % products
	want, _ := o.items[i].Next() // the error is ignored: a write that fails ends the run
	began := time.Now()
	seen := make([]time.Time, len(o.addrs)+1)
	errs := make([]error, len(o.addrs)+2)
	var group sync.WaitGroup
	for r, addr := range o.addrs {
		group.Go(func() { seen[r], errs[r] = o.awaitVersion(addr, o.ids[i], want) })
	}
	last := len(o.addrs)
	group.Go(func() { seen[last], errs[last] = o.awaitCommit(o.ids[i], want) })
	group.Go(func() {
		conn, err := load.Dial(o.addrs[n%len(o.addrs)])
		if err != nil {
			errs[last+1] = err
			return
		}
		defer conn.Close()
		status, body, err := conn.Do(
			request("PUT", fmt.Sprintf("/api/products/%d", o.ids[i]), fmt.Sprintf(`{"name":"Toy %d"}`, n)))
		acked = time.Since(began)
		if err != nil || status != 200 || oracle.VersionOf(body) != want {
			errs[last+1] = fmt.Errorf("write: %d %s, %w", status, body, err)
			return
		}
		o.items[i].Acknowledged(oracle.State{Version: want})
	})
	group.Wait()
	committed := seen[last]
	for _, at := range seen[:last] {
		fresh = max(fresh, at.Sub(committed))
	}
	return fresh, acked, errors.Join(errs...)
}

// patience is how long a write may take to show.
const patience = 10 * time.Second

var errLate = errors.New("the write does not show")

func (o *observer) awaitVersion(addr string, id, want int64) (time.Time, error) {
	conn, err := load.Dial(addr)
	if err != nil {
		return time.Time{}, err
	}
	defer conn.Close()
	ask := request("GET", fmt.Sprintf("/api/products/%d", id), "")
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(50 * time.Microsecond) {
		_, body, err := conn.Do(ask)
		if err != nil {
			return time.Time{}, err
		}
		if oracle.VersionOf(body) >= want {
			return time.Now(), nil
		}
	}
	return time.Time{}, errLate
}

func (o *observer) awaitCommit(id, want int64) (time.Time, error) {
	conn, err := o.db.Conn(context.Background())
	if err != nil {
		return time.Time{}, err
	}
	defer conn.Close()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(50 * time.Microsecond) {
		asked := time.Now() // the commit came before the response, and maybe before this
		var version int64
		if err := conn.QueryRowContext(context.Background(), "SELECT version FROM product WHERE id = ?",
			id).Scan(&version); err != nil {
			return time.Time{}, err
		}
		if version >= want {
			return asked, nil
		}
	}
	return time.Time{}, errLate
}
