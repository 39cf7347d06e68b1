package driver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/woodytoys/woodytoys/benchmarks/stage"
)

// Swarm brings stages up from the stack files, each as a stack of its own beside the others, with
// scripts/deploy, and ends them with scripts/remove. Images, secrets and the Swarm itself stay.
type Swarm struct {
	// Port is the first stack's public port; each further stack has the next one.
	Port int

	root   string // the project's folder
	stacks []string
	rounds int
}

// NewSwarm looks whether the scripts are there. It must be called from within the module.
func NewSwarm(port int) (*Swarm, error) {
	root, err := moduleFolder()
	if err != nil {
		return nil, err
	}
	s := &Swarm{Port: port, root: root}
	if _, err := os.Stat(filepath.Join(s.root, "scripts", "deploy")); err != nil {
		return nil, fmt.Errorf("the stages are deployed with scripts/deploy, which is not there: %w", err)
	}
	return s, nil
}

// moduleFolder returns the project's folder.
func moduleFolder() (string, error) {
	out, err := exec.Command("go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("find the module: %w", err)
	}
	return filepath.Dir(strings.TrimSpace(string(out))), nil
}

// Slice implements Driver.
func (s *Swarm) Slice(*Running, string, float64) error { return errNoSlices }

// Unwatched implements Driver.
func (s *Swarm) Unwatched() string { return errNoWatch.Error() }

// Watch implements Driver.
func (s *Swarm) Watch(*Running) (*Watch, error) { return nil, errNoWatch }

// Missing returns why a stage cannot be brought up; empty when it can.
func (s *Swarm) Missing(one stage.Stage) string {
	if _, err := os.Stat(filepath.Join(s.root, one.StackFile)); err != nil {
		return one.StackFile + " is not in this tree"
	}
	return ""
}

// Start deploys a stage and waits until all of it is healthy.
func (s *Swarm) Start(ctx context.Context, one stage.Stage, cfg Config) (*Running, error) {
	name := one.Name
	s.rounds++
	port := s.Port + len(s.stacks)
	if os.Getenv("DOCKER_HOST") == "" { // a remote Docker reports a taken port itself
		if err := portFree(port); err != nil {
			return nil, err
		}
	}
	stack := fmt.Sprintf("woodybench%d-%s%d", os.Getpid(), name, s.rounds)
	s.stacks = append(s.stacks, stack)
	deploy := s.script(ctx, stack, "deploy", one.Deployed()...)
	deploy.Env = append(deploy.Env, fmt.Sprintf("HTTP_PORT=%d", port), fmt.Sprintf("API_REPLICAS=%d", cfg.Replicas),
		"FRONT_REPLICAS=1", "ACCESS_LOG=off",
		"HEAVY_DELAY="+cfg.HeavyDelay.String(), "SLOW_QUERY_DELAY="+cfg.SlowQueryDelay.String(),
		fmt.Sprintf("HEAVY_SLOTS=%d", cfg.HeavySlots),
		fmt.Sprintf("FRONT_LIMIT_RATE=%d", cfg.Uplink), "DRAIN_DELAY=0s")
	out, err := deploy.CombinedOutput()
	if err != nil {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		return nil, fmt.Errorf("scripts/deploy %s: %w\n%s", strings.Join(one.Deployed(), " "), err, tail(string(out)))
	}
	status := s.script(ctx, stack, "status", "--url")
	status.Env = append(status.Env, fmt.Sprintf("HTTP_PORT=%d", port))
	url, err := status.Output()
	if err != nil {
		return nil, fmt.Errorf("scripts/status --url: %w", err)
	}
	running := entrance(strings.TrimPrefix(strings.TrimSpace(string(url)), "http://"))
	running.Name = name
	running.lookUp = func() ([]Part, error) { return s.parts(ctx, stack) }
	running.Parts, err = running.lookUp()
	return running, err
}

// shopName is what requests name a shop that is at an address: beside an address there is no cdn. name. DNS has no such
// name (RFC 6761, 6.2).
const shopName = "shop.test"

// entrance returns how a stage is reached that is at HOST or HOST:PORT.
func entrance(at string) *Running {
	host, port, err := net.SplitHostPort(at)
	if err != nil {
		host, port = at, "80"
	}
	named := at
	if net.ParseIP(host) != nil {
		named = shopName + strings.TrimPrefix(at, host)
	} else if host == "localhost" {
		host = "127.0.0.1"
	}
	return &Running{Addr: net.JoinHostPort(host, port), Host: named, PageURL: "http://" + named + "/"}
}

// Hosts implements Driver.
func (s *Swarm) Hosts() []string {
	out, err := exec.Command("docker", "node", "inspect", "self", "--format", "{{.Status.Addr}}").Output()
	if ip := net.ParseIP(strings.TrimSpace(string(out))); err == nil && ip != nil && !ip.IsLoopback() {
		return []string{"MAP " + shopName + " " + ip.String(), "MAP *." + shopName + " " + ip.String()}
	}
	return nil
}

// portFree returns an error if a port is taken.
func portFree(port int) error {
	ln, err := net.Listen("tcp", ":"+strconv.Itoa(port))
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("port %d is in use: end what listens there (ss -ltnp sport = :%d shows it), or choose "+
			"others with --port", port, port)
	}
	if err != nil {
		return err
	}
	return ln.Close()
}

// partOf is what the services are called here.
var partOf = map[string]string{"reverse-proxy": "proxy", "front": "front", "api": "api", "database": "database",
	"redis": "redis", "cdn": "edge", "database2": "database2", "database3": "database3",
	"database-proxy": "database-proxy"}

// parts returns the processes of a stack's containers. It returns none where some of them are on other machines: their
// processor time is not to be had, and that of the rest would be taken for all.
func (s *Swarm) parts(ctx context.Context, stack string) (parts []Part, err error) {
	endpoint, err := exec.CommandContext(ctx, "docker", "context", "inspect", "--format",
		"{{.Endpoints.docker.Host}}").Output()
	if err != nil || !strings.HasPrefix(string(endpoint), "unix://") {
		return nil, nil
	}
	tasks, err := exec.CommandContext(ctx, "docker", "stack", "ps", "-q", "--filter", "desired-state=running",
		stack).Output()
	if err != nil {
		return nil, fmt.Errorf("docker stack ps: %w", err)
	}
	const format = `{{index .Config.Labels "com.docker.swarm.service.name"}} {{.State.Pid}}`
	ids, err := exec.CommandContext(ctx, "docker", "ps", "-q", "--filter",
		"label=com.docker.stack.namespace="+stack).Output()
	if err != nil {
		return nil, fmt.Errorf("docker ps: %w", err)
	}
	if here := len(strings.Fields(string(ids))); here == 0 || here != len(strings.Fields(string(tasks))) {
		return nil, nil
	}
	out, err := exec.CommandContext(ctx, "docker",
		append([]string{"inspect", "--format", format}, strings.Fields(string(ids))...)...).Output()
	if err != nil {
		return nil, fmt.Errorf("docker inspect: %w", err)
	}
	for line := range strings.Lines(string(out)) {
		service, pid, _ := strings.Cut(strings.TrimSpace(line), " ")
		name := partOf[strings.TrimPrefix(service, stack+"_")]
		id, err := strconv.Atoi(pid)
		if name == "" || err != nil || id == 0 {
			continue
		}
		parts = addPart(parts, name, id)
	}
	return parts, nil
}

// End removes all stacks that were deployed, with their data.
func (s *Swarm) End() {
	for _, stack := range s.stacks {
		ctx, cancel := context.WithTimeout(context.Background(), 4*time.Minute)
		_ = s.script(ctx, stack, "remove").Run() // the error is ignored: docker stack ls shows what is left
		volumes, _ := exec.CommandContext(ctx, "docker", "volume", "ls", "-q", "--filter",
			"label=com.docker.stack.namespace="+stack).Output()
		for volume := range strings.FieldsSeq(string(volumes)) {
			ended, _ := exec.CommandContext(ctx, "docker", "ps", "-aq", "--filter", "volume="+volume).Output()
			// ended containers, kept for their logs, still hold the volume
			if ids := strings.Fields(string(ended)); len(ids) > 0 {
				_ = exec.CommandContext(ctx, "docker", append([]string{"rm", "-f"}, ids...)...).Run()
			}
			_ = exec.CommandContext(ctx, "docker", "volume", "rm", volume).Run()
		}
		cancel()
	}
	s.stacks = nil
}

// Close is End.
func (s *Swarm) Close() { s.End() }

// Versions returns the engine's and the images'.
func (s *Swarm) Versions() map[string]string {
	out, err := exec.Command("docker", "version", "--format", "{{.Server.Version}}").Output()
	if err != nil {
		return nil
	}
	versions := map[string]string{"docker": strings.TrimSpace(string(out))}
	// Images that are named are not built from here.
	if registry, tag := os.Getenv("REGISTRY"), os.Getenv("TAG"); registry != "" || tag != "" {
		versions["woodytoys"] = fmt.Sprintf("unknown (images of REGISTRY=%s TAG=%s)", registry, tag)
	}
	return versions
}

// stackSetting is one that a stack file takes from the environment.
var stackSetting = regexp.MustCompile(`\$\{([A-Z0-9_]+)`)

// environment returns this process's without the settings that stack files would take from it: what is measured is the
// same in every shell. Whose images they are, and how long a task is watched, stays.
func (s *Swarm) environment() []string {
	settings := map[string]bool{}
	files, _ := filepath.Glob(filepath.Join(s.root, "stack*.yml"))
	for _, file := range files {
		text, _ := os.ReadFile(file) // what cannot be read is not deployed either
		for _, found := range stackSetting.FindAllStringSubmatch(string(text), -1) {
			settings[found[1]] = true
		}
	}
	return slices.DeleteFunc(os.Environ(), func(v string) bool {
		name, _, _ := strings.Cut(v, "=")
		return settings[name] && name != "REGISTRY" && name != "TAG" && !strings.HasSuffix(name, "_TAG") &&
			name != "UPDATE_MONITOR"
	})
}

// script returns the command of one of the operators' scripts, for a stack. Ctrl-C does not reach it: the end of ctx
// does.
func (s *Swarm) script(ctx context.Context, stack, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, filepath.Join(s.root, "scripts", name), args...)
	cmd.Dir, cmd.Env = s.root, append(s.environment(), "STACK="+stack)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	return cmd
}
