package main

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/woodytoys/woodytoys/api/store"
	"github.com/woodytoys/woodytoys/api/tracing"
	"github.com/woodytoys/woodytoys/front/site"
	"github.com/woodytoys/woodytoys/internal/settings"
)

// config is every setting, a line each: as a flag or from the environment, the flag first. What each means is in help.
type config struct {
	settings.Server
	Backup struct {
		File string `arg:"" help:"What to write. It must not exist."`
	} `cmd:"" help:"Write the SQLite database to a file, also while the shop runs, and exit."`
	Restore struct {
		File string `arg:"" help:"What 'api backup' wrote."`
	} `cmd:"" help:"Have the SQLite database be that of a backup, while no shop runs, and exit. What was is kept."`

	AdminAddr string `env:"WOODY_ADMIN_ADDR" default:"localhost:8081" placeholder:"HOST:PORT"`

	DBDSN        string        `name:"db-dsn" env:"WOODY_DB_DSN" placeholder:"DSN"`
	DBDSNFile    string        `name:"db-dsn-file" env:"WOODY_DB_DSN_FILE" placeholder:"FILE"`
	DBDirect     string        `name:"db-direct" env:"WOODY_DB_DIRECT" default:"off" oneof:"on,off,cluster"`
	DBPool       int           `name:"db-pool" env:"WOODY_DB_POOL" default:"8" min:"1" max:"1000"`
	DBTimeout    time.Duration `name:"db-timeout" env:"WOODY_DB_TIMEOUT" default:"10s" min:"1ms"`
	AuditLog     string        `env:"WOODY_AUDIT_LOG" placeholder:"FILE"`
	DataDir      string        `env:"WOODY_DATA_DIR" default:"data" placeholder:"DIR"`
	SQLiteSync   string        `name:"sqlite-sync" env:"WOODY_SQLITE_SYNC" default:"normal" oneof:"normal,full"`
	QueueTimeout time.Duration `env:"WOODY_QUEUE_TIMEOUT" default:"30s" min:"1ms"`

	DBReadDSN     string `name:"db-read-dsn" env:"WOODY_DB_READ_DSN" placeholder:"DSN"`
	DBReadDSNFile string `name:"db-read-dsn-file" env:"WOODY_DB_READ_DSN_FILE" placeholder:"FILE"`

	DBMigrateDSN     string `name:"db-migrate-dsn" env:"WOODY_DB_MIGRATE_DSN" placeholder:"DSN"`
	DBMigrateDSNFile string `name:"db-migrate-dsn-file" env:"WOODY_DB_MIGRATE_DSN_FILE" placeholder:"FILE"`

	NearCache string        `env:"WOODY_NEAR_CACHE" default:"on" oneof:"on,off"`
	NearBytes settings.Size `env:"WOODY_NEAR_BYTES" default:"64M" placeholder:"SIZE"`

	RedisAddr      string   `env:"WOODY_REDIS_ADDR" placeholder:"HOST:PORT"`
	RedisMaster    string   `env:"WOODY_REDIS_MASTER" placeholder:"NAME"`
	RedisSentinels []string `env:"WOODY_REDIS_SENTINELS" placeholder:"HOST:PORT"`

	RedisUser                 string `env:"WOODY_REDIS_USER" placeholder:"NAME"`
	RedisPassword             string `env:"WOODY_REDIS_PASSWORD" placeholder:"PASSWORD"`
	RedisPasswordFile         string `env:"WOODY_REDIS_PASSWORD_FILE" placeholder:"FILE"`
	RedisSentinelUser         string `env:"WOODY_REDIS_SENTINEL_USER" placeholder:"NAME"`
	RedisSentinelPassword     string `env:"WOODY_REDIS_SENTINEL_PASSWORD" placeholder:"PASSWORD"`
	RedisSentinelPasswordFile string `env:"WOODY_REDIS_SENTINEL_PASSWORD_FILE" placeholder:"FILE"`

	RedisTLS      string `name:"redis-tls" env:"WOODY_REDIS_TLS" default:"off" oneof:"on,off"`
	RedisCAFile   string `name:"redis-ca-file" env:"WOODY_REDIS_CA_FILE" placeholder:"FILE"`
	RedisCertFile string `env:"WOODY_REDIS_CERT_FILE" placeholder:"FILE"`
	RedisKeyFile  string `env:"WOODY_REDIS_KEY_FILE" placeholder:"FILE"`

	RedisNamespace string `env:"WOODY_REDIS_NAMESPACE" placeholder:"NAME"`

	RedisTimeout time.Duration `env:"WOODY_REDIS_TIMEOUT" default:"250ms" min:"1ms"`
	CacheLease   time.Duration `env:"WOODY_CACHE_LEASE" default:"1s" min:"100ms"`
	FillLease    time.Duration `env:"WOODY_FILL_LEASE" default:"1s" min:"100ms"`
	AckTimeout   time.Duration `env:"WOODY_ACK_TIMEOUT" default:"250ms" min:"1ms"`

	Front string `env:"WOODY_FRONT" default:"auto" oneof:"auto,on,off"`
	settings.Page

	HeavyDelay     time.Duration `env:"WOODY_HEAVY_DELAY" default:"500ms" min:"0s"`
	HeavySlots     int           `env:"WOODY_HEAVY_SLOTS" default:"2" min:"1" max:"10000"`
	SlowQueryDelay time.Duration `env:"WOODY_SLOW_QUERY_DELAY" default:"1500ms" min:"0s"`
	OrderWorkers   int           `env:"WOODY_ORDER_WORKERS" default:"4" min:"0" max:"1000"`
	ReserveFor     time.Duration `env:"WOODY_RESERVE_FOR" default:"15m" min:"1s" max:"24h"`

	Accounts          string `env:"WOODY_ACCOUNTS" default:"off" oneof:"on,off"`
	AdminPasswordFile string `env:"WOODY_ADMIN_PASSWORD_FILE" placeholder:"FILE"`
	adminPassword     string // what is in the file

	TrustedProxies []string `env:"WOODY_TRUSTED_PROXIES" placeholder:"NETWORK"`
	TokenKeysFiles []string `env:"WOODY_TOKEN_KEYS_FILES" placeholder:"FILE"`

	OTLPEndpoint string `name:"otlp-endpoint" env:"OTEL_EXPORTER_OTLP_ENDPOINT" placeholder:"URL"`
}

var commandLine = settings.Program{
	Name: "api",
	Description: "The shop's web API. With no configuration it is the whole shop in one process, " +
		"on a durable SQLite file.",
	Help: help,
}

// parseConfig reads the command line and the environment. It returns the command that was asked for,
// and an error that names the setting and what it allows.
func parseConfig(args []string, stdout, stderr io.Writer) (cfg config, command string, err error) {
	command, err = commandLine.Parse(&cfg, args, stdout, stderr)
	if command == "" {
		return cfg, "", err
	}
	var dsnErr, readErr, migrateErr, passwordErr, sentinelErr, adminErr error
	cfg.DBDSN, dsnErr = settings.Secret("WOODY_DB_DSN", cfg.DBDSN, cfg.DBDSNFile)
	cfg.DBReadDSN, readErr = settings.Secret("WOODY_DB_READ_DSN", cfg.DBReadDSN, cfg.DBReadDSNFile)
	cfg.DBMigrateDSN, migrateErr = settings.Secret("WOODY_DB_MIGRATE_DSN", cfg.DBMigrateDSN, cfg.DBMigrateDSNFile)
	cfg.RedisPassword, passwordErr = settings.Secret("WOODY_REDIS_PASSWORD", cfg.RedisPassword, cfg.RedisPasswordFile)
	cfg.RedisSentinelPassword, sentinelErr = settings.Secret("WOODY_REDIS_SENTINEL_PASSWORD", cfg.RedisSentinelPassword,
		cfg.RedisSentinelPasswordFile)
	cfg.adminPassword, adminErr = settings.Secret("WOODY_ADMIN_PASSWORD", "", cfg.AdminPasswordFile)
	return cfg, command, errors.Join(err, dsnErr, readErr, migrateErr, passwordErr, sentinelErr, adminErr, cfg.check())
}

// reserveFor returns how long an order keeps what it has reserved, which is longer than it takes to be validated.
func (c config) reserveFor() time.Duration { return max(c.ReserveFor, 2*c.HeavyDelay) }

// check refuses what the types and the tags allow.
func (c config) check() error {
	var errs []error
	if c.hasRedis() {
		_, err := c.redisOptions()
		errs = append(errs, err)
	}
	if err := site.CheckCDNURL(c.CDNURL); err != nil {
		errs = append(errs, fmt.Errorf("WOODY_CDN_URL: %w", err))
	}
	if err := tracing.CheckEndpoint(c.OTLPEndpoint); err != nil {
		errs = append(errs, fmt.Errorf("OTEL_EXPORTER_OTLP_ENDPOINT: %w", err))
	}
	if err := store.CheckDSN(c.DBDSN); err != nil {
		errs = append(errs, fmt.Errorf("WOODY_DB_DSN is %w", err))
	}
	if err := store.CheckDSN(c.DBReadDSN); err != nil {
		errs = append(errs, fmt.Errorf("WOODY_DB_READ_DSN is %w", err))
	}
	if err := store.CheckDSN(c.DBMigrateDSN); err != nil {
		errs = append(errs, fmt.Errorf("WOODY_DB_MIGRATE_DSN is %w", err))
	}
	_, err := c.trustedProxies()
	errs = append(errs, c.checkAccounts(), c.checkTokenKeys(), err)
	if c.DBMigrateDSN != "" && c.DBDSN == "" {
		errs = append(errs, errors.New("WOODY_DB_MIGRATE_DSN is for another user of the database that WOODY_DB_DSN "+
			"leads to: set that too"))
	}
	if c.DBReadDSN != "" && c.DBDSN == "" {
		errs = append(errs, errors.New("WOODY_DB_READ_DSN is for nodes of the cluster that WOODY_DB_DSN leads to: set "+
			"that too"))
	}
	errs = append(errs, c.checkAudit())
	return errors.Join(errs...)
}

// servesFront reports whether this process serves the page too.
func (c config) servesFront() bool { return c.Front == "on" || c.Front == "auto" && c.DBDSN == "" }
