package cluster

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/woodytoys/woodytoys/cache/internal/layer"
)

// Config is what a Node is made of. The bounds are explained where users set them: in cluster.Config.
type Config struct {
	Redis   *redis.UniversalOptions
	Ledger  Ledger
	Replica string
	Release string
	// Instance parts programs that share a Redis and a namespace. Default: the ledger's name.
	Instance string

	Lease, FillLease, AckTimeout, Timeout time.Duration

	layer.Host
	Logger *slog.Logger
}

// margin is the part of a lease that its holder leaves unused, for what clocks run apart.
const margin = 10

// usable returns how long after asking for a lease its holder may use it.
func (c *Config) usable() int64 { return int64(c.Lease - c.Lease/margin) }

// beat returns how often a lease is renewed and the ledger is read.
func (c *Config) beat() time.Duration { return c.Lease / 5 }

// grace returns how long a write's own replica has to carry it out before others do.
func (c *Config) grace() time.Duration { return c.Lease / 2 }

func (c *Config) check() error {
	if err := checkRedis(c.Redis); err != nil {
		return err
	}
	for _, bound := range []struct {
		name  string
		value time.Duration
		least time.Duration
	}{
		{"Lease", c.Lease, 100 * time.Millisecond}, {"FillLease", c.FillLease, 100 * time.Millisecond},
		{"AckTimeout", c.AckTimeout, time.Millisecond}, {"Timeout", c.Timeout, time.Millisecond},
	} {
		if bound.value < bound.least {
			return fmt.Errorf("cluster: Config.%s must be %v or more, not %v", bound.name, bound.least, bound.value)
		}
	}
	return c.checkNames()
}

// checkRedis refuses what would lead to several servers at a time, or to copies.
func checkRedis(o *redis.UniversalOptions) error {
	switch {
	case o == nil:
		return errors.New("cluster: Config.Redis is missing")
	case o.IsClusterMode, len(o.Addrs) > 1 && o.MasterName == "":
		return fmt.Errorf("cluster: Config.Redis has the addresses %q and no MasterName, which means Redis Cluster: "+
			"that cannot be used, since the scripts use keys of several slots; give the address of one server, "+
			"or those of sentinels and MasterName", o.Addrs)
	case o.MasterName != "" && len(o.Addrs) == 0:
		return fmt.Errorf(
			"cluster: Config.Redis has the MasterName %q and no Addrs: give those of its sentinels", o.MasterName)
	case o.ReadOnly, o.RouteByLatency, o.RouteRandomly:
		return errors.New("cluster: Config.Redis must not read from copies, which are behind: " +
			"leave ReadOnly, RouteByLatency and RouteRandomly unset")
	}
	return nil
}

// options returns the caller's with what the protocol needs: no command is sent twice, and none waits
// longer than the bound.
func (c *Config) options() *redis.UniversalOptions {
	o := *c.Redis
	o.MaxRetries = -1
	o.DialTimeout, o.ReadTimeout, o.WriteTimeout, o.PoolTimeout = c.Timeout, c.Timeout, c.Timeout, c.Timeout
	o.DialerRetries = 1
	o.ContextTimeoutEnabled = true
	o.Protocol = 2
	o.DisableIdentity = true
	o.ClientSideCacheConfig, o.ClientSideCache = nil, nil // the near cache takes the place of go-redis' own
	o.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	return &o
}
