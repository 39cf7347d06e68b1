package httpcache

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
)

// recorder is the ResponseWriter that a handler gets whose answer is taken down. Its header is that of w. It takes down
// what is written until it comes to what cannot be kept: a flush, a hijacked connection, a body that is too long, a
// trailer. From then on all goes to w. It may be used from several goroutines, but for its header.
type recorder struct {
	w    http.ResponseWriter
	most int         // how many bytes of a body are recorded at most
	pass func() mode // is called once, before anything goes to w

	mu       sync.Mutex
	mode     mode
	over     bool        // the handler has returned
	status   int         // zero until the header is written
	header   http.Header // the header as it was then
	declared int64       // the length of the body that it names; -1 for none
	body     []byte
}

// mode is what becomes of what a handler writes.
type mode int

const (
	recorded mode = iota // the body is recorded
	flows                // the body is streamed to the caller
	ended                // the body is discarded: the caller has a response already
	unwanted             // writes fail: nobody waits for the body
)

var (
	errOver     = errors.New("httpcache: the handler has returned")
	errUnwanted = errors.New("httpcache: nobody waits for an answer that cannot be kept")
)

func newRecorder(w http.ResponseWriter, most int) *recorder {
	return &recorder{w: w, most: most, declared: -1}
}

// Header implements http.ResponseWriter.
func (rec *recorder) Header() http.Header { return rec.w.Header() }

// WriteHeader implements http.ResponseWriter. Informational ones (RFC 9110 section 15.2) are for the caller whose
// request the handler sees. As in net/http, the first other one counts, and a status that is none panics.
func (rec *recorder) WriteHeader(status int) {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	switch {
	case rec.over:
	case rec.mode == flows:
		rec.w.WriteHeader(status)
	case status < 100 || status > 999:
		panic(fmt.Sprintf("invalid WriteHeader code %d", status))
	case rec.mode != recorded || rec.status != 0:
	case status < 200 && status != http.StatusSwitchingProtocols:
		rec.w.WriteHeader(status)
	default:
		rec.begin(status)
	}
}

// begin records the header. What is done to that afterwards does not count.
func (rec *recorder) begin(status int) {
	rec.status, rec.header = status, rec.w.Header().Clone()
	if lines := rec.header["Content-Length"]; len(lines) > 0 {
		if n, err := strconv.ParseInt(strings.TrimSpace(lines[0]), 10, 64); err == nil && n >= 0 {
			rec.declared = n
		}
	}
	if status == http.StatusSwitchingProtocols || rec.declared > int64(rec.most) || len(rec.header["Trailer"]) > 0 {
		rec.passBy()
	}
}

// passBy sends all to the caller from now on.
func (rec *recorder) passBy() {
	if rec.mode != recorded {
		return
	}
	rec.settle()
	rec.mode = flows
	if rec.mode = rec.pass(); rec.mode == flows && len(rec.body) > 0 {
		_, _ = rec.w.Write(rec.body) // the next write fails, too
	}
	rec.body = nil
}

// settle makes the header what it was when the handler wrote it, but for trailers.
func (rec *recorder) settle() {
	if rec.status == 0 {
		return
	}
	header := rec.w.Header()
	maps.DeleteFunc(header, func(name string, _ []string) bool { return !strings.HasPrefix(name, http.TrailerPrefix) })
	maps.Copy(header, rec.header)
}

// Write implements http.ResponseWriter.
func (rec *recorder) Write(p []byte) (int, error) {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	if rec.over {
		return 0, errOver
	}
	if rec.mode == recorded {
		if rec.status == 0 {
			rec.begin(http.StatusOK)
		}
		if err := rec.check(len(p)); err != nil {
			return 0, err
		}
		if len(rec.body)+len(p) > rec.most {
			rec.passBy()
		}
	}
	switch rec.mode {
	case flows:
		return rec.w.Write(p)
	case unwanted:
		return 0, errUnwanted
	case recorded:
		rec.body = append(rec.body, p...)
	}
	return len(p), nil
}

// check returns the error that net/http has for n more bytes of a body.
func (rec *recorder) check(n int) error {
	switch {
	case n == 0 || rec.mode != recorded:
		return nil
	case !hasBody(rec.status):
		return http.ErrBodyNotAllowed
	case rec.declared >= 0 && int64(len(rec.body)+n) > rec.declared:
		return http.ErrContentLength
	}
	return nil
}

// hasBody reports whether an answer with a status may have a body.
func hasBody(status int) bool {
	return status >= 200 && status != http.StatusNoContent && status != http.StatusNotModified
}

// ReadFrom implements io.ReaderFrom, so that a file that is too long to be kept is sent as fast as without the cache.
func (rec *recorder) ReadFrom(from io.Reader) (int64, error) {
	rec.mu.Lock()
	to := io.Writer(struct{ io.Writer }{rec})
	if rec.mode == flows && !rec.over {
		to = rec.w
	}
	rec.mu.Unlock()
	return io.Copy(to, from)
}

// Flush implements http.Flusher.
func (rec *recorder) Flush() { _ = rec.FlushError() }

// FlushError is like Flush, for an http.ResponseController.
func (rec *recorder) FlushError() error {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	if rec.over {
		return errOver
	}
	if rec.mode == recorded && rec.status == 0 {
		rec.begin(http.StatusOK)
	}
	rec.passBy()
	switch rec.mode {
	case flows:
		return http.NewResponseController(rec.w).Flush()
	case unwanted:
		return errUnwanted
	}
	return nil
}

// Hijack implements http.Hijacker.
func (rec *recorder) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	if rec.over {
		return nil, nil, errOver
	}
	rec.passBy()
	if rec.mode != flows {
		return nil, nil, errUnwanted
	}
	return http.NewResponseController(rec.w).Hijack()
}

// Unwrap lets an http.ResponseController set what is the connection's, such as deadlines.
func (rec *recorder) Unwrap() http.ResponseWriter { return rec.w }

// finish is called when the handler has returned. It reports whether the response was recorded.
func (rec *recorder) finish() bool {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	if rec.mode == recorded && rec.status == 0 {
		rec.begin(http.StatusOK)
	}
	if rec.over = true; rec.mode == recorded {
		rec.settle()
	}
	return rec.mode == recorded
}

// end discards what is written from now on.
func (rec *recorder) end() {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	rec.over = true
}
