package cluster

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

// sentinels say where the primary of their Redis servers is. Each new connection asks all of them, and takes the answer
// of the newest configuration that a majority has: one that is cut off from the others, or does not answer at all,
// leads nobody astray. That the answer is right no rule relies on.
type sentinels struct {
	name    string // the sentinels' name of the primary
	asked   []*redis.SentinelClient
	addrs   []string
	timeout time.Duration // how long to wait for a majority of them
	connect func(ctx context.Context, network, addr string) (net.Conn, error)
}

// newSentinels returns the sentinels of options that name a primary.
func newSentinels(o *redis.UniversalOptions) *sentinels {
	one := o.Simple()
	s := &sentinels{name: o.MasterName, addrs: o.Addrs, timeout: o.DialTimeout / 2, connect: one.Dialer}
	if s.connect == nil {
		s.connect = redis.NewDialer(one)
	}
	for _, addr := range o.Addrs {
		s.asked = append(s.asked, redis.NewSentinelClient(&redis.Options{
			Addr: addr, Dialer: o.Dialer, TLSConfig: o.TLSConfig, Username: o.SentinelUsername,
			Password:   o.SentinelPassword,
			MaxRetries: o.MaxRetries, DialerRetries: o.DialerRetries, Protocol: o.Protocol, DisableIdentity: true,
			DialTimeout: s.timeout, ReadTimeout: s.timeout, WriteTimeout: s.timeout, PoolTimeout: s.timeout,
			ContextTimeoutEnabled: true, MaintNotificationsConfig: o.MaintNotificationsConfig,
		}))
	}
	return s
}

// dial connects to the primary, wherever it is now.
func (s *sentinels) dial(ctx context.Context, network, _ string) (net.Conn, error) {
	addr, err := s.primary(ctx)
	if err != nil {
		return nil, err
	}
	return s.connect(ctx, network, addr)
}

// primaryReport is a sentinel's answer about the primary.
type primaryReport struct {
	addr  string
	epoch uint64 // of the configuration that names it; each failover has a higher one
	err   error
}

// primary returns the primary's address. It waits for a majority of the sentinels, and after its timeout is
// content with fewer, since those that are left cannot have moved the primary.
func (s *sentinels) primary(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	reports := make(chan primaryReport, len(s.asked))
	for i := range s.asked {
		go func() { reports <- s.ask(ctx, i) }()
	}
	var newest primaryReport
	var errs []error
	for known := 0; known <= len(s.asked)/2 && known+len(errs) < len(s.asked); {
		report := <-reports // ctx bounds it
		switch {
		case report.err != nil:
			errs = append(errs, report.err)
			continue
		case known == 0 || report.epoch > newest.epoch:
			newest = report
		}
		known++
	}
	if newest.addr == "" {
		return "", fmt.Errorf("no sentinel says where the primary is: %w", errors.Join(errs...))
	}
	return newest.addr, nil
}

// ask queries one of them.
func (s *sentinels) ask(ctx context.Context, i int) primaryReport {
	state, err := s.asked[i].Master(ctx, s.name).Result()
	if err != nil {
		return primaryReport{err: fmt.Errorf("the sentinel at %s, of the primary %q: %w", s.addrs[i], s.name, err)}
	}
	epoch, err := strconv.ParseUint(state["config-epoch"], 10, 64)
	if err == nil && (state["ip"] == "" || state["port"] == "") {
		err = errors.New("it names no address")
	}
	return primaryReport{addr: net.JoinHostPort(state["ip"], state["port"]), epoch: epoch, err: err}
}

func (s *sentinels) close() {
	for _, client := range s.asked {
		client.Close()
	}
}
