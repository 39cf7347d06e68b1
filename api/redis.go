package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"

	"github.com/redis/go-redis/v9"
)

// hasRedis reports whether replicas share a Redis.
func (c config) hasRedis() bool {
	return c.RedisAddr != "" || c.RedisMaster != "" || len(c.RedisSentinels) > 0
}

// redisOptions returns where Redis is, and who we are to it, or an error that names the setting to change. No error
// holds a password.
func (c config) redisOptions() (*redis.UniversalOptions, error) {
	if c.DBDSN == "" {
		return nil, errors.New("WOODY_REDIS_ADDR and WOODY_REDIS_MASTER are for several replicas, which need a " +
			"database server (WOODY_DB_DSN); one process on SQLite keeps its answers in memory")
	}
	o := &redis.UniversalOptions{
		Username: c.RedisUser, Password: c.RedisPassword,
		SentinelUsername: c.RedisSentinelUser, SentinelPassword: c.RedisSentinelPassword,
	}
	withTLS := c.RedisTLS == "on"
	var err error
	if c.RedisAddr != "" {
		var secure bool
		secure, err = c.redisServer(o)
		withTLS = withTLS || secure
	} else {
		o.Addrs, o.MasterName = c.RedisSentinels, c.RedisMaster
	}
	var tlsErr error
	o.TLSConfig, tlsErr = c.redisTLS(withTLS)
	return o, errors.Join(err, c.checkSentinels(), tlsErr)
}

// redisServer takes over WOODY_REDIS_ADDR, HOST:PORT or a URL, and reports whether that asks for TLS.
func (c config) redisServer(o *redis.UniversalOptions) (secure bool, err error) {
	if strings.Contains(c.RedisAddr, ",") {
		return false, errors.New("WOODY_REDIS_ADDR names several servers, which would be Redis Cluster, and that " +
			"cannot be used: name one server, or WOODY_REDIS_MASTER and WOODY_REDIS_SENTINELS")
	}
	if !strings.Contains(c.RedisAddr, "://") {
		o.Addrs = []string{c.RedisAddr}
		return false, checkAddr("WOODY_REDIS_ADDR", c.RedisAddr)
	}
	u, err := redis.ParseURL(c.RedisAddr)
	var notURL *url.Error
	switch {
	case errors.As(err, &notURL): // url.Error shows the URL, which may hold a password
		return false, errors.New("WOODY_REDIS_ADDR is not a URL: write it as redis://host:port/database, or " +
			"rediss:// for TLS, with special characters of a password escaped (%40 for @)")
	case err != nil:
		return false, fmt.Errorf("WOODY_REDIS_ADDR: %w", err)
	case u.Network != "tcp", strings.Contains(c.RedisAddr, "?"):
		return false, errors.New("WOODY_REDIS_ADDR: write the URL as redis://host:port/database, or rediss:// for " +
			"TLS; what else it could say has settings of its own")
	case u.Username != "" && c.RedisUser != "", u.Password != "" && c.RedisPassword != "":
		return false, errors.New("WOODY_REDIS_ADDR: the URL says who we are, as WOODY_REDIS_USER or " +
			"WOODY_REDIS_PASSWORD do; keep one")
	}
	o.Addrs, o.DB = []string{u.Addr}, u.DB
	if u.Username != "" {
		o.Username = u.Username
	}
	if u.Password != "" {
		o.Password = u.Password
	}
	return u.TLSConfig != nil, nil
}

// checkSentinels refuses half of what is needed to find the primary by sentinels, and too much of it.
func (c config) checkSentinels() error {
	master, addrs := c.RedisMaster != "", len(c.RedisSentinels) > 0
	var errs []error
	for _, addr := range c.RedisSentinels {
		errs = append(errs, checkAddr("WOODY_REDIS_SENTINELS", addr))
	}
	switch {
	case master != addrs:
		errs = append(errs, errors.New("WOODY_REDIS_MASTER and WOODY_REDIS_SENTINELS belong together: "+
			"the name of the primary, and where the sentinels are who know it by that"))
	case master && c.RedisAddr != "":
		errs = append(errs, errors.New("both WOODY_REDIS_ADDR and WOODY_REDIS_MASTER are set: "+
			"keep the server's address, or the sentinels who say where it is"))
	case !master && (c.RedisSentinelUser != "" || c.RedisSentinelPassword != ""):
		errs = append(errs, errors.New("WOODY_REDIS_SENTINEL_USER and WOODY_REDIS_SENTINEL_PASSWORD are for "+
			"sentinels: set WOODY_REDIS_MASTER and WOODY_REDIS_SENTINELS too"))
	}
	return errors.Join(errs...)
}

func checkAddr(name, addr string) error {
	host, port, err := net.SplitHostPort(addr)
	switch {
	case strings.Contains(addr, "@"):
		return fmt.Errorf("%s is not an address: write it as host:port, with user and password in settings of their "+
			"own", name)
	case err != nil, host == "", port == "":
		return fmt.Errorf("%s: %q is not an address: write it as host:port, such as redis:6379", name, addr)
	}
	return nil
}

// redisTLS returns how Redis and the sentinels prove who they are, and we to them; nil without TLS.
func (c config) redisTLS(on bool) (*tls.Config, error) {
	if !on {
		if c.RedisCAFile != "" || c.RedisCertFile != "" || c.RedisKeyFile != "" {
			return nil, errors.New("WOODY_REDIS_CA_FILE, WOODY_REDIS_CERT_FILE and WOODY_REDIS_KEY_FILE are for TLS: " +
				"set WOODY_REDIS_TLS=on, or write WOODY_REDIS_ADDR as rediss://host:port")
		}
		return nil, nil
	}
	t := &tls.Config{MinVersion: tls.VersionTLS12}
	if c.RedisCAFile != "" {
		text, err := os.ReadFile(c.RedisCAFile)
		if err != nil {
			return nil, fmt.Errorf("WOODY_REDIS_CA_FILE: %w", err)
		}
		t.RootCAs = x509.NewCertPool()
		if !t.RootCAs.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("WOODY_REDIS_CA_FILE: %s holds no certificate in PEM", c.RedisCAFile)
		}
	}
	if c.RedisCertFile != "" || c.RedisKeyFile != "" {
		pair, err := tls.LoadX509KeyPair(c.RedisCertFile, c.RedisKeyFile)
		if err != nil {
			return nil, fmt.Errorf("WOODY_REDIS_CERT_FILE and WOODY_REDIS_KEY_FILE: %w", err)
		}
		t.Certificates = []tls.Certificate{pair}
	}
	return t, nil
}
