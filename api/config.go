package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"github.com/woodytoys/woodytoys/api/store"
	"github.com/woodytoys/woodytoys/front/site"
	"github.com/woodytoys/woodytoys/internal/settings"
)

// config is every setting, a line each: as a flag or from the environment, the flag first.
type config struct {
	Serve       struct{} `cmd:"" default:"withargs" help:"Run the shop (the default)."`
	Healthcheck struct{} `cmd:"" help:"Exit 0 if the shop at --addr is ready, 1 if it is not: for containers without a shell."`

	Addr      string `env:"WOODY_ADDR" default:":8080" placeholder:"HOST:PORT" help:"Where the API listens."`
	AdminAddr string `env:"WOODY_ADMIN_ADDR" default:"localhost:8081" placeholder:"HOST:PORT" help:"Where metrics and profiles are, apart from the API; 'off' for nowhere."`
	ReplicaID string `env:"WOODY_REPLICA_ID" help:"The name of this replica in X-Served-By (default: the host name)."`

	DBDSN        string        `name:"db-dsn" env:"WOODY_DB_DSN" placeholder:"DSN" help:"MariaDB or MySQL, as user:password@tcp(host:3306)/database. Without it: SQLite in --data-dir."`
	DBDSNFile    string        `name:"db-dsn-file" env:"WOODY_DB_DSN_FILE" placeholder:"FILE" help:"A file that holds the DSN, for secrets."`
	DBDirect     string        `name:"db-direct" env:"WOODY_DB_DIRECT" default:"off" enum:"on,off" help:"on: the DSN leads to the one server that takes writes, and not to a proxy, a balancer or a cluster. When it refuses connections, nobody can be writing, and what is cached is answered on; elsewhere another replica may still reach it."`
	DBPool       int           `name:"db-pool" env:"WOODY_DB_POOL" default:"8" help:"Database connections that serve callers (1 to 1000)."`
	DBTimeout    time.Duration `name:"db-timeout" env:"WOODY_DB_TIMEOUT" default:"10s" help:"How long the database may take over one piece of work, the simulated slow query not counted."`
	DataDir      string        `env:"WOODY_DATA_DIR" default:"data" placeholder:"DIR" help:"The folder of the SQLite file."`
	SQLiteSync   string        `name:"sqlite-sync" env:"WOODY_SQLITE_SYNC" default:"normal" enum:"normal,full" help:"What every SQLite write survives: 'normal', the process being killed; 'full', also a loss of power."`
	QueueTimeout time.Duration `env:"WOODY_QUEUE_TIMEOUT" default:"30s" help:"How long a caller waits for a heavy slot or a database connection before it is told 503."`

	NearCache string `env:"WOODY_NEAR_CACHE" default:"on" enum:"on,off" help:"Whether answers are kept in memory: on or off. With a database server they are kept only where there is Redis too, by which replicas keep each other's right."`
	NearBytes size   `env:"WOODY_NEAR_BYTES" default:"64M" placeholder:"SIZE" help:"What the near cache may hold in memory, such as 64M (M is 1000000)."`

	RedisAddr      string   `env:"WOODY_REDIS_ADDR" placeholder:"HOST:PORT" help:"Redis: the cache that replicas share, and how they hear of each other's writes. Or a URL: redis://host:port/database, rediss:// for TLS. Needs a database server. Without it, replicas on a database server cache nothing."`
	RedisMaster    string   `env:"WOODY_REDIS_MASTER" placeholder:"NAME" help:"Where Redis fails over to a copy: what the sentinels call the primary. Instead of WOODY_REDIS_ADDR, with WOODY_REDIS_SENTINELS."`
	RedisSentinels []string `env:"WOODY_REDIS_SENTINELS" placeholder:"HOST:PORT" help:"Where the sentinels are who know the primary: all of them."`

	RedisUser                 string `env:"WOODY_REDIS_USER" help:"The user at Redis (default: Redis' own)."`
	RedisPassword             string `env:"WOODY_REDIS_PASSWORD" placeholder:"PASSWORD" help:"The password at Redis."`
	RedisPasswordFile         string `env:"WOODY_REDIS_PASSWORD_FILE" placeholder:"FILE" help:"A file that holds the password, for secrets."`
	RedisSentinelUser         string `env:"WOODY_REDIS_SENTINEL_USER" help:"The user at the sentinels (default: their own)."`
	RedisSentinelPassword     string `env:"WOODY_REDIS_SENTINEL_PASSWORD" placeholder:"PASSWORD" help:"The password at the sentinels."`
	RedisSentinelPasswordFile string `env:"WOODY_REDIS_SENTINEL_PASSWORD_FILE" placeholder:"FILE" help:"A file that holds the password at the sentinels, for secrets."`

	RedisTLS      string `name:"redis-tls" env:"WOODY_REDIS_TLS" default:"off" enum:"on,off" help:"Whether Redis, and the sentinels, are asked over TLS: on or off. A rediss:// URL is on."`
	RedisCAFile   string `name:"redis-ca-file" env:"WOODY_REDIS_CA_FILE" placeholder:"FILE" help:"The authorities that their certificates are of, in PEM (default: the system's)."`
	RedisCertFile string `env:"WOODY_REDIS_CERT_FILE" placeholder:"FILE" help:"The certificate that they ask of us, in PEM."`
	RedisKeyFile  string `env:"WOODY_REDIS_KEY_FILE" placeholder:"FILE" help:"Its key, in PEM."`

	RedisNamespace string `env:"WOODY_REDIS_NAMESPACE" placeholder:"NAME" help:"What names in Redis have in them, to tell programs on one Redis apart. Programs with databases of their own are told apart without. The same on all replicas."`

	RedisTimeout time.Duration `env:"WOODY_REDIS_TIMEOUT" default:"250ms" help:"How long Redis may take over one command; after a renewal of the lease that took longer it is not asked until one comes through."`
	CacheLease   time.Duration `env:"WOODY_CACHE_LEASE" default:"1s" help:"How long a replica may answer from a cache without a word from Redis and the database. It bounds what a write waits for a replica that is gone, and is what every write waits while Redis is away. The same on all replicas."`
	FillLease    time.Duration `env:"WOODY_FILL_LEASE" default:"1s" help:"How long others wait for a replica that died while it filled a key for all."`
	AckTimeout   time.Duration `env:"WOODY_ACK_TIMEOUT" default:"250ms" help:"How long a write waits to hear that a replica knows of it, before that one is taken for gone."`

	Front     string `env:"WOODY_FRONT" default:"auto" enum:"auto,on,off" help:"Whether this process serves the page too: on, off, or auto: on without a database server."`
	CDNURL    string `name:"cdn-url" env:"WOODY_CDN_URL" placeholder:"URL" help:"Put before the path of the page's assets, such as http://cdn.{host}, where {host} is the host that the page was asked of."`
	LimitRate string `name:"front-limit-rate" env:"WOODY_FRONT_LIMIT_RATE" default:"0" placeholder:"RATE" help:"Simulated cost: bytes a second that the page and its assets get on each connection, such as 300k; 0 for no limit."`

	HeavyDelay     time.Duration `env:"WOODY_HEAVY_DELAY" default:"500ms" help:"Simulated cost: how long a heavy computation and an order's validation take; 0 for none."`
	HeavySlots     int           `env:"WOODY_HEAVY_SLOTS" default:"2" help:"How many heavy computations this replica runs at once (1 to 10000)."`
	SlowQueryDelay time.Duration `env:"WOODY_SLOW_QUERY_DELAY" default:"1500ms" help:"Simulated cost: how long the last product's query holds its connection; 0 for none."`
	OrderWorkers   int           `env:"WOODY_ORDER_WORKERS" default:"4" help:"How many orders this replica validates at once (0 to 1000; 0 leaves them to others)."`

	DrainDelay   time.Duration `env:"WOODY_DRAIN_DELAY" default:"0s" help:"After SIGTERM, SIGINT or SIGHUP: how long new connections are still taken, with Connection: close."`
	DrainTimeout time.Duration `env:"WOODY_DRAIN_TIMEOUT" default:"10s" help:"After that: how long requests under way have to finish."`

	// unknown are environment variables that look like settings and are none.
	unknown []string

	LogLevel  string `env:"WOODY_LOG_LEVEL" default:"info" enum:"debug,info,warn,error" help:"debug, info, warn or error."`
	LogFormat string `env:"WOODY_LOG_FORMAT" default:"text" enum:"text,json" help:"text or json."`
}

const description = "The shop's web API. With no configuration it is the whole shop in one process, " +
	"on a durable SQLite file."

// parseConfig reads the command line and the environment. It returns the command that was asked for,
// and an error that names the setting and what it allows.
func parseConfig(args []string, stdout, stderr io.Writer) (cfg config, command string, err error) {
	settings.DropEmpty()
	parser, err := kong.New(&cfg, kong.Name("api"), kong.Description(description),
		kong.Writers(stdout, stderr), kong.ValueFormatter(settings.Help))
	if err != nil {
		return cfg, "", err
	}
	parsed, err := parser.Parse(args)
	if err != nil {
		return cfg, "", fmt.Errorf("%w (see --help)", err)
	}
	if cfg.ReplicaID == "" {
		cfg.ReplicaID, _ = os.Hostname()
	}
	cfg.unknown = settings.Unknown(parser.Model, "WOODY_API_URL") // which is the front's
	var passwordErr, sentinelErr error
	cfg.DBDSN, err = settings.Secret("WOODY_DB_DSN", cfg.DBDSN, cfg.DBDSNFile)
	cfg.RedisPassword, passwordErr = settings.Secret("WOODY_REDIS_PASSWORD", cfg.RedisPassword, cfg.RedisPasswordFile)
	cfg.RedisSentinelPassword, sentinelErr = settings.Secret("WOODY_REDIS_SENTINEL_PASSWORD", cfg.RedisSentinelPassword,
		cfg.RedisSentinelPasswordFile)
	return cfg, parsed.Command(), errors.Join(err, passwordErr, sentinelErr, cfg.check())
}

// check refuses what the types alone allow.
func (c config) check() error {
	var errs []error
	between := func(name string, value, least, most int) {
		if value < least || value > most {
			errs = append(errs, fmt.Errorf("%s must be from %d to %d, not %d", name, least, most, value))
		}
	}
	atLeast := func(name string, value, least time.Duration) {
		if value < least {
			errs = append(errs, fmt.Errorf("%s must be %v or more, not %v", name, least, value))
		}
	}
	between("WOODY_DB_POOL", c.DBPool, 1, 1000)
	between("WOODY_HEAVY_SLOTS", c.HeavySlots, 1, 10000)
	between("WOODY_ORDER_WORKERS", c.OrderWorkers, 0, 1000)
	atLeast("WOODY_DB_TIMEOUT", c.DBTimeout, time.Millisecond)
	atLeast("WOODY_QUEUE_TIMEOUT", c.QueueTimeout, time.Millisecond)
	atLeast("WOODY_HEAVY_DELAY", c.HeavyDelay, 0)
	atLeast("WOODY_SLOW_QUERY_DELAY", c.SlowQueryDelay, 0)
	atLeast("WOODY_DRAIN_DELAY", c.DrainDelay, 0)
	atLeast("WOODY_DRAIN_TIMEOUT", c.DrainTimeout, 0)
	atLeast("WOODY_REDIS_TIMEOUT", c.RedisTimeout, time.Millisecond)
	atLeast("WOODY_CACHE_LEASE", c.CacheLease, 100*time.Millisecond)
	atLeast("WOODY_FILL_LEASE", c.FillLease, 100*time.Millisecond)
	atLeast("WOODY_ACK_TIMEOUT", c.AckTimeout, time.Millisecond)
	if c.hasRedis() {
		_, err := c.redisOptions()
		errs = append(errs, err)
	}
	if strings.ContainsFunc(c.ReplicaID, func(r rune) bool { return r < ' ' || r > '~' }) {
		errs = append(errs, errors.New("WOODY_REPLICA_ID may hold printable ASCII characters only"))
	}
	if err := site.CheckCDNURL(c.CDNURL); err != nil {
		errs = append(errs, fmt.Errorf("WOODY_CDN_URL: %w", err))
	}
	if _, err := site.ParseRate(c.LimitRate); err != nil {
		errs = append(errs, fmt.Errorf("WOODY_FRONT_LIMIT_RATE: %w", err))
	}
	if err := store.CheckDSN(c.DBDSN); err != nil {
		errs = append(errs, fmt.Errorf("WOODY_DB_DSN is %w", err))
	}
	return errors.Join(errs...)
}

// size is a number of bytes that reads "64M".
type size int64

// UnmarshalText takes a whole number above zero, alone or with k, M or G behind it.
func (s *size) UnmarshalText(text []byte) error {
	digits := strings.TrimRight(string(text), "kMG")
	n, err := strconv.ParseInt(digits, 10, 64)
	factor, ok := map[string]int64{"": 1, "k": 1e3, "M": 1e6, "G": 1e9}[string(text)[len(digits):]]
	if err != nil || !ok || n <= 0 || n > 1e15/factor {
		return fmt.Errorf("%q is not a size: write a whole number above zero, alone or with k, M or G behind it", text)
	}
	*s = size(n * factor)
	return nil
}

// servesFront reports whether this process serves the page too.
func (c config) servesFront() bool { return c.Front == "on" || c.Front == "auto" && c.DBDSN == "" }

func (c config) logger(to io.Writer) *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(c.LogLevel)) // one of four good ones by now
	options := &slog.HandlerOptions{Level: level}
	if c.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(to, options))
	}
	return slog.New(slog.NewTextHandler(to, options))
}
