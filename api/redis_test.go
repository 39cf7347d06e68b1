package main

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/woodytoys/woodytoys/internal/servers"
	"github.com/woodytoys/woodytoys/internal/servers/servertest"
)

// someDSN is of no server: these tests ask none.
const someDSN = "user:password@tcp(db:3306)/shop"

func TestWhereRedisIs(t *testing.T) {
	sentinels := []string{"s1:26379", "s2:26379"}
	server, other := []string{"redis:6379"}, []string{"redis:1"}
	for what, row := range map[string]struct {
		cfg                config
		addrs              []string
		master, user, word string
		db                 int
		tls                bool
	}{
		"an address":          {config{RedisAddr: "redis:6379", RedisPassword: "p"}, server, "", "", "p", 0, false},
		"an address with TLS": {config{RedisAddr: "redis:6379", RedisTLS: "on"}, server, "", "", "", 0, true},
		"a URL":               {config{RedisAddr: "redis://redis"}, server, "", "", "", 0, false},
		"a URL with all":      {config{RedisAddr: "rediss://u:p%40@redis:1/2"}, other, "", "u", "p@", 2, true},
		"a URL and a file": {
			config{RedisAddr: "rediss://u@redis:1", RedisPassword: "p"},
			other, "", "u", "p", 0, true,
		},
		"sentinels": {
			config{RedisMaster: "m", RedisSentinels: sentinels, RedisUser: "u"},
			sentinels, "m", "u", "", 0, false,
		},
	} {
		row.cfg.DBDSN = someDSN
		o, err := row.cfg.redisOptions()
		if err != nil {
			t.Errorf("%s: %v", what, err)
			continue
		}
		if !slices.Equal(o.Addrs, row.addrs) || o.MasterName != row.master || o.Username != row.user ||
			o.Password != row.word || o.DB != row.db || (o.TLSConfig != nil) != row.tls {
			t.Errorf("%s: %+v, want %+v", what, o, row)
		}
	}
}

// TestRedisSettingsAreRefused checks that the error names what to change, and shows no password.
func TestRedisSettingsAreRefused(t *testing.T) {
	sentinels := []string{"s1:26379"}
	for what, row := range map[string]struct {
		cfg  config
		want string
	}{
		"no port":                  {config{RedisAddr: "redis"}, "write it as host:port"},
		"two servers":              {config{RedisAddr: "a:1,b:1"}, "Redis Cluster"},
		"a password in an address": {config{RedisAddr: "u:hush@redis:6379"}, "settings of their own"},
		"no URL":                   {config{RedisAddr: "redis://u:hush@redis:x"}, "is not a URL"},
		"a password as a port":     {config{RedisAddr: "redis://u:hush"}, "is not a URL"},
		"another scheme":           {config{RedisAddr: "http://u:hush@redis"}, "scheme"},
		"no database":              {config{RedisAddr: "redis://u:hush@redis/x"}, "database number"},
		"options in a URL":         {config{RedisAddr: "redis://u:hush@redis?read_timeout=1s"}, "settings of its own"},
		"a socket":                 {config{RedisAddr: "unix:///run/redis"}, "redis://"},
		"two users":                {config{RedisAddr: "redis://u:hush@redis", RedisUser: "v"}, "keep one"},
		"two passwords":            {config{RedisAddr: "redis://u:hush@redis", RedisPassword: "hush"}, "keep one"},
		"sentinels alone":          {config{RedisSentinels: sentinels}, "belong together"},
		"a primary's name alone":   {config{RedisMaster: "m"}, "belong together"},
		"a sentinel without a port": {
			config{RedisMaster: "m", RedisSentinels: []string{"s1"}}, "WOODY_REDIS_SENTINELS: \"s1\"",
		},
		"sentinels and an address": {
			config{RedisAddr: "a:1", RedisMaster: "m", RedisSentinels: sentinels}, "keep the server",
		},
		"a sentinel's password":    {config{RedisAddr: "a:1", RedisSentinelPassword: "hush"}, "are for sentinels"},
		"an authority without TLS": {config{RedisAddr: "a:1", RedisCAFile: "x"}, "WOODY_REDIS_TLS=on"},
		"no authority there": {
			config{RedisAddr: "rediss://a:1", RedisCAFile: "/does/not/exist"}, "WOODY_REDIS_CA_FILE",
		},
		"no authority in it": {config{RedisAddr: "rediss://a:1", RedisCAFile: "redis_test.go"}, "no certificate"},
		"a certificate, no key": {
			config{RedisAddr: "rediss://a:1", RedisCertFile: "redis_test.go"}, "WOODY_REDIS_KEY_FILE",
		},
	} {
		row.cfg.DBDSN = someDSN
		_, err := row.cfg.redisOptions()
		if err == nil || !strings.Contains(err.Error(), row.want) || strings.Contains(err.Error(), "hush") {
			t.Errorf("%s: %v, want %q and no password", what, err, row.want)
		}
	}
	if _, err := (config{RedisAddr: "redis:6379"}).redisOptions(); err == nil ||
		!strings.Contains(err.Error(), "WOODY_DB_DSN") {
		t.Errorf("without a database server: %v", err)
	}
}

// TestReplicasFollowTheSentinels runs two replicas over TLS on a Redis that sentinels watch, and moves it.
func TestReplicasFollowTheSentinels(t *testing.T) {
	t.Parallel()
	certificates := servertest.MustMakeCertificates(t)
	watched := servertest.MustStartWatchedRedis(t, certificates)
	dsn := servertest.MustMakeDatabase(t, servertest.MustStartMariaDB(t))
	var all []*replica
	for _, name := range []string{"one", "other"} {
		all = append(all, mustStartReplica(t, "WOODY_DB_DSN="+dsn, "WOODY_REPLICA_ID="+name,
			"WOODY_ADMIN_ADDR=127.0.0.1:0",
			"WOODY_REDIS_MASTER="+servers.MasterName, "WOODY_REDIS_SENTINELS="+strings.Join(watched.Addrs(), ","),
			"WOODY_REDIS_TLS=on", "WOODY_REDIS_CA_FILE="+certificates.CAFile,
			"WOODY_REDIS_CERT_FILE="+certificates.CertFile, "WOODY_REDIS_KEY_FILE="+certificates.KeyFile,
			"WOODY_REDIS_TIMEOUT=5s", "WOODY_ACK_TIMEOUT=5s", "WOODY_CACHE_LEASE=5s"))
	}
	for i, name := range []string{"Zebra", "Yak"} {
		for _, r := range all {
			mustAwait(t, r.metricsURL(), http.StatusOK, "woody_cache_members 2")
		}
		mustRename(t, all[i].URL, name)
		for _, r := range all {
			if _, body := layer(t, r.URL+"/api/products/1"); body != name {
				t.Errorf("a replica answers %s, want %s", body, name)
			}
		}
		if i == 0 {
			if err := watched.Failover(); err != nil {
				t.Fatal(err)
			}
		}
	}
}
