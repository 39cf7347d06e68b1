package drill

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/woodytoys/woodytoys/internal/servers"
)

// breakStores breaks the database and Redis, one thing after another. What one has made fire may go while the next is
// broken: rates go on over their windows.
func (s *stage) breakStores(t *testing.T) {
	t.Run("slow database", s.slowDatabase)
	var fired []string
	for _, fault := range []struct {
		name    string
		breakIt func(*testing.T) (mend func(*testing.T))
		alerts  []string
	}{
		{"crowd", s.crowdStores, []string{
			"OutboxGrowing", "DatabaseConnectionsHigh", "DatabaseRollbacksMany", "CacheHitRatioLow",
		}},
		// While Redis is away, each write raises the epoch.
		{"redis", s.killRedis, []string{"RedisDown", "ReplicaWithoutSession", "EpochRaisedRepeatedly"}},
		{"database", s.killDatabase, []string{"DatabaseDown"}},
		{"disk", s.fillDisk, []string{"DatabaseFull", "DiskSpaceLow"}},
	} {
		t.Run(fault.name, func(t *testing.T) { s.breakAndMend(t, fault.breakIt, fault.alerts...) })
		fired = append(fired, fault.alerts...)
	}
	s.pager.mustResolve(t, fired...)
}

// crowdStores takes connections, rolls transactions back, holds the outbox and reads what nobody has read, all at once.
func (s *stage) crowdStores(t *testing.T) (mend func(*testing.T)) {
	free, stopRollbacks, letGo := s.takeConnections(t), s.rollBack(t), s.holdOutbox(t)
	stopReads := every(20*time.Millisecond, func(int) {
		get(fmt.Sprintf("%s/api/products/%d", s.proxy.URL, 1000+rand.IntN(1_000_000_000)))
	})
	return func(*testing.T) {
		letGo()
		free()
		stopRollbacks()
		stopReads()
	}
}

// mustOpen opens a pool of connections to the database itself.
func (s *stage) mustOpen(t *testing.T) *sql.DB {
	t.Helper()
	db, err := sql.Open("mysql", s.dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

const (
	connections = 400 // that the database has
	taken       = 330 // of them, what is too many; four replicas take a dozen each of the rest
)

// takeConnections takes connections until too many are taken, and more where the replicas let go of some: they had more
// of them while the database was slow.
func (s *stage) takeConnections(t *testing.T) (free func()) {
	t.Helper()
	db := s.mustOpen(t)
	var mu sync.Mutex
	var all []*sql.Conn
	take := func() error {
		mu.Lock()
		defer mu.Unlock()
		for {
			if len(all) > 0 {
				n, err := countConnections(t, all[0])
				if err != nil || n >= taken {
					return err
				}
			}
			conn, err := db.Conn(t.Context())
			if err != nil {
				return err
			}
			all = append(all, conn)
		}
	}
	if err := take(); err != nil {
		t.Fatal(err)
	}
	stop := every(time.Second, func(int) { _ = take() })
	return func() {
		stop()
		for _, conn := range all {
			conn.Close()
		}
		db.Close()
	}
}

// countConnections returns how many connections the database has, by one of them.
func countConnections(t *testing.T, conn *sql.Conn) (n int, err error) {
	err = conn.QueryRowContext(t.Context(), "SELECT VARIABLE_VALUE FROM information_schema.GLOBAL_STATUS"+
		" WHERE VARIABLE_NAME = 'THREADS_CONNECTED'").Scan(&n)
	return n, err
}

func (s *stage) rollBack(t *testing.T) (stop func()) {
	t.Helper()
	db := s.mustOpen(t)
	db.SetMaxOpenConns(2)
	return every(20*time.Millisecond, func(int) {
		tx, err := db.Begin()
		if err != nil {
			return
		}
		_, _ = tx.Exec("UPDATE product SET name = name WHERE id = 0")
		_ = tx.Rollback()
	})
}

// holdOutbox leaves a record as a writer that died would, and holds it, so that nobody can carry it out and remove it.
func (s *stage) holdOutbox(t *testing.T) (letGo func()) {
	t.Helper()
	db, ctx := s.mustOpen(t), context.WithoutCancel(t.Context())
	tx, err := db.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelReadCommitted})
	if err != nil {
		t.Fatal(err)
	}
	const id = 42
	_, err = db.ExecContext(ctx, "INSERT INTO woody_outbox (id, tags, recorded_us) VALUES (?, '[\"product:1\"]',"+
		" CAST(UNIX_TIMESTAMP(SYSDATE(6)) * 1000000 AS SIGNED))", id)
	if err != nil {
		t.Fatal(err)
	}
	var held int
	err = tx.QueryRowContext(ctx, "SELECT COUNT(*) FROM woody_outbox WHERE id = ? FOR UPDATE", id).Scan(&held)
	if err != nil || held != 1 {
		t.Fatal("the record is not there to be held: ", held, err)
	}
	return func() { _ = tx.Rollback() }
}

// slowDatabase moves the database away from the replicas, so that each question takes 130 ms, and a write several.
// Farther away, replicas would lose their leases. That the alerts go is awaited later: the budget's windows are long.
func (s *stage) slowDatabase(t *testing.T) {
	move := func(roundTrip time.Duration) {
		s.wire.MoveAway(roundTrip)
		s.wire.Cut()
		s.wire.Mend()
	}
	move(130 * time.Millisecond)
	s.pager.mustFire(t, "SlowAnswers", "ErrorBudgetBurningFast", "ErrorBudgetBurning")
	move(0)
}

func (s *stage) killRedis(*testing.T) (mend func(*testing.T)) {
	s.redis.Kill()
	return func(t *testing.T) {
		if err := s.redis.Restart(); err != nil {
			t.Fatal(err)
		}
	}
}

func (s *stage) killDatabase(*testing.T) (mend func(*testing.T)) {
	s.database.Kill()
	return func(t *testing.T) {
		if err := s.database.Restart(); err != nil {
			t.Fatal(err)
		}
	}
}

// fillDisk fills the disk that the database is on, and the room that its files have within.
func (s *stage) fillDisk(t *testing.T) (mend func(*testing.T)) {
	if err := s.disk.Fill(); err != nil {
		t.Fatal(err)
	}
	db := s.mustOpen(t)
	for n := 8192; n > 0; {
		_, err := db.ExecContext(t.Context(), fmt.Sprintf(
			"INSERT INTO product (name) SELECT REPEAT('x', 200) FROM seq_1_to_%d", n))
		var refused *mysql.MySQLError
		switch {
		case errors.As(err, &refused):
			n /= 2
		case err != nil:
			t.Fatal(err)
		}
	}
	s.mustFindNoRoom(t)
	return func(t *testing.T) {
		if err := s.disk.Free(); err != nil {
			t.Fatal(err)
		}
	}
}

// mustFindNoRoom adds products until a replica finds no room for one.
func (s *stage) mustFindNoRoom(t *testing.T) {
	t.Helper()
	body := `{"name":"` + strings.Repeat("x", 200) + `"}`
	for end := time.Now().Add(servers.Patience); time.Now().Before(end); {
		response, err := http.Post(s.proxy.URL+"/api/products", "application/json", strings.NewReader(body))
		if err != nil {
			continue // a machine that is as busy as that
		}
		response.Body.Close()
		if response.StatusCode == http.StatusInsufficientStorage {
			return
		}
	}
	t.Fatal("there is always room for one more product")
}
