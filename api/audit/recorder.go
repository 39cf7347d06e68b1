package audit

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Table keeps entries for good.
type Table interface {
	// AddEntry returns once an entry is kept, or with an error once that is not known. It waits for a second or two at
	// most. It may be called by many at a time, who then share what one costs.
	AddEntry(ctx context.Context, e Entry) error
}

// Config is what a Recorder is made of.
type Config struct {
	// Table keeps the entries. Default: nil, only the stream has them.
	Table Table
	// Stream gets each entry as a line of JSON, before Table does. Required.
	Stream io.Writer
	// Registerer takes the metrics. Default: a registry of its own, which nobody reads.
	Registerer prometheus.Registerer
	// Logger gets what fails, once a second at most. Default: slog.Default().
	Logger *slog.Logger
	// Now returns the time. Default: time.Now.
	Now func() time.Time
}

// Recorder records what callers do. It is safe for concurrent use.
type Recorder struct {
	table  Table
	stream *stream
	log    *slog.Logger
	now    func() time.Time
	flood  *flood

	mu    sync.Mutex
	again time.Time // until then the table is not tried: it has just failed

	logged   throttle
	entries  *prometheus.CounterVec
	withheld prometheus.Counter
	failures *prometheus.CounterVec
}

const (
	// summarizeEvery is how often what was withheld gets its entries.
	summarizeEvery = 10 * time.Second
	// restFor is how long a table that has failed is left alone: requests do not each wait for one that is away.
	restFor = time.Second
)

// New returns a Recorder. Run is to be called too.
func New(cfg Config) (*Recorder, error) {
	if cfg.Stream == nil {
		return nil, errors.New("the audit has no stream")
	}
	if cfg.Registerer == nil {
		cfg.Registerer = prometheus.NewRegistry()
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	r := &Recorder{
		table: cfg.Table, stream: newStream(cfg.Stream), log: cfg.Logger, now: cfg.Now, flood: newFlood(),
		entries: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "woody_audit_requests_total", Help: "Writes and refusals, by what came of them.",
		}, []string{"outcome"}),
		withheld: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "woody_audit_withheld_total",
			Help: "Requests of a flood that changed nothing, which the audit counts together.",
		}),
		failures: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "woody_audit_failures_total", Help: "Entries that the audit's table, or its stream, may lack.",
		}, []string{"of"}),
	}
	for _, outcome := range Outcomes {
		r.entries.WithLabelValues(string(outcome)) // a series that is new and not zero has no increase
	}
	for _, of := range []string{"table", "stream"} {
		r.failures.WithLabelValues(of)
	}
	cfg.Registerer.MustRegister(r.entries, r.withheld, r.failures)
	return r, nil
}

// Record writes an entry: to the stream and then to the table, before it returns. Refusals, failures and writes that
// changed nothing are counted where there are too many, and get an entry for many of them within ten seconds. It does
// not fail: a write that was carried out is not undone for its entry, which is in one place still, and the metrics have
// what the other may lack.
func (r *Recorder) Record(ctx context.Context, e Entry) {
	r.entries.WithLabelValues(string(e.Outcome)).Inc()
	e = e.clean()
	e.Times = 1
	if e.Outcome.isLimited() && !r.flood.allows(e, r.now()) {
		r.withheld.Inc()
		return
	}
	r.write(ctx, e)
}

// Run writes the entries of floods until ctx ends, and then the last ones.
func (r *Recorder) Run(ctx context.Context) {
	ticker := time.NewTicker(summarizeEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			r.Summarize(context.WithoutCancel(ctx))
			return
		case <-ticker.C:
			r.Summarize(ctx)
		}
	}
}

// Summarize writes entries for the requests since the last call that have none of their own.
func (r *Recorder) Summarize(ctx context.Context) {
	for _, e := range r.flood.withheld(r.now()) {
		r.write(ctx, e)
	}
}

func (r *Recorder) write(ctx context.Context, e Entry) {
	e.ID, e.At = newID(), r.now().UTC().Truncate(time.Microsecond)
	if err := r.stream.write(e); err != nil {
		r.failed("stream", err)
	}
	if r.table == nil {
		return
	}
	if r.rests() {
		r.failed("table", errResting)
		return
	}
	if err := r.table.AddEntry(ctx, e); err != nil {
		r.rest()
		r.failed("table", err)
	}
}

var errResting = errors.New("it has just failed, and is left alone for a second")

func (r *Recorder) rests() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.now().Before(r.again)
}

func (r *Recorder) rest() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.again = r.now().Add(restFor)
}

// failed counts an entry that is not kept in one of the two places.
func (r *Recorder) failed(of string, err error) {
	r.failures.WithLabelValues(of).Inc()
	if r.logged.allows(r.now(), time.Second) {
		r.log.Error("the audit may lack an entry: its stream and its table have them all together",
			"of", of, "err", err)
	}
}
