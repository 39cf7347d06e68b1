package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// docker runs the docker command, and returns what it printed. An engine that hangs is an error after three times
// questionTimeout.
func docker(ctx context.Context, args ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, 3*questionTimeout, errors.New("it does not respond"))
	defer cancel()
	cmd := exec.CommandContext(ctx, "docker", args...)
	cmd.WaitDelay = 10 * time.Second // what it has printed is read late where this machine is busy
	var out, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &stderr
	if err := cmd.Run(); err != nil {
		if text := strings.TrimSpace(stderr.String()); text != "" {
			err = errors.New(text)
		}
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return out.Bytes(), fmt.Errorf("docker %s: %w", args[0], err)
	}
	return out.Bytes(), nil
}

// The parts of Docker's objects that are looked at.
type (
	dockerInfo struct {
		DockerRootDir string
		Swarm         struct {
			LocalNodeState   string
			ControlAvailable bool
			Cluster          struct{ TLSInfo struct{ TrustRoot string } }
		}
	}
	dockerNode struct {
		ID          string
		Spec        struct{ Availability string }
		Description struct {
			Hostname string
			Engine   struct{ EngineVersion string }
		}
		Status        struct{ State, Addr string }
		ManagerStatus struct{ Reachability string }
	}
	dockerContainerSpec struct {
		Image   string
		Secrets []struct{ SecretName string }
	}
	dockerService struct {
		ID   string
		Spec struct {
			Name         string
			TaskTemplate struct{ ContainerSpec dockerContainerSpec }
		}
		Endpoint struct {
			Spec struct {
				Ports []struct{ TargetPort, PublishedPort int }
			}
		}
		UpdateStatus struct {
			State, Message string
			StartedAt      time.Time
		}
	}
	dockerTask struct {
		ID, ServiceID, NodeID string
		Slot                  int
		Spec                  struct{ ContainerSpec dockerContainerSpec }
		Status                struct {
			State, Err string
			Timestamp  time.Time
		}
		DesiredState        string
		NetworksAttachments []struct {
			Network   struct{ Spec struct{ Name string } }
			Addresses []string
		}
	}
)

// inspected returns objects of Docker by their ids. What is gone meanwhile is left out.
func inspected[T any](ctx context.Context, kind []string, ids []string) (objects []T, err error) {
	if len(ids) == 0 {
		return nil, nil
	}
	out, err := docker(ctx, append(kind, ids...)...)
	if parsed := json.Unmarshal(out, &objects); parsed != nil {
		return nil, errors.Join(err, parsed)
	}
	return objects, nil
}

func ids(ctx context.Context, args ...string) ([]string, error) {
	out, err := docker(ctx, args...)
	return strings.Fields(string(out)), err
}

// swarm looks at the stack from outside: what Docker says of its nodes, services, tasks and secrets. It returns the
// info of the engine that was asked, and the port at which the proxy is.
func (f *facts) swarm(ctx context.Context) (info dockerInfo, port int, err error) {
	if _, err := docker(ctx, "version", "--format", "{{.Server.Version}}"); err != nil {
		f.trouble = "Docker does not answer: " + err.Error()
		return info, 0, nil
	}
	out, err := docker(ctx, "info", "--format", "{{json .}}")
	if err != nil {
		return info, 0, err
	}
	if err := json.Unmarshal(out, &info); err != nil {
		return info, 0, err
	}
	if !info.Swarm.ControlAvailable {
		f.trouble = fmt.Sprintf("This node manages no Swarm (its state there is %q).", info.Swarm.LocalNodeState)
		return info, 0, nil
	}
	names, err := f.swarmNodes(ctx)
	if err != nil {
		return info, 0, err
	}
	port, err = f.swarmServices(ctx, names)
	if err == nil && len(f.services) == 0 {
		f.trouble = fmt.Sprintf("There is no stack %q here.", f.stack)
	}
	return info, port, err
}

// swarmNodes returns the nodes' names by their ids.
func (f *facts) swarmNodes(ctx context.Context) (names map[string]string, err error) {
	list, err := ids(ctx, "node", "ls", "-q")
	if err != nil {
		return nil, err
	}
	nodes, err := inspected[dockerNode](ctx, []string{"node", "inspect"}, list)
	names = map[string]string{}
	for _, n := range nodes {
		names[n.ID] = n.Description.Hostname
		f.nodes = append(f.nodes, node{name: n.Description.Hostname, addr: n.Status.Addr, state: n.Status.State,
			active: n.Spec.Availability == "active", reachable: n.ManagerStatus.Reachability,
			engine: n.Description.Engine.EngineVersion})
	}
	return names, err
}

func (f *facts) swarmServices(ctx context.Context, nodes map[string]string) (port int, err error) {
	wanted, err := f.wanted(ctx)
	if err != nil || len(wanted) == 0 {
		return 0, err
	}
	var list []string
	for name := range wanted {
		list = append(list, name)
	}
	services, err := inspected[dockerService](ctx, []string{"service", "inspect"}, list)
	if err != nil {
		return 0, err
	}
	taskIDs, err := ids(ctx, append([]string{"service", "ps", "-q", "--no-trunc"}, list...)...)
	if err != nil {
		return 0, err
	}
	tasks, err := inspected[dockerTask](ctx, []string{"inspect", "--type", "task"}, taskIDs)
	if err != nil {
		return 0, err
	}
	for _, s := range services {
		name := strings.TrimPrefix(s.Spec.Name, f.stack+"_")
		if name == "reverse-proxy" {
			for _, p := range s.Endpoint.Spec.Ports {
				if p.TargetPort == 8080 {
					port = p.PublishedPort
				}
			}
		}
		f.services = append(f.services, newService(s, name, wanted[s.Spec.Name], tasks, nodes))
	}
	secrets, err := ids(ctx, "secret", "ls", "--format", "{{.Name}}")
	f.secrets = secrets
	return port, err
}

// wanted returns how many tasks each service of the stack is to have, by its whole name.
func (f *facts) wanted(ctx context.Context) (map[string]int, error) {
	out, err := docker(ctx, "service", "ls", "--filter", "label=com.docker.stack.namespace="+f.stack,
		"--format", "{{.Name}} {{.Replicas}}")
	wanted := map[string]int{}
	for line := range strings.Lines(string(out)) {
		words := strings.Fields(line)
		if len(words) < 2 {
			continue
		}
		_, n, _ := strings.Cut(words[1], "/")
		wanted[words[0]], _ = strconv.Atoi(n)
	}
	return wanted, err
}

func newService(s dockerService, name string, wanted int, tasks []dockerTask, nodes map[string]string) service {
	made := service{name: name, wanted: wanted, image: undigested(s.Spec.TaskTemplate.ContainerSpec.Image),
		update: s.UpdateStatus.State, began: s.UpdateStatus.StartedAt, message: s.UpdateStatus.Message}
	for _, secret := range s.Spec.TaskTemplate.ContainerSpec.Secrets {
		made.secrets = append(made.secrets, secret.SecretName)
	}
	for _, t := range tasks {
		if t.ServiceID != s.ID {
			continue
		}
		one := task{id: t.ID, slot: t.Slot, node: nodes[t.NodeID], image: undigested(t.Spec.ContainerSpec.Image),
			state: t.Status.State, wanted: t.DesiredState == "running" || t.DesiredState == "ready",
			err: t.Status.Err, changed: t.Status.Timestamp, addresses: map[string]string{}}
		for _, n := range t.NetworksAttachments {
			for _, address := range n.Addresses {
				one.addresses[n.Network.Spec.Name], _, _ = strings.Cut(address, "/")
			}
		}
		made.tasks = append(made.tasks, one)
	}
	return made
}

func undigested(image string) string {
	image, _, _ = strings.Cut(image, "@")
	return image
}
