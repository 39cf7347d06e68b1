package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/woodytoys/woodytoys/benchmarks/instruments/load"
	"github.com/woodytoys/woodytoys/benchmarks/pairs"
	"github.com/woodytoys/woodytoys/internal/programs"
	"github.com/woodytoys/woodytoys/internal/servers"
)

const (
	readConns  = 16
	saleBuyers = 64
)

// reads measures reads of a product by a replica with Redis, alone and while it is sold, in turn.
func (b bench) reads(mariadb *servers.MariaDB, dir string) error {
	shop, end, err := startShop(mariadb, dir)
	if err != nil {
		return err
	}
	defer end()
	id, err := addProduct(shop.URL)
	if err != nil {
		return err
	}
	target := load.Target{Addr: shop.Addr(), Paths: []string{fmt.Sprint("/api/products/", id)}}
	read := func() (float64, error) {
		result, err := load.Closed(target, readConns, b.each)
		if err == nil && result.Bad > 0 {
			err = fmt.Errorf("%d of %d answers to reads were bad", result.Bad, result.Bad+result.Good)
		}
		return result.PerSecond(), err
	}
	var orders []float64
	during := func() (float64, error) {
		ctx, cancel := context.WithCancel(context.Background())
		var sold atomic.Int64
		var buyers sync.WaitGroup
		failed := make(chan error, saleBuyers)
		began := time.Now()
		for range saleBuyers {
			buyers.Go(func() { failed <- buyAll(ctx, shop.Addr(), id, &sold) })
		}
		rate, err := read()
		cancel()
		buyers.Wait()
		orders = append(orders, float64(sold.Load())/time.Since(began).Seconds())
		for range saleBuyers {
			if buyErr := <-failed; err == nil {
				err = buyErr
			}
		}
		return rate, err
	}
	for _, warmUp := range []func() (float64, error){read, during} {
		if _, err := warmUp(); err != nil {
			return err
		}
	}
	with, without, err := pairs.Interleave(b.pairs, during, read)
	if err != nil {
		return err
	}
	fmt.Fprintf(b.out, "\nreads of the product by %d at once, from a replica with Redis; %d buyers on the same "+
		"cores\n", readConns, saleBuyers)
	fmt.Fprintf(b.out, "  during the sale %8.0f reads/s, beside %.0f orders/s\n  alone           %8.0f reads/s\n",
		pairs.Median(with), pairs.Median(orders), pairs.Median(without))
	fmt.Fprintf(b.out, "  rate of the first over the second: %v\n", pairs.Of(with, without))
	return nil
}

func startShop(mariadb *servers.MariaDB, dir string) (shop *programs.Shop, end func(), err error) {
	program := filepath.Join(dir, "api")
	if err := programs.BuildShop(program); err != nil {
		return nil, nil, err
	}
	redis, err := servers.StartRedis()
	if err != nil {
		return nil, nil, err
	}
	dsn, err := mariadb.NewDatabase()
	if err == nil {
		shop, err = programs.StartShop(exec.Command(program), filepath.Join(dir, "log"), "WOODY_DB_DSN="+dsn,
			"WOODY_REDIS_ADDR="+redis.Addr, "WOODY_SLOW_QUERY_DELAY=0", "WOODY_ORDER_WORKERS=0", "WOODY_LOG_LEVEL=warn")
	}
	if err != nil {
		redis.Close()
		return nil, nil, err
	}
	return shop, func() { shop.Kill(); redis.Close() }, nil
}

func addProduct(url string) (id int64, err error) {
	body := fmt.Sprintf(`{"name":"Robot","stock":%d}`, stock)
	response, err := http.Post(url+"/api/products", "application/json", strings.NewReader(body))
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	var made struct{ ID int64 }
	content, err := io.ReadAll(response.Body)
	if err == nil {
		err = json.Unmarshal(content, &made)
	}
	if response.StatusCode != http.StatusCreated {
		err = fmt.Errorf("add a product: %s", response.Status)
	}
	return made.ID, err
}

// buyAll orders one after the other until ctx ends.
func buyAll(ctx context.Context, addr string, id int64, sold *atomic.Int64) error {
	conn, err := load.Dial(addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	body := fmt.Sprintf(`{"items":[{"product":%d,"quantity":1}]}`, id)
	request := fmt.Appendf(nil, "POST /api/orders HTTP/1.1\r\nHost: shop\r\nContent-Type: application/json\r\n"+
		"Content-Length: %d\r\n\r\n%s", len(body), body)
	for ctx.Err() == nil {
		status, _, err := conn.Do(request)
		if err == nil && status != http.StatusAccepted {
			err = fmt.Errorf("an order was answered %d", status)
		}
		if err != nil {
			return err
		}
		sold.Add(1)
	}
	return nil
}
