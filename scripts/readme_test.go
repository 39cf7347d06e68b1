package scripts_test

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/woodytoys/woodytoys/internal/servers"
	"github.com/woodytoys/woodytoys/internal/servers/servertest"
)

// blocks returns the code of one language in the cache's README.
func blocks(t *testing.T, language string) (found []string) {
	t.Helper()
	fence := regexp.MustCompile("(?ms)^```" + language + "\n(.*?)^```$")
	for _, block := range fence.FindAllStringSubmatch(mustRead(t, "../cache/README.md"), -1) {
		found = append(found, block[1])
	}
	if found == nil {
		t.Fatalf("the README has no %s", language)
	}
	return found
}

func TestREADMEIsShort(t *testing.T) {
	if lines := strings.Count(mustRead(t, "../cache/README.md"), "\n"); lines > 100 {
		t.Errorf("cache/README.md has %d lines, want 100 at most", lines)
	}
}

// snippets are the programs around the README's code, with all that it leaves out.
const snippets = `package main

import (
	"context"
	"database/sql"
	"net/http"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/woodytoys/woodytoys/cache"
	"github.com/woodytoys/woodytoys/cache/cluster"
	"github.com/woodytoys/woodytoys/cache/httpcache"
	"github.com/woodytoys/woodytoys/cache/outbox"
)

type Toy struct{ ID string }

func loadToy(ctx context.Context, id int) (Toy, error) { return Toy{}, ctx.Err() }

func main() {}

func snippet(ctx context.Context, mux *http.ServeMux, handleToy http.Handler, db *sql.DB, tx *sql.Tx, c *cache.Cache) {
	{
%s
	}
	use(time.Second, redis.Nil, cluster.Config{}, httpcache.Options{}, outbox.Config{})
}

func use(...any) {}
`

// TestREADMECompiles compiles each piece of the README's code, but for what it leaves unused.
func TestREADMECompiles(t *testing.T) {
	t.Parallel()
	u := mustBeUser(t, "cache")
	pieces := blocks(t, "go")
	for i, piece := range pieces {
		u.mustWrite(t, fmt.Sprintf("piece%d/main.go", i), fmt.Sprintf(snippets, piece))
	}
	u.mustGet(t)
	for i, piece := range pieces {
		out, _ := u.command(fmt.Sprintf("go build -gcflags=-e -o /dev/null ./piece%d", i)).CombinedOutput()
		for line := range strings.Lines(string(out)) {
			if !strings.HasPrefix(line, "#") && !strings.Contains(line, "declared and not used: ") {
				t.Errorf("%s\nin\n%s", line, piece)
			}
		}
	}
}

// examples are the programs that the README starts, by their folders, with the settings that a test has to change.
var examples = map[string]func(t *testing.T) (settings []string){
	"sqlite": func(*testing.T) []string { return nil },
	"chi": func(t *testing.T) []string {
		dsn := servertest.MustMakeDatabase(t, servertest.MustStartPostgres(t))
		return []string{"-db", dsn, "-redis", servertest.MustStartRedis(t).Addr}
	},
	"fiber": func(t *testing.T) []string {
		dsn := servertest.MustMakeDatabase(t, servertest.MustStartMariaDB(t))
		return []string{"-db", dsn, "-redis", servertest.MustStartRedis(t).Addr}
	},
}

func TestREADMENamesEveryExample(t *testing.T) {
	programs, err := filepath.Glob("../cache/examples/*/main.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, program := range programs {
		name := filepath.Base(filepath.Dir(program))
		if examples[name] == nil {
			t.Errorf("no test starts the example %s", name)
		}
		if !strings.Contains(mustRead(t, "../cache/README.md"), "(examples/"+name+")") {
			t.Errorf("the README does not name the example %s", name)
		}
	}
	if len(programs) != len(examples) {
		t.Errorf("there are %d examples, the tests know %d", len(programs), len(examples))
	}
}

// TestLongREADMERuns runs the README's commands in an empty folder: for the example that they name, and for the others
// in its place. The program listens on a port of its own, and uses servers of the test.
func TestLongREADMERuns(t *testing.T) {
	t.Parallel()
	const named = "sqlite"
	for name, settings := range examples {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			u := mustBeUser(t, library...)
			begin, ask := commands(t, strings.ReplaceAll(blocks(t, "sh")[0], named, name))
			addr := mustListenAt(t)
			args := append([]string{"-c", "set -e\n" + begin + ` -addr "$@"`, "sh", addr}, settings(t)...)
			program := u.mustStart(t, exec.Command("sh", args...))
			var out string
			for _, command := range ask {
				out = u.mustRun(t, strings.ReplaceAll(command, "localhost:8080", addr))
			}
			if !strings.HasSuffix(out, "Yoyo") {
				t.Errorf("the last command printed %q, want it to end with Yoyo", out)
			}
			if err := syscall.Kill(-program.PID(), syscall.SIGINT); err != nil {
				t.Fatal(err)
			}
			// "go run" ends with 1 after Ctrl-C, whatever the program does: see the examples' own tests
			_ = program.Wait()
		})
	}
}

// commands parts the README's commands into those up to the one that starts the program, and those that ask it.
func commands(t *testing.T, block string) (begin string, ask []string) {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(block), "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, "go run ") {
			return strings.Join(lines[:i], "\n") + "\nexec " + line, lines[i+1:]
		}
	}
	t.Fatalf("the README starts nothing:\n%s", block)
	return "", nil
}

func mustListenAt(t *testing.T) (addr string) {
	t.Helper()
	port, err := servers.FreePort("127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	return "127.0.0.1:" + port
}

// mustStart starts a program in the user's folder, and waits until it listens.
func (u *user) mustStart(t *testing.T, cmd *exec.Cmd) *servers.Process {
	t.Helper()
	cmd.Dir, cmd.Env = u.dir, u.env
	program, err := servers.Start(cmd, filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(program.Kill)
	if err := program.AwaitLog("listening on"); err != nil {
		t.Fatal(err)
	}
	return program
}
