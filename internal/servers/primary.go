package servers

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/go-sql-driver/mysql"
)

// Pair is two MariaDB servers: a primary, and a replica of it that may take its place. Both listen on a port, and
// start read-only.
type Pair struct {
	Primary, Replica *MariaDB
}

// The users of a pair. appUser may do all but write to a server that is read-only; adminUser may that too.
const appUser, adminUser, followerUser, password = "woody", "admin", "follower", "secret"

// StartPair starts two servers, with an empty database woody.
func StartPair() (*Pair, error) {
	type started struct {
		m   *MariaDB
		err error
	}
	second := make(chan started, 1)
	go func() {
		m, err := startReadOnly(2)
		second <- started{m, err}
	}()
	first, err := startReadOnly(1)
	other := <-second
	p := &Pair{Primary: first, Replica: other.m}
	if err = errors.Join(err, other.err); err == nil {
		err = p.introduce()
	}
	if err != nil {
		p.Close()
		return nil, err
	}
	return p, nil
}

func startReadOnly(id int) (*MariaDB, error) {
	port, err := FreePort("127.0.0.1")
	if err != nil {
		return nil, err
	}
	m, err := StartMariaDB("--skip-networking=0", "--bind-address=127.0.0.1", "--port="+port, "--skip-name-resolve",
		fmt.Sprint("--server-id=", id), "--log-bin", "--binlog-format=ROW", "--log-bin-trust-function-creators=1",
		"--log-slave-updates=1", "--gtid-strict-mode=1", "--slave-net-timeout=5", "--read-only=1")
	if m != nil {
		m.Addr = net.JoinHostPort("127.0.0.1", port)
	}
	return m, err
}

// introduce makes the database and its user on the primary, and has the replica follow.
func (p *Pair) introduce() error {
	statements := []string{"RESET MASTER", "CREATE DATABASE woody"}
	for user, right := range map[string]string{
		appUser: "ALL ON woody.*", adminUser: "ALL ON *.*", followerUser: "REPLICATION SLAVE ON *.*",
	} {
		statements = append(statements, fmt.Sprintf("CREATE USER %s@'%%' IDENTIFIED BY '%s'", user, password),
			fmt.Sprintf("GRANT %s TO %s@'%%'", right, user))
	}
	return errors.Join(
		p.Replica.exec("RESET MASTER"), // forget the transactions that installing it logged
		p.Primary.exec(statements...), p.Follow(), p.Promote())
}

func (m *MariaDB) follow(primary *MariaDB) error {
	host, port, err := net.SplitHostPort(primary.Addr)
	if err != nil {
		return err
	}
	change := fmt.Sprintf("CHANGE MASTER TO MASTER_HOST='%s', MASTER_PORT=%s, MASTER_USER='%s', MASTER_PASSWORD='%s', "+
		"MASTER_USE_GTID=slave_pos, MASTER_CONNECT_RETRY=1", host, port, followerUser, password)
	return m.exec("STOP SLAVE", "SET GLOBAL gtid_slave_pos = @@GLOBAL.gtid_current_pos", change, "START SLAVE")
}

// DSN returns the address of the database woody at HOST:PORT, for a user who cannot write to a server that is
// read-only.
func (p *Pair) DSN(addr string) string { return dsn(addr, appUser) }

// AdminDSN is like DSN, for a user who can.
func (p *Pair) AdminDSN(addr string) string { return dsn(addr, adminUser) }

func dsn(addr, user string) string {
	cfg := mysql.NewConfig()
	cfg.User, cfg.Passwd, cfg.Net, cfg.Addr, cfg.DBName = user, password, "tcp", addr, "woody"
	cfg.Logger = &mysql.NopLogger{}
	return cfg.FormatDSN()
}

// Demote makes the primary read-only, and waits until the replica has all of it; an error where it has more than that.
// Nobody takes writes then. The
// connections of the old primary stay.
func (p *Pair) Demote() error {
	if err := p.Primary.exec("SET GLOBAL read_only = 1"); err != nil {
		return err
	}
	var position string
	if err := p.Primary.query(&position, "SELECT @@GLOBAL.gtid_binlog_pos"); err != nil {
		return err
	}
	var late int
	if err := p.Replica.query(&late, "SELECT MASTER_GTID_WAIT(?, 20)", position); err != nil || late != 0 {
		return fmt.Errorf("the replica does not come up to the primary: %d, %v", late, err)
	}
	var reached string
	if err := p.Replica.query(&reached, "SELECT @@GLOBAL.gtid_binlog_pos"); err != nil || reached != position {
		return fmt.Errorf("the replica is at %s, the primary at %s: somebody wrote to the replica; %v",
			reached, position, err)
	}
	return nil
}

// Exchange makes the replica of a demoted primary the primary, which takes no writes yet. The old one stays as it is
// until Follow.
func (p *Pair) Exchange() error {
	p.Primary, p.Replica = p.Replica, p.Primary
	return p.Primary.exec("STOP SLAVE")
}

// Follow starts replication from the primary to the replica.
func (p *Pair) Follow() error { return p.Replica.follow(p.Primary) }

// Promote makes the primary take writes, also after it was started again.
func (p *Pair) Promote() error { return p.Primary.exec("SET GLOBAL read_only = 0") }

// Connections returns how many connections of Pair.DSN's user a server has.
func (m *MariaDB) Connections() (n int, err error) {
	err = m.query(&n, "SELECT COUNT(*) FROM information_schema.processlist WHERE user = ?", appUser)
	return n, err
}

func (m *MariaDB) exec(statements ...string) error {
	db, err := sql.Open("mysql", m.DSN(""))
	if err != nil {
		return err
	}
	defer db.Close()
	for _, statement := range statements {
		if _, err := db.Exec(statement); err != nil {
			return fmt.Errorf("%s: %w", statement, err)
		}
	}
	return nil
}

func (m *MariaDB) query(dest any, query string, args ...any) error {
	db, err := sql.Open("mysql", m.DSN(""))
	if err != nil {
		return err
	}
	defer db.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	return db.QueryRowContext(ctx, query, args...).Scan(dest)
}

// Close ends both servers.
func (p *Pair) Close() {
	for _, m := range []*MariaDB{p.Primary, p.Replica} {
		if m != nil {
			m.Close()
		}
	}
}
