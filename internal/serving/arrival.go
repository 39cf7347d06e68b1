package serving

import (
	"cmp"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/woodytoys/woodytoys/internal/framing"
)

// patience is how long requests are waited for. What is 0 has no end.
type patience struct {
	arrive time.Duration // for the rest of a request that has begun to come, and for the first of a connection
	idle   time.Duration // for the next request; up to a sixteenth less
}

// takePatience takes over how long a server waits for requests. fasthttp would set two deadlines for each, of which
// nearly none is ever needed.
func takePatience(server *fasthttp.Server) patience {
	p := patience{arrive: server.ReadTimeout, idle: cmp.Or(server.IdleTimeout, server.ReadTimeout)}
	server.ReadTimeout, server.IdleTimeout = 0, 0
	return p
}

// arrival bounds how long the requests of one connection take to arrive. The zero value leaves that to others.
type arrival struct {
	patience
	request uint64 // which request of the connection by is for
	by      int64  // until when the rest of that request must have come, by now(); or never
	armed   int64  // the deadline that the connection has, likewise
}

// never is a deadline that there is not.
const never int64 = 0

// bound sets the deadline that a read at t is to have, unless there is one that ends it by a sixteenth of its time
// earlier at most: so that of a busy connection is not moved for each request.
func (a *arrival) bound(c *framing.Conn, t int64) error {
	if a.patience == (patience{}) {
		return nil
	}
	want := a.deadline(c, t)
	if early := want - a.armed; early == 0 || a.armed != never && early > 0 && early < (a.armed-t)/16 {
		return nil
	}
	a.armed = want
	if want == never {
		return c.SetReadDeadline(time.Time{})
	}
	return c.SetReadDeadline(began.Add(time.Duration(want - 1)))
}

// deadline returns by when what a read at t waits for must have come. A request has its time from the first read that
// waits for the rest of it: those before it may have taken theirs.
func (a *arrival) deadline(c *framing.Conn, t int64) int64 {
	request := c.Begun()
	switch {
	case c.AtRest() && request > 0:
		return after(t, a.idle)
	case c.AtRest():
		return after(t, a.arrive)
	case request != a.request:
		a.request, a.by = request, after(t, a.arrive)
	}
	return a.by
}

// after returns when d is over at t, or never.
func after(t int64, d time.Duration) int64 {
	if d == 0 {
		return never
	}
	return t + int64(d)
}
