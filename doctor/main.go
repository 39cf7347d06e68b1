// The doctor asks everything of a running stack that can be asked, and says in plain sentences what is wrong and what
// to do. scripts/doctor is how it is run, and has its help.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// pause is how long the doctor waits before it looks again at what it has found.
const pause = 3 * time.Second

func main() {
	found, err := run(context.Background(), os.Args[1:], os.Stdout)
	switch {
	case errors.Is(err, errUsage):
		fmt.Fprintln(os.Stderr, "scripts/doctor:", err)
		os.Exit(2)
	case err != nil:
		fmt.Fprintln(os.Stderr, "scripts/doctor:", err)
		os.Exit(1)
	case found:
		os.Exit(1)
	}
}

var errUsage = errors.New("wrong call (see --help)")

// config is what the command line and the environment say.
type config struct {
	stack, dockerHost string
	tree              string // where the stack files and ./secrets are
	asJSON            bool
	leastFree         float64 // of a disk, percent
	urls              []*url.URL
	resolver          *net.Resolver
}

func parse(args []string) (config, error) {
	c := config{stack: os.Getenv("STACK"), dockerHost: os.Getenv("DOCKER_HOST"), resolver: net.DefaultResolver}
	if c.stack == "" {
		c.stack = "woody"
	}
	flags := flag.NewFlagSet("doctor", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.BoolVar(&c.asJSON, "json", false, "")
	flags.StringVar(&c.tree, "tree", ".", "")
	flags.Func("url", "", func(text string) error {
		u, err := url.Parse(text)
		if err != nil || u.Host == "" || strings.Trim(u.Path, "/") != "" || u.Scheme != "http" && u.Scheme != "https" {
			return fmt.Errorf("%q is not like https://shop.example.org", text)
		}
		c.urls = append(c.urls, u)
		return nil
	})
	flags.Func("resolver", "", func(server string) error {
		if _, _, err := net.SplitHostPort(server); err != nil {
			server = net.JoinHostPort(server, "53")
		}
		c.resolver = resolverAt(server)
		return nil
	})
	flags.Float64Var(&c.leastFree, "free", 10, "")
	if err := flags.Parse(args); err != nil {
		return c, fmt.Errorf("%w: %w", errUsage, err)
	}
	if c.leastFree < 0 || c.leastFree > 100 {
		return c, fmt.Errorf("%w: --free is a percentage, not %v", errUsage, c.leastFree)
	}
	if flags.NArg() > 0 {
		return c, fmt.Errorf("%w: it takes no %q", errUsage, flags.Arg(0))
	}
	return c, nil
}

// resolverAt returns one that asks the DNS server at HOST:PORT.
func resolverAt(server string) *net.Resolver {
	var dialer net.Dialer
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return dialer.DialContext(ctx, network, server)
	}}
}

// run looks, and once more if something is wrong, and writes what was wrong both times. It reports whether anything
// was.
func run(ctx context.Context, args []string, out io.Writer) (found bool, err error) {
	c, err := parse(args)
	if err != nil {
		return false, err
	}
	look := func() (findings, error) {
		f, err := gather(ctx, c)
		return judge(f), err
	}
	wrong, err := look()
	if err == nil && len(wrong) > 0 {
		time.Sleep(pause)
		var now findings
		now, err = look()
		wrong = again(wrong, now)
	}
	if err != nil {
		return false, err
	}
	if c.asJSON {
		encoder := json.NewEncoder(out)
		encoder.SetIndent("", "  ")
		return len(wrong) > 0, encoder.Encode(struct {
			Findings findings `json:"findings"`
		}{append(findings{}, wrong...)})
	}
	write(out, wrong)
	return len(wrong) > 0, nil
}

// gather asks everything that can be asked.
func gather(ctx context.Context, c config) (facts, error) {
	f := facts{now: time.Now(), stack: c.stack, leastFree: c.leastFree}
	info, port, err := f.swarm(ctx)
	if err != nil || f.trouble != "" {
		return f, err
	}
	f.doorsOf(ctx, port)
	for _, u := range c.urls {
		f.publicly(ctx, c.resolver, u)
	}
	if err := f.lookInside(ctx); err != nil {
		return f, err
	}
	if err := f.secretFiles(c.tree); err != nil {
		return f, err
	}
	f.certificate([]byte(info.Swarm.Cluster.TLSInfo.TrustRoot), "the Swarm's authority")
	f.certificateFiles(filepath.Join(c.tree, "secrets"), "secrets")
	if c.dockerHost == "" || strings.HasPrefix(c.dockerHost, "unix://") { // of this machine
		own := filepath.Join(info.DockerRootDir, "swarm", "certificates", "swarm-node.crt")
		f.certificateFile(own, "this node in the Swarm")
		if len(f.disks) == 0 { // nobody watches them
			f.diskOf(info.DockerRootDir, "Docker's data on this machine")
		}
	}
	f.deploysOf("/proc", c.dockerHost)
	return f, nil
}

// lookInside asks what only the stack's own networks reach, from containers that run on this node.
func (f *facts) lookInside(ctx context.Context) error {
	found, err := f.containers(ctx, "reverse-proxy")
	if err != nil {
		return err
	}
	if len(found) == 0 {
		f.unseen = append(f.unseen, unseen{"DNS in the stack, the replicas and what watches them", "reverse-proxy"})
		return f.lookAmongMembers(ctx)
	}
	f.prometheus.there = f.has("prometheus")
	in := container(found[0])
	f.namesOf(ctx, in)
	f.replicasOf(ctx, in)
	if f.prometheus.there {
		f.watched(ctx, in, "http://prometheus:9090")
	}
	return f.lookAmongMembers(ctx)
}

// lookAmongMembers asks the nodes of stage database from a container that is in their network.
func (f *facts) lookAmongMembers(ctx context.Context) error {
	if !f.has("database2") {
		return nil
	}
	addresses := map[string]string{}
	for _, name := range members {
		addresses[name] = net.JoinHostPort(name, "9200")
	}
	for _, service := range append([]string{"database-proxy"}, members...) {
		found, err := f.containers(ctx, service)
		if err != nil {
			return err
		}
		if len(found) > 0 {
			f.membersOf(ctx, container(found[0]), addresses)
			return nil
		}
	}
	// There may be no manager that has any of them.
	fmt.Fprintln(os.Stderr, "scripts/doctor: nothing on this node reaches the database's nodes: they were not asked")
	return nil
}

// containers returns those of a service that run on this node.
func (f *facts) containers(ctx context.Context, service string) ([]string, error) {
	return ids(ctx, "ps", "-q", "--filter", "status=running",
		"--filter", "label=com.docker.swarm.service.name="+f.stack+"_"+service)
}
