package cluster

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"

	"github.com/woodytoys/woodytoys/cache/internal/broken"
)

// checkNamespace refuses what could not stand in a name, or would be a pattern in the rights of a user at Redis.
func checkNamespace(namespace string) error {
	const most = 64
	odd := func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`:*?[]\`, r) }
	if len(namespace) > most || strings.ContainsFunc(namespace, odd) {
		return fmt.Errorf("cache: Cluster.Namespace may have %d printable ASCII characters, and none of : * ? [ ] \\ and space", most)
	}
	return nil
}

// place is where in Redis the replicas of a database meet: a run of the server, and of it a logical database and a
// namespace. The epoch names one place, so that replicas with other settings take turns, and never answer beside each
// other.
func (c *Config) place(run string) string {
	if c.Redis.DB == 0 && c.Namespace == "" || broken.Name {
		return run
	}
	hash := sha256.Sum256(fmt.Appendf(nil, "%s %d %s", run, c.Redis.DB, c.Namespace))
	return fmt.Sprintf("%x", hash[:16])
}

// errForeign is a namespace in which replicas of another database are.
var errForeign = errors.New("another database is using this namespace at Redis")

func (c *Config) foreign(ledger string) error {
	return fmt.Errorf("%w (its ledger is %s): give each program a namespace of its own (Cluster.Namespace, WOODY_REDIS_NAMESPACE), "+
		"or none", errForeign, ledger)
}
