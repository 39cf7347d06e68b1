package site

import (
	"io"
	"log/slog"
	"net"
	"time"

	"github.com/gofiber/fiber/v2"
)

const (
	// beat is how often a limited connection gets bytes: often enough that a progress bar looks steady.
	beat = 50 * time.Millisecond
	// stall is how long a client may take no byte at all before its connection is given up.
	stall = 30 * time.Second
	// streamFrom is the size from which a body that is not limited is streamed too, so that stall holds for it.
	streamFrom = 256 << 10
)

// send hands the body to the connection at the site's rate. body is shared and never changed.
func (s *Site) send(c *fiber.Ctx, body []byte) error {
	limited := s.config.LimitRate > 0 && len(body) > 0
	if c.Method() == fiber.MethodHead || !limited && len(body) < streamFrom {
		c.Response().SetBodyRaw(body)
		return nil
	}
	c.Response().ImmediateHeaderFlush = true // so that each slice goes straight to the socket, not into a buffer
	c.Response().SetBodyStream(&stream{
		rest: body, size: len(body), rate: s.config.LimitRate, conn: c.Context().Conn(), logger: s.config.Logger,
	}, len(body))
	return nil
}

// stream is a body on its way to one client. An HTTP/1.1 connection carries one response at a time, so pacing each
// response by itself paces the connection, and two connections do not share a rate.
type stream struct {
	rest   []byte
	size   int
	rate   int64 // bytes a second; 0 is as fast as the client takes them
	due    time.Time
	conn   net.Conn
	logger *slog.Logger
}

// Read waits until the next slice is due and returns it. The connection's write deadline moves along, so that a client
// which takes nothing for a while is let go, however long the whole response lasts.
func (s *stream) Read(p []byte) (int, error) {
	if len(s.rest) == 0 {
		return 0, io.EOF
	}
	n := min(len(p), len(s.rest))
	if s.rate > 0 {
		n = min(n, max(1, int(s.rate*int64(beat)/int64(time.Second))))
		s.wait(n)
	}
	if s.conn != nil {
		_ = s.conn.SetWriteDeadline(time.Now().Add(stall)) // fails only on a closed connection, as the write will
	}
	copy(p, s.rest[:n])
	s.rest = s.rest[n:]
	return n, nil
}

// wait lets n bytes be earned at the rate, the first ones too. A client that fell behind does not get the lost time
// back as a burst.
func (s *stream) wait(n int) {
	now := time.Now()
	if s.due.IsZero() {
		s.due = now
	}
	if late := now.Add(-beat); s.due.Before(late) {
		s.due = late
	}
	s.due = s.due.Add(time.Duration(int64(n) * int64(time.Second) / s.rate))
	time.Sleep(time.Until(s.due))
}

// Close gives the connection back without a deadline. The server calls it when the response is out or the client is
// gone.
func (s *stream) Close() error {
	if len(s.rest) > 0 {
		s.logger.Debug("client left", "sent", s.size-len(s.rest), "of", s.size)
	}
	if s.conn != nil {
		_ = s.conn.SetWriteDeadline(time.Time{})
	}
	return nil
}
