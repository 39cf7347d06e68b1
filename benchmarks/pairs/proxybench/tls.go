package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/woodytoys/woodytoys/benchmarks/instruments/machine"
	"github.com/woodytoys/woodytoys/benchmarks/pairs"
	"github.com/woodytoys/woodytoys/internal/authority"
	"github.com/woodytoys/woodytoys/internal/programs"
)

// door is a way to the shipped proxy.
type door struct {
	name, url string
	pid       int
	// client returns one that has connections of its own.
	client func() *http.Client
	// apart makes a connection for each request.
	apart bool
}

// tls measures what TLS and HTTP/2 cost the shipped proxy: its processor time for a read on kept connections, and for a
// new connection with one read. Each is measured in pairs with the same without TLS.
func (o *options) tls(dir, api string) error {
	signer, err := authority.New()
	if err != nil {
		return err
	}
	certificates := filepath.Join(dir, "certificates")
	if err := errors.Join(os.Mkdir(certificates, 0o700),
		signer.WriteTo(certificates, authority.Certificate{})); err != nil {
		return err
	}
	var proxies [2]*programs.HAProxy
	for i, folder := range []string{"", certificates} {
		proxies[i], err = programs.StartHAProxy(programs.HAProxyConfig{
			API: []string{api}, NoAccessLog: true, Certificates: folder})
		if err != nil {
			return err
		}
		defer proxies[i].Close()
	}
	plain := door{name: "HTTP/1.1, without the stage", url: proxies[0].URL + read, pid: proxies[0].PID(),
		client: func() *http.Client { return client(nil, false) }}
	secure := func(name string, two bool) door {
		return door{name: name, url: "https://" + proxies[1].TLS + read, pid: proxies[1].PID(),
			client: func() *http.Client { return client(signer.Client(), two) }}
	}
	one, two := secure("HTTP/1.1 in TLS", false), secure("HTTP/2 in TLS", true)
	fmt.Fprintf(o.Out, "\nThe shipped proxy's processor time for a read, %d kept connections (medians), and how many "+
		"times that without TLS\n", o.Conns)
	if err := o.against(plain, one, two); err != nil {
		return err
	}
	plain.apart, one.apart, two.apart = true, true, true
	fmt.Fprintf(o.Out, "\nThe same for a new connection with one read, and how many a second while %d callers made "+
		"them\n", o.Conns)
	return o.against(plain, one, two)
}

// against measures each of the others in pairs with a door, and prints a line for each.
func (o *options) against(first door, others ...door) error {
	for _, d := range append([]door{first}, others...) {
		if _, _, err := o.load(d); err != nil {
			return err
		}
	}
	for i, other := range others {
		var rates, firstRates []float64
		own, firsts, err := pairs.Interleave(o.Pairs, o.costs(other, &rates), o.costs(first, &firstRates))
		if err != nil {
			return err
		}
		if i == 0 {
			fmt.Fprintf(o.Out, "  %-30s %7.1f us %8.0f/s\n", first.name, pairs.Median(firsts), pairs.Median(firstRates))
		}
		fmt.Fprintf(o.Out, "  %-30s %7.1f us %8.0f/s  %v\n", other.name, pairs.Median(own), pairs.Median(rates),
			pairs.Of(own, firsts))
	}
	return nil
}

// costs returns what measures the processor time for a read, in microseconds, and appends the rate to rates.
func (o *options) costs(d door, rates *[]float64) func() (float64, error) {
	return func() (float64, error) {
		rate, cpu, err := o.load(d)
		*rates = append(*rates, rate)
		return cpu, err
	}
}

// load sends requests from callers who have one connection each at a time. A bad response is an error.
func (o *options) load(d door) (perSecond, cpu float64, err error) {
	before, err := machine.CPU(d.pid)
	if err != nil {
		return 0, 0, err
	}
	var good atomic.Int64
	var group sync.WaitGroup
	failures := make(chan error, o.Conns)
	began := time.Now()
	for range o.Conns {
		c := d.client()
		c.Transport.(*http.Transport).DisableKeepAlives = d.apart
		group.Go(func() {
			defer c.CloseIdleConnections()
			for time.Since(began) < o.Each {
				if err := askOnce(c, d.url); err != nil {
					failures <- fmt.Errorf("%s: %w", d.name, err)
					return
				}
				good.Add(1)
			}
		})
	}
	group.Wait()
	took := time.Since(began)
	select {
	case err := <-failures:
		return 0, 0, err
	default:
	}
	after, err := machine.CPU(d.pid)
	n := float64(good.Load())
	return n / took.Seconds(), float64((after - before).Microseconds()) / n, err
}

func askOnce(c *http.Client, url string) error {
	response, err := c.Get(url)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if _, err = io.Copy(io.Discard, response.Body); err == nil && response.StatusCode != http.StatusOK {
		err = errors.New(response.Status)
	}
	return err
}

// client returns a client that speaks HTTP/2 or 1.1, in TLS unless config is nil. It resumes no sessions.
func client(config *tls.Config, two bool) *http.Client {
	t := &http.Transport{TLSClientConfig: config, ForceAttemptHTTP2: two, DisableCompression: true, MaxConnsPerHost: 1}
	if !two {
		t.TLSNextProto = map[string]func(string, *tls.Conn) http.RoundTripper{}
	}
	return &http.Client{Transport: t, Timeout: 30 * time.Second}
}
