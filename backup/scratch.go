package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/user"
	"time"

	"github.com/go-sql-driver/mysql"
)

// scratch is a MariaDB server with nothing in it, on a socket file in the work folder and on no network.
type scratch struct {
	cfg    *config
	cmd    *exec.Cmd
	ended  <-chan error
	failed error // how it ended
	back   int   // transactions that are not in it, though they began before the stop, by a clock that had gone back
}

// scratchPatience is how long the scratch server may take to begin.
const scratchPatience = 2 * time.Minute

// startScratch makes the server anew.
func startScratch(ctx context.Context, cfg *config) (*scratch, error) {
	s := &scratch{cfg: cfg}
	if err := os.RemoveAll(cfg.below("scratch")); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(cfg.below("scratch"), 0o700); err != nil {
		return nil, err
	}
	who, err := user.Current()
	if err != nil {
		return nil, fmt.Errorf("look up the user that runs the server: %w", err)
	}
	if err := runChild(ctx, exec.Command("mariadb-install-db", "--no-defaults", "--datadir="+s.data(),
		"--auth-root-authentication-method=normal", "--skip-test-db", "--user="+who.Username,
		"--tmpdir="+cfg.below("scratch"), "--innodb-log-file-size=8M", "--innodb-flush-method=nosync")); err != nil {
		return nil, err
	}
	// Nothing of it outlives a verification, so that nothing need be on the disk.
	s.cmd = exec.Command(cfg.ScratchMariadbd, "--no-defaults", "--user="+who.Username, "--datadir="+s.data(),
		"--socket="+s.socket(), "--pid-file="+cfg.below("scratch", "pid"), "--tmpdir="+cfg.below("scratch"),
		"--skip-networking", "--skip-log-bin", "--character-set-server=utf8mb4", "--collation-server=utf8mb4_bin",
		"--innodb-buffer-pool-size=64M", "--innodb-flush-method=nosync", "--innodb-flush-log-at-trx-commit=0",
		"--innodb-doublewrite=0", "--max-allowed-packet=1G", "--performance-schema=OFF", "--event-scheduler=OFF")
	log, err := os.Create(cfg.below("scratch", "log"))
	if err != nil {
		return nil, err
	}
	defer log.Close()
	s.cmd.Stdout, s.cmd.Stderr = log, log
	if s.ended, err = startChild(s.cmd); err != nil {
		return nil, err
	}
	if err := s.await(ctx); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *scratch) data() string   { return s.cfg.below("scratch", "data") }
func (s *scratch) socket() string { return s.cfg.below("scratch", "s") }

// await waits until the server serves, and makes the databases.
func (s *scratch) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, scratchPatience)
	defer cancel()
	db, err := s.open("")
	if err != nil {
		return err
	}
	defer db.Close()
	for {
		_, err := db.ExecContext(ctx, "CREATE DATABASE IF NOT EXISTS "+quote(s.cfg.Name))
		if err == nil {
			_, err = db.ExecContext(ctx, "CREATE DATABASE IF NOT EXISTS "+quote(auditOf(s.cfg.Name)))
		}
		if err == nil {
			return nil
		}
		select {
		case s.failed = <-s.ended:
			text, _ := os.ReadFile(s.cfg.below("scratch", "log"))
			return fmt.Errorf("the scratch server ended: %w: %s", errors.Join(s.failed, errors.New("see its log")),
				tail(string(text)))
		case <-ctx.Done():
			return fmt.Errorf("the scratch server does not begin: %w", err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func (s *scratch) open(database string) (*sql.DB, error) {
	cfg := mysql.NewConfig()
	cfg.User, cfg.Net, cfg.Addr, cfg.DBName, cfg.Logger = "root", "unix", s.socket(), database, &mysql.NopLogger{}
	return sql.Open("mysql", cfg.FormatDSN())
}

// client returns the command line client of the server, for statements on its standard input.
func (s *scratch) client() *exec.Cmd {
	return exec.Command("mariadb", "--no-defaults", "--socket="+s.socket(), "--user=root", "--max-allowed-packet=1G",
		"--default-character-set=utf8mb4", "--binary-mode", s.cfg.Name)
}

// load runs a dump.
func (s *scratch) load(ctx context.Context, file string) error {
	in, err := os.Open(file)
	if err != nil {
		return err
	}
	defer in.Close()
	cmd := s.client()
	cmd.Stdin, cmd.Stdout = in, io.Discard
	return runChild(ctx, cmd)
}

// replay applies logs.
func (s *scratch) replay(ctx context.Context, logs []string) error {
	if len(logs) == 0 {
		return nil
	}
	args := append([]string{"--no-defaults", "--skip-gtid-strict-mode"}, logs...)
	return runPair(ctx, exec.Command("mariadb-binlog", args...), s.client())
}

// sums returns what the server's database is now.
func (s *scratch) sums(ctx context.Context) (sums, error) {
	db, err := s.open(s.cfg.Name)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	if _, err := conn.ExecContext(ctx, "SET SESSION time_zone = '+00:00'"); err != nil {
		return nil, err
	}
	return sumUpAll(ctx, conn, s.cfg.Name)
}

// close ends the server, and removes all of it.
func (s *scratch) close() {
	_ = s.cmd.Process.Kill()
	if s.failed == nil {
		<-s.ended
	}
	os.RemoveAll(s.cfg.below("scratch"))
}
