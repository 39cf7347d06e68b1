package cluster

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"

	"github.com/woodytoys/woodytoys/cache/internal/broken"
	"github.com/woodytoys/woodytoys/cache/internal/namespace"
)

// checkNames refuses a namespace or an instance that cannot be.
func (c *Config) checkNames() error {
	if c.Ledger == nil {
		return errors.New("cluster: Config.Ledger is missing")
	}
	if err := namespace.Check(c.Ledger.Namespace()); err != nil {
		return fmt.Errorf("cluster: the ledger: %w", err)
	}
	return checkInstance(c.Instance)
}

// checkInstance refuses what could not stand in a name, or would be a pattern in the rights of a user at Redis.
func checkInstance(instance string) error {
	const most = 64
	odd := func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`:*?[]\`, r) }
	if len(instance) > most || strings.ContainsFunc(instance, odd) {
		return fmt.Errorf("cluster: Config.Instance may have %d printable ASCII characters, and none of "+
			": * ? [ ] \\ and space", most)
	}
	return nil
}

// place returns where in Redis the replicas of a database meet: a run of the server, and of it a logical database and
// an instance. The epoch names one place, so that replicas with other settings take turns, and never answer beside each
// other.
func (c *Config) place(run string) string {
	if c.Redis.DB == 0 && c.Instance == "" || broken.Name {
		return run
	}
	hash := sha256.Sum256(fmt.Appendf(nil, "%s %d %s", run, c.Redis.DB, c.Instance))
	return fmt.Sprintf("%x", hash[:16])
}

// errForeign is an instance that replicas of another database are.
var errForeign = errors.New("another database is using the same names at Redis")

func (c *Config) foreign(ledger string) error {
	return fmt.Errorf(
		"%w (its ledger is %s): give each program an instance of its own (cluster.Config.Instance), or none",
		errForeign, ledger)
}
