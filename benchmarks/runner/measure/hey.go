package measure

import (
	"context"
	"debug/buildinfo"
	"errors"
	"fmt"
	"os/exec"
	"syscall"
	"time"

	"github.com/woodytoys/woodytoys/benchmarks/report/raw"
)

// endpoint returns what hey asks for.
func (s *Shop) endpoint(what string) string {
	switch what {
	case "heavy":
		return "/api/misc/heavy?name=hey"
	case "last":
		return "/api/products/last"
	case "product":
		return fmt.Sprintf("/api/products/%d", s.shelf.products[0].id)
	case "products":
		return "/api/products"
	}
	return "/api/ping"
}

const heyModule = "github.com/rakyll/hey"

// BuildHey builds the hey that go.mod pins into a file. It must be called from within the module.
func BuildHey(file string) error {
	if out, err := exec.Command("go", "build", "-o", file, heyModule).CombinedOutput(); err != nil {
		return fmt.Errorf("hey, which makes a part of the load, could not be built: %w\n%s\n"+
			"It is pinned in go.mod as a tool and fetched from Go's module proxy: "+
			"`go tool hey` must work here. Or name a hey that is installed with --hey FILE", err, out)
	}
	return nil
}

// HeyVersion returns the version of a hey, as the program itself has it.
func HeyVersion(hey string) string {
	if file, err := exec.LookPath(hey); err == nil {
		if info, err := buildinfo.ReadFile(file); err == nil && info.Main.Path == heyModule && info.Main.Version != "" {
			return info.Main.Version
		}
	}
	return "unknown (" + hey + ")"
}

// Throughput measures an endpoint with hey, by conns connections, for d. If responses may be cached, one request before
// fills the cache, so that hits are measured.
func (s *Shop) Throughput(ctx context.Context, hey, what string, kept bool, conns int, d time.Duration) (
	raw.Measurement, error) {
	if kept {
		if _, _, _, err := s.ask(ctx, s.url(s.endpoint(what))); err != nil {
			return raw.Measurement{}, err
		}
	}
	m := raw.Measurement{Name: "throughput", What: what, Conns: conns, ForMs: d.Milliseconds()}
	return s.around(m, func(m *raw.Measurement) (err error) {
		// What waits in a queue when the time is over is waited for: hey's own patience is no limit here.
		cmd := exec.CommandContext(ctx, hey, "-z", d.String(), "-c", fmt.Sprint(conns), "-t", "120",
			s.url(s.endpoint(what)))
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
		if m.Hey, err = cmd.Output(); err != nil {
			var exit *exec.ExitError
			if errors.As(err, &exit) {
				err = fmt.Errorf("hey: %w\n%s", err, exit.Stderr)
			}
			return orCause(ctx, err)
		}
		m.TookUs = time.Since(m.Began).Microseconds()
		m.GeneratorUs = (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Microseconds()
		return nil
	})
}
