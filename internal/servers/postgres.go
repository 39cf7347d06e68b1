package servers

import (
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// Postgres is a PostgreSQL server that listens on a port and on a socket file in its own folder. It outlives no crash
// of the machine (fsync is off), as no test does.
type Postgres struct {
	*Process
	// Addr is the server's HOST:PORT.
	Addr      string
	dir       string
	options   []string
	databases atomic.Int64 // how many were made
}

// postgresUser is the server's superuser, and, where this process is root's, whose processes it is: the server refuses
// to be root's.
const postgresUser = "postgres"

// StartPostgres makes a data folder in a new temporary folder and starts a server on it, with settings of its own, each
// NAME=VALUE.
func StartPostgres(settings ...string) (*Postgres, error) {
	return startPostgres(settings, func(p *Postgres) error {
		return p.run("initdb", "--pgdata="+p.data(), "--username="+postgresUser, "--auth=trust", "--encoding=UTF8",
			"--no-locale", "--no-sync")
	})
}

// StartPostgresCopy starts a server that copies another one, and takes no writes before Promote.
func StartPostgresCopy(primary *Postgres, settings ...string) (*Postgres, error) {
	return startPostgres(settings, func(p *Postgres) error {
		return p.run("pg_basebackup", "--pgdata="+p.data(), "--dbname="+primary.DSN(""), "--write-recovery-conf",
			"--wal-method=stream", "--checkpoint=fast", "--no-sync")
	})
}

func startPostgres(settings []string, install func(*Postgres) error) (*Postgres, error) {
	dir, err := os.MkdirTemp("", "woody-postgres") // short: a socket's path may have 107 bytes
	if err != nil {
		return nil, err
	}
	p := &Postgres{dir: dir}
	for _, setting := range settings {
		p.options = append(p.options, "-c", setting)
	}
	if err := p.begin(install); err != nil {
		os.RemoveAll(dir)
		return nil, err
	}
	return p, nil
}

func (p *Postgres) begin(install func(*Postgres) error) error {
	port, err := FreePort("127.0.0.1")
	if err != nil {
		return err
	}
	p.Addr = net.JoinHostPort("127.0.0.1", port)
	if err := p.giveAway(); err != nil {
		return err
	}
	if err := install(p); err != nil {
		return err
	}
	return p.Restart()
}

// giveAway makes the server's user the owner of its folder, unless it runs as this process's user.
func (p *Postgres) giveAway() error {
	owner, err := postgresOwner()
	if err != nil || owner == nil {
		return err
	}
	return os.Chown(p.dir, int(owner.Uid), int(owner.Gid))
}

// postgresOwner returns whose processes a server's are to be; nil for this process's user.
func postgresOwner() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	owner, err := user.Lookup(postgresUser)
	if err != nil {
		return nil, fmt.Errorf("PostgreSQL does not run as root (scripts/need postgres makes its user): %w", err)
	}
	uid, err := strconv.ParseUint(owner.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(owner.Gid, 10, 32)
	if err != nil {
		return nil, err
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
}

// command returns a program of PostgreSQL's, to be run as the server's user.
func (p *Postgres) command(name string, args ...string) (*exec.Cmd, error) {
	program, err := lookPostgres(name)
	if err != nil {
		return nil, err
	}
	owner, err := postgresOwner()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(program, args...)
	cmd.Dir = p.dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: owner}
	return cmd, nil
}

func (p *Postgres) run(name string, args ...string) error {
	cmd, err := p.command(name, args...)
	if err != nil {
		return err
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", name, err, out)
	}
	return nil
}

// lookPostgres finds a program of PostgreSQL's: Debian keeps those of each version in a folder of its own, on no PATH.
func lookPostgres(name string) (string, error) {
	paths, err := filepath.Glob("/usr/lib/postgresql/*/bin/" + name)
	if err != nil {
		return "", err
	}
	newest, newestVersion := "", 0
	for _, path := range paths {
		version, err := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path))))
		if err == nil && version > newestVersion {
			newest, newestVersion = path, version
		}
	}
	if newest != "" {
		return newest, nil
	}
	return LookPath(name)
}

// Restart starts the server on its data, after Kill or Stop ended it, and waits until it answers.
func (p *Postgres) Restart() error {
	_, port, err := net.SplitHostPort(p.Addr)
	if err != nil {
		return err
	}
	cmd, err := p.command("postgres", append([]string{
		"-D", p.data(), "-k", p.dir, "-c", "listen_addresses=127.0.0.1", "-p", port,
		"-c", "fsync=off", "-c", "full_page_writes=off", "-c", "max_connections=300", "-c", "shared_buffers=64MB",
		"-c", "dynamic_shared_memory_type=mmap", // shared memory as files in the server's folder, removed with it
	}, p.options...)...)
	if err != nil {
		return err
	}
	if p.Process, err = Start(cmd, filepath.Join(p.dir, "log")); err != nil {
		return err
	}
	return p.AwaitLog("database system is ready to accept")
}

// Kill ends the server at once, as a crash does, and waits until it is gone. (A SIGKILL would leave its memory behind.)
func (p *Postgres) Kill() { p.end(syscall.SIGQUIT, Patience) }

// Stop ends the server's connections and the server, and kills it if that takes longer than patience.
func (p *Postgres) Stop(patience time.Duration) { p.end(syscall.SIGINT, patience) }

func (p *Postgres) end(how syscall.Signal, patience time.Duration) {
	_ = p.Signal(how)
	select {
	case <-p.Done():
	case <-time.After(patience):
		p.Process.Kill()
	}
}

// Promote makes a copy of another server take writes from now on, with what it has of that one's data.
func (p *Postgres) Promote() error { return p.run("pg_ctl", "promote", "--pgdata="+p.data(), "--wait") }

// DSN returns the URL of a database on this server, which may be missing, by its socket file.
func (p *Postgres) DSN(database string) string {
	_, port, _ := net.SplitHostPort(p.Addr)
	return p.url(database, url.Values{"host": {p.dir}, "port": {port}})
}

// DSNAt returns the URL of a database by way of HOST:PORT.
func (p *Postgres) DSNAt(addr, database string) string {
	host, port, _ := net.SplitHostPort(addr)
	return p.url(database, url.Values{"host": {host}, "port": {port}})
}

func (p *Postgres) url(database string, query url.Values) string {
	query.Set("sslmode", "disable")
	query.Set("user", postgresUser)
	return "postgres:///" + database + "?" + query.Encode()
}

// StartWire carries connections to this server, and returns the DSN of a database by way of it.
func (p *Postgres) StartWire(dsn string) (wire *Wire, through string, err error) {
	at, err := url.Parse(dsn)
	if err != nil {
		return nil, "", err
	}
	if wire, err = StartWire(p.Addr); err != nil {
		return nil, "", err
	}
	return wire, p.DSNAt(wire.Addr, strings.TrimPrefix(at.Path, "/")), nil
}

// Exec runs statements in a database, each in a transaction of its own.
func (p *Postgres) Exec(database string, statements ...string) error {
	args := []string{"--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--dbname=" + p.DSN(database)}
	for _, statement := range statements {
		args = append(args, "--command="+statement)
	}
	return p.run("psql", args...)
}

// NewDatabase makes an empty database with a name of its own and returns its DSN.
func (p *Postgres) NewDatabase() (dsn string, err error) {
	name := fmt.Sprintf("test%d", p.databases.Add(1))
	if err := p.Exec(postgresUser, "CREATE DATABASE "+name); err != nil {
		return "", err
	}
	return p.DSN(name), nil
}

// Close ends the server and removes its folder.
func (p *Postgres) Close() {
	p.end(syscall.SIGQUIT, 10*time.Second)
	os.RemoveAll(p.dir)
}

func (p *Postgres) data() string { return filepath.Join(p.dir, "data") }
