package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"time"
)

// responseMax is how much of a response is read, in bytes.
const responseMax = 4 << 10

// timeouts are how long requests may take.
type timeouts struct {
	read  time.Duration // then it is a failure, and never a stale answer
	write time.Duration // longer than one that waits for a replica that is gone, or for Redis
}

// usual are those of an observer. Tests have longer ones where a busy machine is not to be taken for a fault.
var usual = timeouts{read: 2 * time.Second, write: 5 * time.Second}

// way is one way to read: a replica, or the proxy.
type way struct {
	path     string // viaReplica or viaProxy
	url      string
	adminURL string      // where probes are written; empty for the proxy
	within   timeouts    // how long they may take
	steady   atomic.Bool // whether a steady read is under way
	trouble  trouble
}

// response is what was read or written.
type response struct {
	Name    string `json:"name"`
	Version int64  `json:"version"`

	servedBy, cacheStatus, request string
}

// client asks for probes. It follows no redirections.
var client = http.Client{
	Transport: &http.Transport{
		MaxIdleConnsPerHost: 4, IdleConnTimeout: time.Minute, DisableCompression: true,
		MaxResponseHeaderBytes: 64 << 10,
	},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// read reads a probe. The request has a name for the logs.
func (w *way) read(ctx context.Context, probe, request string) (response, error) {
	ctx, cancel := context.WithTimeout(ctx, w.within.read)
	defer cancel()
	return do(ctx, http.MethodGet, w.url+"/api/probes/"+probe, probe, request)
}

// write writes a probe. With an error nobody knows whether the write was carried out, or will be.
func (w *way) write(ctx context.Context, probe, request string) (response, error) {
	ctx, cancel := context.WithTimeout(ctx, w.within.write)
	defer cancel()
	return do(ctx, http.MethodPut, w.adminURL+"/probes/"+probe, probe, request)
}

// do sends a request. Anything but 200 with the very probe is an error.
func do(ctx context.Context, method, url, probe, request string) (a response, err error) {
	call, err := http.NewRequestWithContext(ctx, method, url, nil)
	if err != nil {
		return response{}, err
	}
	call.Header.Set("Accept", "application/json")
	call.Header.Set("User-Agent", "woodytoys-observer")
	call.Header.Set("X-Request-Id", request)
	got, err := client.Do(call)
	if err != nil {
		return response{}, err
	}
	defer got.Body.Close()
	body, err := io.ReadAll(io.LimitReader(got.Body, responseMax))
	if err != nil {
		return response{}, err
	}
	if got.StatusCode != http.StatusOK {
		return response{}, fmt.Errorf("%s %s answers %s: %s", method, url, got.Status, body)
	}
	if err := json.Unmarshal(body, &a); err != nil {
		return response{}, fmt.Errorf("%s %s answers what is no probe: %w", method, url, err)
	}
	if a.Name != probe {
		return response{}, fmt.Errorf("%s %s answers the probe %q", method, url, a.Name)
	}
	a.servedBy, a.cacheStatus = got.Header.Get("X-Served-By"), got.Header.Get("Cache-Status")
	a.request = got.Header.Get("X-Request-Id")
	return a, nil
}
