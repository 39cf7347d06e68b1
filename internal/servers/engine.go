package servers

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Engine is a Docker engine in a network namespace of its own, in which nothing of this machine's own Docker, networks
// or firewall is.
type Engine struct {
	*Process
	// Host is what DOCKER_HOST is to be for it.
	Host string
	// Address is where the other engines that were started with it reach it.
	Address string
}

// Engines are Docker engines that were started together.
type Engines struct {
	// All of them, in order.
	All []*Engine

	dir, name string
}

// StartEngines starts n engines that reach each other, and no network else. It needs root, and Docker.
func StartEngines(n int) (*Engines, error) {
	dir, err := os.MkdirTemp("/var/tmp", "woody-engines") // the name of a socket must be short
	if err != nil {
		return nil, err
	}
	e := &Engines{dir: dir, name: fmt.Sprintf("woody%d", os.Getpid()%1_000_000)}
	// The bridge is in a namespace too.
	err = shell(`ip netns add "$1" && ip -n "$1" link add br0 type bridge && ip -n "$1" link set br0 up`, e.name)
	for i := 1; i <= n && err == nil; i++ {
		err = e.start(i)
	}
	if err != nil {
		e.Close()
		return nil, err
	}
	return e, nil
}

func (e *Engines) start(i int) error {
	name, address := fmt.Sprint(e.name, "n", i), fmt.Sprint("10.213.92.", i)
	err := shell(`ip netns add "$1"
		ip -n "$1" link add eth0 type veth peer name "p$3" netns "$2"
		ip -n "$2" link set "p$3" master br0 up
		ip -n "$1" address add "$4/24" dev eth0
		ip -n "$1" link set lo up
		ip -n "$1" link set eth0 up`, name, e.name, fmt.Sprint(i), address)
	if err != nil {
		return err
	}
	at := filepath.Join(e.dir, fmt.Sprint(i))
	if err := os.Mkdir(at, 0o700); err != nil {
		return err
	}
	engine := &Engine{Host: "unix://" + at + "/sock", Address: address}
	// ip netns exec would hide the cgroups; nsenter does not.
	engine.Process, err = Start(exec.Command("nsenter", "--net=/run/netns/"+name, "unshare", "--uts", "sh", "-c",
		`hostname "$0" && exec "$@"`, name, "dockerd", "--host", engine.Host, "--data-root", at+"/data",
		"--exec-root", at+"/run", "--pidfile", at+"/pid"), at+"/log")
	if err != nil {
		return err
	}
	e.All = append(e.All, engine)
	return engine.AwaitReady(Patience, func() error {
		_, err := engine.Docker("version")
		return err
	})
}

// Docker runs Docker's command line for an engine, and returns what it prints, without the white space around it.
func (e *Engine) Docker(args ...string) (string, error) {
	out, err := exec.Command("docker", append([]string{"--host", e.Host}, args...)...).CombinedOutput()
	text := strings.TrimSpace(string(out))
	if err != nil {
		err = fmt.Errorf("docker %s: %w: %s", strings.Join(args, " "), err, text)
	}
	return text, err
}

// Close ends all of them, with their containers, and removes what they have left: an engine may end before it has
// unmounted the namespaces of its networks.
func (e *Engines) Close() error {
	var err error
	for _, engine := range e.All {
		_, _ = engine.Docker("swarm", "leave", "--force") // which ends the containers; an error where there is none
		engine.Stop(Patience)
	}
	for i := len(e.All); i >= 1; i-- {
		err = errors.Join(err, shell(`ip netns del "$1"`, fmt.Sprint(e.name, "n", i)))
	}
	return errors.Join(err, shell(`ip netns del "$1"`, e.name), removeWithMounts(e.dir))
}

// shell runs a script of the shell, of which each command must succeed.
func shell(script string, args ...string) error {
	cmd := exec.Command("sh", append([]string{"-euc", script, "sh"}, args...)...)
	cmd.Env = append(os.Environ(), "PATH="+os.Getenv("PATH")+":/usr/sbin:/sbin")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", strings.Join(strings.Fields(script), " "), err, out)
	}
	return nil
}
