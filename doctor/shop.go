package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// questionTimeout is how long one question may take.
const questionTimeout = 10 * time.Second

// most is how much of a response is read: a replica's metrics are some hundred kB.
const most = 8 << 20

// get returns the body of a response of 200.
func get(ctx context.Context, client *http.Client, address string) (body []byte, header http.Header, err error) {
	ctx, cancel := context.WithTimeout(ctx, questionTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, nil, err
	}
	response, err := client.Do(request)
	if failed := (*url.Error)(nil); errors.As(err, &failed) {
		err = failed.Err // whoever reports it says what was asked
	}
	if err != nil {
		return nil, nil, err
	}
	defer response.Body.Close()
	body, err = io.ReadAll(io.LimitReader(response.Body, most))
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s %s", response.Status, firstLine(body))
	}
	return body, response.Header, err
}

func firstLine(text []byte) string {
	line, _, _ := strings.Cut(strings.TrimSpace(string(text)), "\n")
	return line[:min(len(line), 200)]
}

// visited is what a visitor learns of the replica that answered.
type visited struct {
	replica string
	dated   bool          // it says what time it is
	ahead   time.Duration // how far its clock is ahead of this machine's; negative where it is behind
}

// visit asks for a shop's ping and page, as a visitor of that address does.
func visit(ctx context.Context, client *http.Client, base string) (seen visited, err error) {
	began := time.Now()
	body, header, err := get(ctx, client, base+"/api/ping")
	switch {
	case err != nil:
		return seen, fmt.Errorf("/api/ping: %w", err)
	case string(body) != "healthy":
		return seen, fmt.Errorf("/api/ping says %q", firstLine(body))
	}
	seen.replica = header.Get("X-Served-By")
	if date, err := http.ParseTime(header.Get("Date")); err == nil {
		// It is the second in which the response was made, which was between then and now.
		seen.dated, seen.ahead = true, date.Add(time.Second/2).Sub(began.Add(time.Since(began)/2))
	}
	if _, _, err := get(ctx, client, base+"/"); err != nil {
		return seen, fmt.Errorf("the page: %w", err)
	}
	return seen, nil
}

// doorsOf asks the shop at each node that has a proxy. In stage secure that leads to TLS, at an address that no
// certificate is for: those are judged by themselves.
func (f *facts) doorsOf(ctx context.Context, port int) {
	client := &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	for _, n := range f.nodes {
		if port == 0 || n.state != "ready" || !n.active {
			continue
		}
		base := "http://" + net.JoinHostPort(n.addr, strconv.Itoa(port))
		seen, err := visit(ctx, client, base)
		f.entryPoints = append(f.entryPoints, entryPoint{url: base, err: text(err)})
		if seen.dated {
			f.addClock(f.nodeOf(seen.replica), seen.ahead)
		}
	}
}

// nodeOf returns where a replica runs, which has its task's name: the service, the number and the task's id.
func (f *facts) nodeOf(replica string) string {
	id := replica[strings.LastIndexByte(replica, '.')+1:]
	for _, s := range f.services {
		for _, t := range s.tasks {
			if t.id == id {
				return "the node " + t.node
			}
		}
	}
	return "the replica " + replica
}

// addClock adds what was found out about a clock, unless there is a word about it already.
func (f *facts) addClock(whose string, ahead time.Duration) {
	if !slices.ContainsFunc(f.clocks, func(c clock) bool { return c.whose == whose }) {
		f.clocks = append(f.clocks, clock{whose, ahead})
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// publicly asks DNS for the host of a URL of the shop, and for the shop at each address that it names. A certificate
// that is shown there is looked at.
func (f *facts) publicly(ctx context.Context, resolver *net.Resolver, shop *url.URL) {
	asked, cancel := context.WithTimeout(ctx, questionTimeout)
	defer cancel()
	found := name{name: shop.Hostname()}
	addresses, err := resolver.LookupHost(asked, shop.Hostname())
	found.got, found.err = addresses, text(err)
	slices.Sort(found.got)
	shown := false
	for _, address := range found.got {
		var dialer net.Dialer
		client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true,
			DialContext: func(ctx context.Context, network, at string) (net.Conn, error) {
				_, port, _ := net.SplitHostPort(at)
				return dialer.DialContext(ctx, network, net.JoinHostPort(address, port))
			},
			// The certificate is judged by itself, so that what is behind it is seen too.
			TLSClientConfig: &tls.Config{InsecureSkipVerify: true, VerifyConnection: func(s tls.ConnectionState) error {
				if !shown {
					f.certificates = append(f.certificates, shownBy(shop.Host, s))
				}
				shown = true
				return nil
			}},
		}}
		if _, err := visit(ctx, client, shop.Scheme+"://"+shop.Host); err != nil {
			found.astray = append(found.astray, fmt.Sprintf("at %s %v", address, err))
		}
	}
	f.names = append(f.names, found)
}

// shownBy returns the certificate that a host showed.
func shownBy(host string, state tls.ConnectionState) certificate {
	leaf := state.PeerCertificates[0]
	options := x509.VerifyOptions{DNSName: state.ServerName, Intermediates: x509.NewCertPool()}
	for _, c := range state.PeerCertificates[1:] {
		options.Intermediates.AddCert(c)
	}
	_, err := leaf.Verify(options)
	return certificate{where: host, from: leaf.NotBefore, expires: leaf.NotAfter, err: text(err)}
}

// namesOf asks DNS, where the proxy asks it, for the services that the proxy can reach.
func (f *facts) namesOf(ctx context.Context, in inside) {
	networks := f.networks("reverse-proxy")
	for _, s := range f.services {
		for _, network := range networks {
			want, there := []string{}, false
			for _, t := range s.tasks {
				address := t.addresses[network]
				there = there || address != ""
				if address != "" && t.wanted && t.state == "running" {
					want = append(want, address)
				}
			}
			if !there || s.wanted == 0 {
				continue
			}
			slices.Sort(want)
			asked, cancel := context.WithTimeout(ctx, questionTimeout)
			got, err := in.lookup(asked, "tasks."+s.name)
			cancel()
			f.names = append(f.names, name{name: "tasks." + s.name, want: want, got: got, err: text(err)})
			break
		}
	}
}

// networks returns those that a service's tasks are in.
func (f *facts) networks(service string) (found []string) {
	for _, s := range f.services {
		for _, t := range s.tasks {
			for network := range t.addresses {
				if s.name == service && t.wanted && t.state == "running" && !slices.Contains(found, network) {
					found = append(found, network)
				}
			}
		}
	}
	slices.Sort(found)
	return found
}

// replicasOf asks each replica of the API for its metrics.
func (f *facts) replicasOf(ctx context.Context, in inside) {
	networks := f.networks("reverse-proxy")
	addresses := map[string]string{} // by the replicas' names
	for _, s := range f.services {
		for _, t := range s.tasks {
			if s.name != "api" || !t.wanted || t.state != "running" {
				continue
			}
			for _, network := range networks {
				if address := t.addresses[network]; address != "" {
					name := fmt.Sprintf("%s_api.%d.%s on %s", f.stack, t.slot, t.id, t.node)
					addresses[name] = net.JoinHostPort(address, "8081")
				}
			}
		}
	}
	f.replicas = append(f.replicas, askReplicas(ctx, in, addresses)...)
}

// askReplicas asks replicas for their metrics, at HOST:PORT by their names.
func askReplicas(ctx context.Context, in inside, addresses map[string]string) []replica {
	client := &http.Client{Transport: &http.Transport{DialContext: in.DialContext, DisableKeepAlives: true}}
	var asking sync.WaitGroup
	var mu sync.Mutex
	var found []replica
	for name, address := range addresses {
		asking.Go(func() {
			body, _, err := get(ctx, client, "http://"+address+"/metrics")
			one := replica{name: name, err: text(err), lease: metric(body, "woody_cache_lease_seconds"),
				epoch: metric(body, "woody_cache_epoch"), full: metric(body, "woody_database_full") > 0}
			mu.Lock()
			defer mu.Unlock()
			found = append(found, one)
		})
	}
	asking.Wait()
	slices.SortFunc(found, func(a, b replica) int { return strings.Compare(a.name, b.name) })
	return found
}

// metric returns the value of a series without labels in Prometheus' format, or 0 where there is none.
func metric(text []byte, name string) float64 {
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			n, _ := strconv.ParseFloat(strings.TrimSpace(value), 64)
			return n
		}
	}
	return 0
}
