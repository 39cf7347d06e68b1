//go:build e2e

package e2e

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/woodytoys/woodytoys/benchmarks/instruments/machine"
)

var (
	out  = flag.String("out", "", "write the figures to this file too")
	keep = flag.Bool("keep", false, "leave the Swarm and its images for the next run, and use those of the one before")

	rate  = flag.Int("rate", 500, "how many requests people make in a second while something happens to the shop")
	until = flag.Int64("until", 0, "when to have ended, in seconds since 1970: what would take longer is left out")
)

// The Swarm of these tests, apart from an operator's own.
const (
	swarmName = "woodye2e"
	swarmNet  = "10.213.78"
	swarmDir  = "/var/tmp/woody-e2e"
	tree      = swarmDir + "/tree" // a copy of this one, as a clone would be
	registry  = swarmNet + ".254:5000/woodytoys"
	nodeURL   = "http://" + swarmNet + ".1"
)

// The versions of the images: two that differ in name only, and one whose API ends at once.
const (
	first  = "e2e-1"
	second = "e2e-2"
	broken = "e2e-broken"
)

func TestMain(m *testing.M) {
	flag.Parse()
	for name, value := range map[string]string{
		"LOCAL_SWARM": swarmName, "LOCAL_SWARM_NET": swarmNet, "LOCAL_SWARM_DIR": swarmDir,
		"DOCKER_HOST": "unix://" + swarmDir + "/1/docker.sock", "HTTP_PORT": "80", "STACK": "woody", "TAG": first,
		// load, Swarm and all servers share the cores
		"HEAVY_DELAY": "1s", "SLOW_QUERY_DELAY": "0s", "REDIS_TIMEOUT": "1s",
		// what fails here fails at once, and each deployment waits for so long after its last task
		"UPDATE_MONITOR": "5s",
		"DOCKER_CONFIG":  swarmDir + "/docker",
		// whoever runs this may have a shop, whose backups are not these stacks'
		"BACKUP_FOLDER": "", "BACKUP_REPOSITORY": "",
	} {
		os.Setenv(name, value)
	}
	os.Exit(run(m))
}

func run(m *testing.M) (status int) {
	free, err := claim()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer free()
	if !*keep {
		if text, err := script("local-swarm", "down", "--keep-images"); err != nil {
			fmt.Fprintln(os.Stderr, text, err)
			return 1
		}
		defer func() {
			if text, err := script("local-swarm", "down", "--keep-images"); err != nil {
				fmt.Fprintln(os.Stderr, text, err)
				status = 1
			}
		}()
	}
	began := time.Now()
	if err := prepare(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	figuref("one node, bases and images: %.0f s", time.Since(began).Seconds())
	for _, image := range []string{"api", "front"} {
		size, err := docker("image", "inspect", "--format", "{{.Size}}", "localhost/woodytoys/"+image+":"+first)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		figuref("image %s: %s bytes", image, size)
	}
	status = runAll(m)
	if err := report(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return status
}

// runAll runs the tests named TestLong after the others, unless it was said which are wanted.
func runAll(m *testing.M) (status int) {
	run, skip := flag.Lookup("test.run").Value, flag.Lookup("test.skip").Value
	if run.String() != "" || skip.String() != "" {
		return m.Run()
	}
	_ = skip.Set("^TestLong") // neither fails: they are texts
	if status = m.Run(); status != 0 {
		return status
	}
	_, _ = skip.Set(""), run.Set("^TestLong")
	return m.Run()
}

// takes leaves a test out that would not be over when -until says. On a slow machine it takes about so long.
func takes(t *testing.T, about time.Duration) {
	t.Helper()
	if *until > 0 && time.Now().Add(about).After(time.Unix(*until, 0)) {
		fmt.Fprintf(os.Stderr, "e2e: %s is left out: it takes up to %v, and -until is before that\n", t.Name(), about)
		t.Skip("no time")
	}
}

// claim sees to it that no other run of these tests is at work, whose Swarm would be ended, and that the figures can be
// written, which is done an hour later.
func claim() (free func(), err error) {
	if *out != "" {
		file, err := os.OpenFile(*out, os.O_CREATE|os.O_WRONLY, 0o644)
		if err != nil {
			return nil, fmt.Errorf("-out: %w (give an absolute path: these tests run in the folder e2e)", err)
		}
		file.Close()
	}
	lock, err := os.OpenFile(swarmDir+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		lock.Close()
		return nil, fmt.Errorf("another run of these tests has the Swarm in %s: wait until it has ended (%w)", swarmDir,
			err)
	}
	return func() { lock.Close() }, nil
}

// prepare copies the tree, begins a Swarm of one node and builds what is deployed on it.
func prepare() error {
	copied := exec.Command("sh", "-c", `mkdir -p "$0" &&
		git ls-files -z --cached --others --exclude-standard |
		tar -c --ignore-failed-read --null -T - | tar -x -C "$0"`, tree)
	copied.Dir = ".."
	if text, err := copied.CombinedOutput(); err != nil {
		return fmt.Errorf("copy the tree: %s%w", text, err)
	}
	if text, err := script("local-swarm", "up", "1"); err != nil {
		return fmt.Errorf("%s%w", text, err)
	}
	if _, err := docker("image", "inspect", "localhost/woodytoys/api:"+broken); err == nil && *keep {
		return nil
	}
	if text, err := script("images"); err != nil {
		return fmt.Errorf("%s%w", text, err)
	}
	for _, image := range []string{"api", "front"} {
		for _, tag := range []string{second, broken} {
			if _, err := docker("tag", "localhost/woodytoys/"+image+":"+first,
				"localhost/woodytoys/"+image+":"+tag); err != nil {
				return err
			}
		}
	}
	build := exec.Command("docker", "build", "-q", "-t", "localhost/woodytoys/api:"+broken, "-")
	build.Stdin = strings.NewReader("FROM localhost/woodytoys/api:" + first +
		"\nENTRYPOINT [\"/api\", \"--no-such-flag\"]\n")
	if text, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build the broken image: %s%w", text, err)
	}
	return nil
}

// script runs one of the operator's, with settings ("BALANCE=random") among its arguments taken for the environment.
func script(name string, args ...string) (string, error) {
	file := tree + "/scripts/" + name
	if name == "local-swarm" { // which is there before the copy, and after it
		file = "../scripts/" + name
	}
	cmd := exec.Command(file)
	cmd.Env = os.Environ()
	for _, arg := range args {
		if key, _, ok := strings.Cut(arg, "="); ok && key == strings.ToUpper(key) {
			cmd.Env = append(cmd.Env, arg)
			continue
		}
		cmd.Args = append(cmd.Args, arg)
	}
	text, err := cmd.CombinedOutput()
	return string(text), err
}

func mustScript(t *testing.T, name string, args ...string) {
	t.Helper()
	if text, err := script(name, args...); err != nil {
		t.Fatalf("scripts/%s %v: %v\n%s", name, args, err, text)
	}
}

// docker returns what the command printed, without the white space around it.
func docker(args ...string) (string, error) {
	text, err := exec.Command("docker", args...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("docker %v: %w\n%s", args, err, text)
	}
	return strings.TrimSpace(string(text)), nil
}

func mustDocker(t *testing.T, args ...string) string {
	t.Helper()
	text, err := docker(args...)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// containers returns the ids of a service's running containers on the first node.
func containers(t *testing.T, service string) []string {
	t.Helper()
	ids := strings.Fields(mustDocker(t, "ps", "-q", "--filter", "label=com.docker.swarm.service.name=woody_"+service))
	if len(ids) == 0 {
		t.Fatalf("no container of %s runs", service)
	}
	return ids
}

// awaitSettled waits until every service has all its tasks healthy.
func awaitSettled(t *testing.T) {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(500 * time.Millisecond) {
		text, err := script("status")
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the stack is not settled after two minutes:\n%s", text)
		}
	}
}

// The figures of this run, for the report.
var (
	figuresMu sync.Mutex
	figures   []string
)

func figuref(format string, args ...any) {
	figuresMu.Lock()
	defer figuresMu.Unlock()
	figures = append(figures, fmt.Sprintf(format, args...))
	fmt.Println("    figure:", figures[len(figures)-1])
}

func report() error {
	if *out == "" {
		return nil
	}
	text := "make e2e: the stack on a real Docker Swarm, load and servers on the same machine\n" +
		time.Now().UTC().Format(time.DateOnly) + ", " + machine.Describe() + "\n\n" + strings.Join(figures, "\n") + "\n"
	return os.WriteFile(*out, []byte(text), 0o644)
}
