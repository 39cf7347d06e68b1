package settings

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
)

// names are the settings of all programs, which may share one environment.
var names = []string{
	"OTEL_EXPORTER_OTLP_ENDPOINT", // OpenTelemetry's own name
	"WOODY_ACCOUNTS", "WOODY_ACK_TIMEOUT", "WOODY_ADDR", "WOODY_ADMIN_ADDR", "WOODY_ADMIN_PASSWORD_FILE",
	"WOODY_API_URL", "WOODY_AUDIT_LOG", "WOODY_BACKUP_EVERY",
	"WOODY_BACKUP_KEEP", "WOODY_BACKUP_KEEP_DAILY", "WOODY_BACKUP_KEY", "WOODY_BACKUP_KEY_FILE",
	"WOODY_BACKUP_PASSWORD", "WOODY_BACKUP_PASSWORD_FILE", "WOODY_BACKUP_REPOSITORY", "WOODY_BACKUP_RETRY_AFTER",
	"WOODY_BACKUP_SECRETS_KEY_FILE", "WOODY_BACKUP_SHIP_EVERY", "WOODY_BACKUP_SOURCES", "WOODY_BACKUP_TARGET",
	"WOODY_BACKUP_TARGET_PASSWORD", "WOODY_BACKUP_TARGET_PASSWORD_FILE", "WOODY_BACKUP_TARGET_USER",
	"WOODY_BACKUP_USER", "WOODY_BACKUP_VERIFY_EVERY", "WOODY_BACKUP_WORK_DIR", "WOODY_CACHE_LEASE", "WOODY_CDN_DIR",
	"WOODY_CDN_HOSTS", "WOODY_CDN_MEMORY", "WOODY_CDN_METRICS_ADDR", "WOODY_CDN_ORIGIN", "WOODY_CDN_URL",
	"WOODY_CERTIFICATE_FILE", "WOODY_CERTIFICATE_FOLDER",
	"WOODY_DATA_DIR", "WOODY_DB_BUFFER_POOL", "WOODY_DB_DIRECT", "WOODY_DB_DSN", "WOODY_DB_DSN_FILE",
	"WOODY_DB_LEAST_FREE", "WOODY_DB_MIGRATE_DSN", "WOODY_DB_MIGRATE_DSN_FILE", "WOODY_DB_NAME", "WOODY_DB_NODE",
	"WOODY_DB_NODES", "WOODY_DB_NODE_ADDR", "WOODY_DB_OPTIONS", "WOODY_DB_PASSWORD", "WOODY_DB_PASSWORD_FILE",
	"WOODY_DB_POOL", "WOODY_DB_PROVIDER", "WOODY_DB_READ_DSN", "WOODY_DB_READ_DSN_FILE", "WOODY_DB_RUN_DIR",
	"WOODY_DB_SERVER", "WOODY_DB_TIMEOUT", "WOODY_DB_USER", "WOODY_DB_USERS_FILE", "WOODY_DB_WRITE_SETS",
	"WOODY_DRAIN_DELAY", "WOODY_DRAIN_TIMEOUT", "WOODY_FILL_LEASE", "WOODY_FRONT", "WOODY_FRONT_LIMIT_RATE",
	"WOODY_HEAVY_DELAY", "WOODY_HEAVY_SLOTS", "WOODY_LISTENING_FILE", "WOODY_LOG_FORMAT", "WOODY_LOG_LEVEL",
	"WOODY_NEAR_BYTES", "WOODY_NEAR_CACHE", "WOODY_OBSERVER_ADMIN_PORT", "WOODY_OBSERVER_API",
	"WOODY_OBSERVER_PROXY", "WOODY_OBSERVER_RATE", "WOODY_ORDER_WORKERS", "WOODY_QUEUE_TIMEOUT", "WOODY_REDIS_ADDR",
	"WOODY_REDIS_CA_FILE", "WOODY_REDIS_CERT_FILE", "WOODY_REDIS_KEY_FILE", "WOODY_REDIS_MASTER",
	"WOODY_REDIS_NAMESPACE", "WOODY_REDIS_PASSWORD", "WOODY_REDIS_PASSWORD_FILE", "WOODY_REDIS_SENTINELS",
	"WOODY_REDIS_SENTINEL_PASSWORD", "WOODY_REDIS_SENTINEL_PASSWORD_FILE", "WOODY_REDIS_SENTINEL_USER",
	"WOODY_REDIS_TIMEOUT", "WOODY_REDIS_TLS", "WOODY_REDIS_USER", "WOODY_REPLICA_ID", "WOODY_RESERVE_FOR",
	"WOODY_SLOW_QUERY_DELAY", "WOODY_SQLITE_SYNC", "WOODY_TOKEN_KEYS_FILES",
	"WOODY_TRUSTED_PROXIES",
}

// Names returns the variables of all programs.
func Names() []string { return slices.Clone(names) }

// WarnOfUnknown logs each variable that looks like a setting and is none of any program: mistyped, most likely.
func WarnOfUnknown(log *slog.Logger) {
	for _, name := range unknown() {
		log.Warn("there is no such setting, see --help", "variable", name)
	}
}

// RefuseUnknown returns an error for the variables that WarnOfUnknown warns of: for a command that does one thing to
// what its settings name, and must not do it to something else.
func RefuseUnknown() error {
	var errs []error
	for _, name := range unknown() {
		errs = append(errs, fmt.Errorf("there is no setting %s (see --help)", name))
	}
	return errors.Join(errs...)
}

func unknown() (found []string) {
	for _, pair := range os.Environ() {
		name, _, _ := strings.Cut(pair, "=")
		if strings.HasPrefix(name, prefix) && !slices.Contains(names, name) {
			found = append(found, name)
		}
	}
	return found
}
