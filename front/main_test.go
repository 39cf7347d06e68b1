package main

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// TestProcess follows one front, whose API is away, from its start to its end.
func TestProcess(t *testing.T) {
	p := mustStartFront(t, "WOODY_API_URL=http://"+nobody, "WOODY_FRONT_LIMIT_RATE=5M", "WOODY_DRAIN_DELAY=10s")
	t.Run("shows the page without its API", p.showsThePage)
	t.Run("is found healthy", p.isFoundHealthy)
	t.Run("honours conditions", p.honoursConditions)
	t.Run("lets answers end", p.letsAnswersEnd)
}

// TestHangup sends what a terminal does that is closed, twice: the front drains.
func TestHangup(t *testing.T) {
	p := mustStartFront(t, "WOODY_API_URL=http://"+nobody, "WOODY_DRAIN_DELAY=10s")
	for range 2 {
		if err := p.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		p.mustAwaitDrain()
	}
	p.mustEndWell()
}

func (p *process) showsThePage(t *testing.T) {
	response, err := http.Get(p.URL + "/")
	if err != nil {
		t.Fatalf("ask for the page: %v", err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK || !bytes.Contains(body, []byte("out of sight")) {
		t.Errorf("the answer is %s (%v), want the page with a notice", response.Status, err)
	}
}

func (p *process) isFoundHealthy(t *testing.T) {
	if out, err := healthcheckOf(p.Addr); err != nil {
		t.Errorf("healthcheck: %v %s", err, out)
	}
}

// honoursConditions checks what has no entity tag, and what the page's own package leaves to the process.
func (p *process) honoursConditions(t *testing.T) {
	for _, row := range []struct {
		path, name, value string
		want              int
	}{
		{"/healthz", "If-Match", "*", 200}, {"/healthz", "If-Match", `"a"`, 412},
		{"/readyz", "If-None-Match", "*", 304}, {"/readyz", "If-None-Match", `"a"`, 200},
		{"/robots.txt", "If-Match", `"a"`, 412}, {"/nothing", "If-Match", `"a"`, 404},
	} {
		request, err := http.NewRequest(http.MethodGet, p.URL+row.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set(row.name, row.value)
		got, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		got.Body.Close()
		if got.StatusCode != row.want ||
			row.want != 304 && row.want != 200 && got.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s with %s: %s = %s %v, want %d", row.path, row.name, row.value, got.Status, got.Header, row.want)
		}
	}
}

func (p *process) letsAnswersEnd(t *testing.T) {
	response, err := http.Get(p.URL + "/5mo.jpg") // takes a second
	if err != nil {
		t.Fatalf("ask for the hero: %v", err)
	}
	defer response.Body.Close()
	if err := p.Signal(syscall.SIGTERM); err != nil {
		t.Fatalf("signal: %v", err)
	}
	p.mustAwaitDrain()
	late, err := http.Get(p.URL + "/healthz")
	if err != nil {
		t.Fatalf("while draining, a new connection is refused: %v", err)
	}
	late.Body.Close()
	if !late.Close {
		t.Error("while draining, an answer keeps its connection open")
	}
	if n, err := io.Copy(io.Discard, response.Body); err != nil || n != response.ContentLength {
		t.Errorf("the answer under way came to %d of %d bytes: %v", n, response.ContentLength, err)
	}
	p.mustEndWell()
}

func healthcheckOf(addr string) (output []byte, err error) {
	ask := command("WOODY_ADDR=" + addr)
	ask.Args = append(ask.Args, "healthcheck")
	return ask.CombinedOutput()
}

func TestHealthcheckOfNothing(t *testing.T) {
	out, err := healthcheckOf(nobody)
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 1 || !strings.Contains(string(out), "not ready: ") {
		t.Errorf("healthcheck of nothing: %v %s, want exit status 1 and a sentence", err, out)
	}
}

func TestWrongSettingsAreRefused(t *testing.T) {
	for setting, want := range map[string]string{
		"WOODY_FRONT_LIMIT_RATE=quick": "300k",
		"WOODY_CDN_URL=cdn.example":    "https://cdn.example.org",
		"WOODY_API_URL=api:8080":       "http://api:8080",
		"WOODY_ADDR=8080":              ":PORT",
		"WOODY_LOG_LEVEL=loud":         "debug, info, warn or error",
		"WOODY_LOG_FORMAT=xml":         "text or json",
		"WOODY_DRAIN_DELAY=soon":       "500ms",
		"WOODY_DRAIN_TIMEOUT=-1s":      "500ms",
	} {
		out, err := command(setting).CombinedOutput()
		name, _, _ := strings.Cut(setting, "=")
		if err == nil || !strings.Contains(string(out), name) || !strings.Contains(string(out), want) {
			t.Errorf("%s: %v %q, want a refusal that names it and says %q", setting, err, out, want)
		}
	}
}

func TestAMistypedVariableIsTold(t *testing.T) {
	p := mustStartFront(t, "WOODY_API_URL=http://"+nobody, "WOODY_CND_URL=http://cdn", "WOODY_HEAVY_DELAY=1s")
	log := p.Log()
	if !strings.Contains(log, "variable=WOODY_CND_URL") || strings.Count(log, "there is no such setting") != 1 {
		t.Errorf("the log does not tell of the mistyped variable alone:\n%s", log)
	}
}

func TestHelpListsEverySetting(t *testing.T) {
	help := command()
	help.Args = append(help.Args, "--help")
	out, err := help.CombinedOutput()
	if err != nil {
		t.Fatalf("--help: %v", err)
	}
	for _, want := range []string{
		"$WOODY_ACCOUNTS", "$WOODY_ADDR", "$WOODY_API_URL", "$WOODY_CDN_URL", "$WOODY_FRONT_LIMIT_RATE",
		"$WOODY_REPLICA_ID", "$WOODY_LOG_LEVEL",
		"$WOODY_LOG_FORMAT", "$WOODY_DRAIN_DELAY", "$WOODY_DRAIN_TIMEOUT", "healthcheck", ":8080", "10s",
	} {
		if !strings.Contains(string(out), want) {
			t.Errorf("--help does not say %s", want)
		}
	}
}
