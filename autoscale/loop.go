package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"time"
)

// platform is where the service runs: Docker Swarm, or processes in tests.
type platform interface {
	// Observe fills in Wanted, Running and Busy.
	Observe(ctx context.Context) (Observation, error)
	// Figures asks Prometheus.
	Figures(ctx context.Context) (*Figures, error)
	// Scale scales the service to a number of replicas, and does not wait until it has them. It is an error if it had
	// another number than from.
	Scale(ctx context.Context, from, to int) error
}

// platformTimeout is how long the platform may take to respond.
const platformTimeout = 30 * time.Second

// scaler observes the service at intervals and scales it.
type scaler struct {
	config
	on           platform
	log          io.Writer
	observations []Observation
	logged       string // the last reason that was logged
	at           time.Time
}

// run observes and scales until ctx ends, or it is another's to do.
func (s *scaler) run(ctx context.Context) error {
	ticker := time.NewTicker(s.Every)
	defer ticker.Stop()
	for {
		if err := s.turn(ctx); err != nil || s.Once {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// turn observes once, decides, and does what was decided. What failed is logged; the error is errLost.
func (s *scaler) turn(ctx context.Context) error {
	o, err := s.observe(ctx)
	if ctx.Err() != nil {
		return nil
	}
	if err != nil {
		s.logf(false, "nothing is done: %v", err)
		return nil
	}
	s.observations = append(s.forget(o.At), o)
	d := Decide(s.observations, s.Settings)
	switch {
	case !d.Act:
		s.logf(false, "%d replicas: %s", d.Replicas, d.Reason)
	case s.DryRun || s.Once:
		s.logf(true, "would scale %d to %d: %s", o.Wanted, d.Replicas, d.Reason)
	default:
		s.logf(true, "scale %d to %d: %s", o.Wanted, d.Replicas, d.Reason)
		if err := s.scale(ctx, o.Wanted, d.Replicas); errors.Is(err, errLost) {
			return err
		} else if err != nil {
			s.logf(true, "it was not scaled: %v", err)
		}
	}
	return nil
}

func (s *scaler) observe(ctx context.Context) (Observation, error) {
	ctx, cancel := context.WithTimeout(ctx, platformTimeout)
	defer cancel()
	o, err := s.on.Observe(ctx)
	if err != nil {
		return o, err
	}
	if o.Figures, err = s.on.Figures(ctx); err != nil {
		o.Missing = err.Error()
	}
	o.At = time.Now() // after everything was collected
	return o, nil
}

func (s *scaler) scale(ctx context.Context, from, to int) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), platformTimeout) // what was begun is done
	defer cancel()
	s.observations[len(s.observations)-1].Set = to
	return s.on.Scale(ctx, from, to)
}

// forget returns the observations without those that are too old to matter.
func (s *scaler) forget(now time.Time) []Observation {
	for len(s.observations) > 1 && now.Sub(s.observations[1].At) > s.DownAfter+s.Settle {
		s.observations = s.observations[1:]
	}
	return s.observations
}

// again is after how long the same is said again.
const again = 10 * time.Minute

// logf writes a line with the time before it. One that is no news, by its words without the numbers, is left out.
func (s *scaler) logf(news bool, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	words := withoutNumbers(text)
	if now := time.Now(); news || words != s.logged || now.Sub(s.at) >= again {
		s.logged, s.at = words, now
		fmt.Fprintln(s.log, now.UTC().Format("2006-01-02T15:04:05.000Z"), text)
	}
}

var numbers = regexp.MustCompile(`[0-9]+(\.[0-9]+)?((h|ms|µs|m|s)([0-9.]+(ms|µs|m|s))*)?`)

// withoutNumbers returns a text with one 0 in the place of each number or time in it.
func withoutNumbers(text string) string { return numbers.ReplaceAllString(text, "0") }
