package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// swarm is the service api of a stack on Docker Swarm.
type swarm struct {
	stack      string
	min        int
	window     time.Duration
	prometheus string // its URL; empty for its container on this machine
	lock       *lock  // without it nothing is scaled; nil where nothing is
}

// label is the service's label in which scripts/deploy finds what it was scaled to, and the least: 4:2.
const label = "woody.autoscaled"

func (s *swarm) service() string { return s.stack + "_api" }

// inspected is what Docker says of a service.
type inspected struct {
	Spec struct {
		Mode struct {
			Replicated *struct{ Replicas int }
		}
	}
	UpdateStatus *struct{ State, Message string }
}

func (s *swarm) Observe(ctx context.Context) (o Observation, err error) {
	text, err := docker(ctx, "service", "inspect", s.service())
	if err != nil {
		return o, err
	}
	var all []inspected
	if err := json.Unmarshal(text, &all); err != nil || len(all) != 1 || all[0].Spec.Mode.Replicated == nil {
		return o, fmt.Errorf("%s is no service with replicas (%w)", s.service(), errors.Join(err))
	}
	o.Wanted = all[0].Spec.Mode.Replicated.Replicas
	o.Busy = busy(all[0])
	o.Running, err = s.running(ctx)
	return o, err
}

// busy returns why a service may not be scaled; empty if it may.
func busy(i inspected) string {
	if i.UpdateStatus == nil {
		return ""
	}
	switch state := i.UpdateStatus.State; state {
	case "updating", "rollback_started":
		return "an update is under way (" + state + "): its end is awaited"
	case "paused", "rollback_paused":
		return "an update stands still (" + state + ": " + i.UpdateStatus.Message + "): mend it (scripts/status)"
	}
	return ""
}

// running returns how many tasks are healthy.
func (s *swarm) running(ctx context.Context) (int, error) {
	text, err := docker(ctx, "service", "ls", "--filter", "name="+s.service(), "--format", "{{.Name}} {{.Replicas}}")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) { // the filter takes names that begin so
		if name, replicas, _ := strings.Cut(strings.TrimSpace(line), " "); name == s.service() {
			running, _, _ := strings.Cut(replicas, "/")
			return strconv.Atoi(running)
		}
	}
	return 0, fmt.Errorf("there is no service %s", s.service())
}

func (s *swarm) Scale(ctx context.Context, from, to int) error {
	now, err := s.Observe(ctx)
	switch {
	case err != nil:
		return err
	case now.Busy != "":
		return errors.New(now.Busy)
	case now.Wanted != from:
		return fmt.Errorf("somebody else has scaled it to %d meanwhile", now.Wanted)
	}
	if err := s.lock.held(ctx); err != nil {
		return err
	}
	if _, err = docker(ctx, "service", "update", "--quiet", "--detach", fmt.Sprint("--replicas=", to),
		fmt.Sprintf("--label-add=%s=%d:%d", label, to, s.min), s.service()); err != nil {
		return err
	}
	return s.expect(ctx)
}

// expect lowers the number of replicas below which Prometheus alerts to the least that may be. Who scales by hand sets
// more.
func (s *swarm) expect(ctx context.Context) error {
	out, err := exec.CommandContext(ctx, "scripts/expect", "api", strconv.Itoa(s.min)).CombinedOutput()
	if err != nil {
		return fmt.Errorf("have Prometheus expect %d replicas: %w: %s", s.min, err, out)
	}
	return nil
}

func (s *swarm) Figures(ctx context.Context) (*Figures, error) {
	var body []byte
	var err error
	if s.prometheus != "" {
		body, err = askURL(ctx, s.prometheus, question(s.window))
	} else {
		body, err = s.askContainer(ctx, question(s.window))
	}
	if err != nil {
		return nil, err
	}
	return readFigures(body)
}

// askContainer asks Prometheus where it runs: it is published nowhere.
func (s *swarm) askContainer(ctx context.Context, question string) ([]byte, error) {
	ids, err := docker(ctx, "ps", "--quiet", "--filter", "label=com.docker.swarm.service.name="+s.stack+"_prometheus",
		"--filter", "health=healthy")
	if err != nil {
		return nil, err
	}
	id, _, _ := strings.Cut(string(ids), "\n")
	if id == "" {
		return nil, errors.New("no healthy Prometheus runs on this machine: deploy stage observability, run this on " +
			"the node labelled woody.observability, or name it with --prometheus")
	}
	return docker(ctx, "exec", id, "promtool", "query", "instant", "-o", "json", "http://127.0.0.1:9090", question)
}

// askURL returns the series that a query has now.
func askURL(ctx context.Context, base, question string) ([]byte, error) {
	body := url.Values{"query": {question}}.Encode()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(base, "/")+"/api/v1/query",
		strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, fmt.Errorf("ask Prometheus: %w", err)
	}
	defer response.Body.Close()
	var reply struct {
		Status, Error string
		Data          struct {
			ResultType string
			Result     json.RawMessage
		}
	}
	err = json.NewDecoder(io.LimitReader(response.Body, 1<<20)).Decode(&reply)
	switch {
	case err != nil:
		return nil, fmt.Errorf("what responds at %s is no Prometheus: %s, %w", base, response.Status, err)
	case reply.Status != "success" || reply.Data.ResultType != "vector":
		return nil, fmt.Errorf("ask Prometheus: it refuses the query: %s %s", response.Status, reply.Error)
	}
	return reply.Data.Result, nil
}

// docker runs Docker's command line, and returns what it prints.
func docker(ctx context.Context, args ...string) ([]byte, error) { return dockerWith(ctx, "", args...) }

// dockerWith is like docker, with a text for it to read.
func dockerWith(ctx context.Context, stdin string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "docker", args...)
	cmd.Stdin = strings.NewReader(stdin)
	cmd.WaitDelay = 10 * time.Second // what it has printed is read late where this machine is busy
	var out, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &stderr
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("docker %s: %w: %s", strings.Join(args[:2], " "), err,
			strings.Join(strings.Fields(stderr.String()), " "))
	}
	return out.Bytes(), nil
}
