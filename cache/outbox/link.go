package outbox

import (
	"context"
	"database/sql"
	"errors"
	"reflect"
	"sync"
	"time"

	"github.com/woodytoys/woodytoys/cache/internal/broken"
)

// link is what is known of a connection. Only who holds the connection looks at it.
type link struct {
	writableAt time.Time // when its server last reported that it takes writes
	causal     bool      // causal reads are switched on
	galera     bool      // its server is a node of a Galera cluster
	used       time.Time // when the connection was last taken, under the lock of links
}

// links is what is known of the pool's connections, by the driver's. What is forgotten of one is found out again.
type links struct {
	mu    sync.Mutex
	known map[any]*link
}

// forgetAfter is how long a connection is remembered that nobody uses: it may have ended.
const forgetAfter = time.Minute

// of returns what is known of a connection.
func (l *links) of(conn *sql.Conn) (known *link) {
	_ = conn.Raw(func(c any) error {
		known = l.find(c)
		return nil
	})
	if known == nil {
		return &link{} // it ended, or the driver's connections cannot be distinguished
	}
	return known
}

func (l *links) find(c any) *link {
	if !reflect.TypeOf(c).Comparable() {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	known := l.known[c]
	if known == nil {
		known = &link{}
		l.forget(now)
		l.known[c] = known
	}
	known.used = now
	return known
}

func (l *links) forget(now time.Time) {
	if l.known == nil {
		l.known = map[any]*link{}
	}
	for c, known := range l.known {
		if now.Sub(known.used) > forgetAfter {
			delete(l.known, c)
		}
	}
}

// causalSQL returns the statement that makes a session's readings wait for what was committed before, and keeps what
// other statements wait for.
func causalSQL() string {
	if broken.Causal {
		return "SET SESSION wsrep_sync_wait = 0"
	}
	return "SET SESSION wsrep_sync_wait = @@SESSION.wsrep_sync_wait | 1"
}

// beCausal makes the readings of a connection see every write that was acknowledged before, by whatever node. Nodes of
// a Galera cluster all take writes, so that none of them proves anything by it, and each may be behind the others:
// where the server is one, a reading waits until it has caught up.
func (o *Outbox) beCausal(ctx context.Context, conn *sql.Conn, l *link) error {
	if l.causal || o.cfg.Dialect != MySQL {
		return nil
	}
	var name, on string
	err := conn.QueryRowContext(ctx, "SHOW VARIABLES LIKE 'wsrep_on'").Scan(&name, &on)
	if l.galera = err == nil && on == "ON"; l.galera {
		_, err = conn.ExecContext(ctx, causalSQL())
	}
	if errors.Is(err, sql.ErrNoRows) {
		err = nil // MySQL
	}
	l.causal = err == nil
	return err
}
