package scripts_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/woodytoys/woodytoys/internal/servers/goproxy"
)

// library are the modules that others use, and testServers the one that only their tests need.
var (
	library     = []string{"cache", "cache/fibercache", "cache/examples"}
	testServers = "internal/servers"
)

// user is somebody who has nothing of this repository but the paths of its modules: a folder, and a go command that
// finds those modules in a proxy made of the tree, and others among those that this machine has.
type user struct {
	dir     string
	env     []string
	modules string // the paths of those in the proxy
}

func mustBeUser(t *testing.T, modules ...string) *user {
	t.Helper()
	proxy, own := mustPublish(t, modules)
	u := &user{dir: t.TempDir(), env: append(os.Environ(),
		"GOENV=off", "GOWORK=off", "GOSUMDB=off", "GOPRIVATE=", "GONOPROXY=none", "GOTOOLCHAIN=local", "CGO_ENABLED=0",
		// so that what was compiled in another folder is not compiled again
		"GOFLAGS=-modcacherw -trimpath -buildvcs=false",
		"GOMODCACHE="+own, "GOCACHE="+mustRun(t, "..", "go env GOCACHE"),
		fmt.Sprintf("GOPROXY=file://%s,file://%s/cache/download", proxy, mustRun(t, "..", "go env GOMODCACHE")),
	)}
	for _, module := range modules {
		if module != testServers {
			u.modules += " " + shop + "/" + module
		}
	}
	return u
}

// published are the folders made by mustPublish, which all users of the same modules share: unpacking is most of their
// work.
var published struct {
	sync.Mutex
	dir string            // of all of them
	of  map[string]string // by the modules' folders
}

func TestMain(m *testing.M) {
	code := m.Run()
	os.RemoveAll(published.dir)
	os.Exit(code)
}

// mustPublish returns the folder of a proxy that has these modules, and that of a cache of modules which have come from
// it.
func mustPublish(t *testing.T, modules []string) (proxy, cache string) {
	t.Helper()
	published.Lock()
	defer published.Unlock()
	if published.of == nil {
		dir, err := os.MkdirTemp("", "woody-modules")
		if err != nil {
			t.Fatal(err)
		}
		published.dir, published.of = dir, map[string]string{}
	}
	name := strings.Join(modules, " ")
	dir, found := published.of[name]
	if !found {
		var err error
		if dir, err = os.MkdirTemp(published.dir, ""); err != nil {
			t.Fatal(err)
		}
		for _, module := range modules {
			mustRun(t, filepath.Join("..", module), "go mod download")
		}
		if err := goproxy.Make(filepath.Join(dir, "proxy"), "..", "v0.1.0", modules...); err != nil {
			t.Fatal(err)
		}
		published.of[name] = dir
	}
	return filepath.Join(dir, "proxy"), filepath.Join(dir, "cache")
}

// mustRun runs a command of the shell, and returns what it printed.
func mustRun(t *testing.T, dir, command string) string {
	t.Helper()
	return (&user{dir: dir, env: append(os.Environ(), "GOWORK=off")}).mustRun(t, command)
}

func (u *user) mustRun(t *testing.T, command string) string {
	t.Helper()
	cmd := u.command(command)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s%s", command, err, out, stderr.String())
	}
	return strings.TrimSpace(string(out))
}

// mustGet makes the folder a module that requires the library, and all that its packages import: what the library names
// too in the version that it names, and so one that this machine has.
func (u *user) mustGet(t *testing.T) {
	t.Helper()
	u.mustRun(t, "go mod init toys && go get"+u.modules+" && go get ./...")
}

func (u *user) command(command string) *exec.Cmd {
	cmd := exec.Command("sh", "-c", command)
	cmd.Dir, cmd.Env = u.dir, u.env
	return cmd
}

func (u *user) mustWrite(t *testing.T, file, text string) {
	t.Helper()
	file = filepath.Join(u.dir, file)
	if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}
