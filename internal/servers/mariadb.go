package servers

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/go-sql-driver/mysql"
)

// MariaDB is a MariaDB server that listens on a socket file in its own folder.
type MariaDB struct {
	*Process
	// Addr is the HOST:PORT of one that has StartPrimary's settings; empty for others.
	Addr      string
	dir       string
	options   []string
	databases atomic.Int64 // how many were made
}

// StartMariaDB makes a data folder in a new temporary folder and starts a server on it, with more options of its own.
func StartMariaDB(options ...string) (*MariaDB, error) {
	dir, err := os.MkdirTemp("", "woody-mariadb") // short: a socket's path may have 107 bytes
	if err != nil {
		return nil, err
	}
	m := &MariaDB{dir: dir, options: options}
	if err := m.install(); err != nil {
		os.RemoveAll(dir)
		return nil, err
	}
	if err := m.Restart(); err != nil {
		os.RemoveAll(dir)
		return nil, err
	}
	return m, nil
}

// emptyIn is the variable that names a folder in which a caller of several test programs keeps what a server's data
// folder is at first, such that one of them makes it and the others copy it. The caller removes it.
const emptyIn = "WOODYTEST_EMPTY"

// install makes the data folder of a server that has nothing yet.
func (m *MariaDB) install() error {
	dir := os.Getenv(emptyIn)
	if dir == "" {
		return m.installAt(m.Data())
	}
	empty := filepath.Join(dir, "mariadb")
	if _, err := os.Stat(empty); err != nil {
		if err := m.keep(empty); err != nil {
			return err
		}
	}
	return os.CopyFS(m.Data(), os.DirFS(empty))
}

// keep makes a data folder to be copied. Another process may be faster: its own is as good.
func (m *MariaDB) keep(empty string) error {
	if err := os.MkdirAll(filepath.Dir(empty), 0o755); err != nil {
		return err
	}
	dir, err := os.MkdirTemp(filepath.Dir(empty), "new")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	made := filepath.Join(dir, "data")
	if err := m.installAt(made); err != nil {
		return err
	}
	if err := os.Rename(made, empty); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

func (m *MariaDB) installAt(data string) error {
	install, err := LookPath("mariadb-install-db")
	if err != nil {
		return err
	}
	cmd := exec.Command(install, "--no-defaults", "--datadir="+data,
		"--auth-root-authentication-method=normal", "--skip-test-db", "--user=root", m.tmpdir(),
		"--innodb-flush-method=nosync", // what it has written is there for the server without waiting for the disk
		"--innodb-log-file-size=8M")    // the server makes it as large as it wants
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("mariadb-install-db: %w\n%s", err, out)
	}
	return nil
}

// Restart starts the server on its data, after Kill or Stop ended it, and waits until it answers.
func (m *MariaDB) Restart() error {
	program, err := LookPath("mariadbd")
	if err != nil {
		return err
	}
	m.Process, err = Start(exec.Command(program, append([]string{"--no-defaults", "--user=root",
		"--datadir=" + m.Data(), "--socket=" + m.socket(), "--pid-file=" + filepath.Join(m.dir, "pid"),
		"--skip-networking", m.tmpdir(), "--innodb-buffer-pool-size=256M", "--max-connections=300",
	}, m.options...)...), filepath.Join(m.dir, "log"))
	if err != nil {
		return err
	}
	db, err := sql.Open("mysql", m.DSN(""))
	if err != nil {
		return err
	}
	defer db.Close()
	return m.AwaitReady(Patience, func() error {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_, err := db.ExecContext(ctx, "SELECT COUNT(*) FROM mysql.db") // a node of Galera answers pings before that
		return err
	})
}

// BorrowMariaDB returns a server that another process has started, by the folder of its Data. The caller may make
// databases on it and use its DSN; it must not stop, restart or close it.
func BorrowMariaDB(data string) *MariaDB { return &MariaDB{dir: filepath.Dir(data)} }

// AddOptions adds options that the server is started with the next time.
func (m *MariaDB) AddOptions(options ...string) { m.options = append(m.options, options...) }

// DSN returns the address of a database on this server, which may be missing.
func (m *MariaDB) DSN(database string) string {
	cfg := mysql.NewConfig()
	cfg.User, cfg.Net, cfg.Addr, cfg.DBName = "root", "unix", m.socket(), database
	cfg.Logger = &mysql.NopLogger{}
	return cfg.FormatDSN()
}

// StartWire carries connections to this server, and returns the DSN of a database by way of it.
func (m *MariaDB) StartWire(dsn string) (wire *Wire, through string, err error) {
	if wire, err = StartWire(m.socket()); err != nil {
		return nil, "", err
	}
	cfg, err := mysql.ParseDSN(dsn)
	if err != nil {
		wire.Close()
		return nil, "", err
	}
	cfg.Net, cfg.Addr = "tcp", wire.Addr
	return wire, cfg.FormatDSN(), nil
}

// NewDatabase makes an empty database with a name of its own and returns its DSN.
func (m *MariaDB) NewDatabase() (dsn string, err error) {
	db, err := sql.Open("mysql", m.DSN(""))
	if err != nil {
		return "", err
	}
	defer db.Close()
	name := fmt.Sprintf("woody%d_%d", os.Getpid(), m.databases.Add(1)) // a server may be lent to other processes
	if _, err := db.Exec("CREATE DATABASE " + name); err != nil {
		return "", err
	}
	return m.DSN(name), nil
}

// Close ends the server and removes its folder.
func (m *MariaDB) Close() {
	m.Stop(10 * time.Second)
	os.RemoveAll(m.dir)
}

// tmpdir gives a server a place of its own for temporary tables: a server that starts removes those that it
// finds, another's included.
func (m *MariaDB) tmpdir() string { return "--tmpdir=" + m.dir }

// Data returns the folder of the server's data.
func (m *MariaDB) Data() string   { return filepath.Join(m.dir, "data") }
func (m *MariaDB) socket() string { return filepath.Join(m.dir, "socket") }
