package measure

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/woodytoys/woodytoys/benchmarks/instruments/load"
	"github.com/woodytoys/woodytoys/internal/oracle"
)

const (
	// auditEvery is how often the auditor writes beside a load of the whole machine. Its requests are not counted into
	// the load.
	auditEvery = 50 * time.Millisecond
	// audited is how many of the most read products it changes in turn.
	audited = 16
)

// audit changes one of the most read products so often while they are being read, creates another, and asks for each at
// once over another connection, until done is closed; what it is at then it ends first. Without it nothing that is read
// would ever change, and no response could be stale. While no product can be created none is changed either: each write
// that fails costs a product.
func (s *Shop) audit(ctx context.Context, done <-chan struct{}, every time.Duration) {
	a := &auditor{shop: s, ctx: ctx}
	defer a.hangUp(0)
	defer a.hangUp(1)
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	began := time.Now()
	// What a shop that does not respond keeps the auditor from was due all the same.
	defer func() { s.shelf.changesDue.Add(int64(time.Since(began) / every)) }()
	taken := true
	for turn := 0; ; turn++ {
		select {
		case <-done:
			return
		case <-ticker.C:
		}
		if i, ok := s.shelf.inTurn(turn); ok && taken {
			a.change(i)
		}
		taken = a.create()
	}
}

// auditor has a connection to write on and another to read on.
type auditor struct {
	shop   *Shop
	ctx    context.Context
	conns  [2]*load.Conn
	undo   [2]func() bool // unregisters the function that closes the connection when ctx ends
	buffer []byte
}

func (a *auditor) hangUp(which int) {
	if a.conns[which] != nil {
		a.undo[which]()
		a.conns[which].Close()
		a.conns[which] = nil
	}
}

// do makes a request on a connection that it dials where there is none. A failed one is not a response,
// and so neither stale nor wrong.
func (a *auditor) do(which int, request []byte) (response load.Response, ok bool) {
	if a.conns[which] == nil {
		conn, err := load.DialContext(a.ctx, a.shop.Addr)
		if err != nil {
			return response, false
		}
		conn.Patience = patience
		a.conns[which] = conn
		a.undo[which] = context.AfterFunc(a.ctx, func() { conn.Close() })
	}
	response, err := a.conns[which].Ask(request)
	if err != nil || response.Closing {
		a.hangUp(which)
	}
	return response, err == nil
}

// change gives a product its next name, and reads it.
func (a *auditor) change(i int) {
	s := a.shop
	if _, ok := s.write(a, i); !ok {
		return
	}
	s.shelf.changed.Add(1)
	floor := s.shelf.products[i].Floor()
	if response, ok := a.do(1, s.reads[i]); ok {
		s.shelf.judge(i, floor, response)
		s.shelf.checked(1)
	}
}

// write gives a product its next name. It returns the version that was acknowledged, or false. After a
// write that failed it is unknown whether it was carried out: that product is never written again. One that a proxy
// refused, since there were too many (429), was not.
func (s *Shop) write(a *auditor, i int) (version int64, ok bool) {
	p := &s.shelf.products[i]
	if version, ok = p.Next(); !ok {
		return 0, false
	}
	a.buffer = s.appendWrite(a.buffer[:0], "PUT", fmt.Sprintf("/api/products/%d", p.id), p.nameOf(version))
	response, ok := a.do(0, a.buffer)
	if ok && response.Status == http.StatusTooManyRequests {
		return 0, false
	}
	if !ok || response.Status != http.StatusOK {
		p.Unknown()
		return 0, false
	}
	if oracle.VersionOf(response.Body) != version {
		s.shelf.wrong("changing product %d to version %d is answered as %q", p.id, version, response.Body)
		p.Unknown()
		return 0, false
	}
	p.Acknowledged(oracle.State{Version: version})
	return version, true
}

// create makes a product, and asks for the last one. It reports whether the shop takes writes: whether it responded,
// with no error of its own.
func (a *auditor) create() (taken bool) {
	s := a.shop
	name := s.newName("audited")
	a.buffer = s.appendWrite(a.buffer[:0], "POST", "/api/products", name)
	response, ok := a.do(0, a.buffer)
	if !ok || response.Status >= 500 {
		return false
	}
	id, ok := createdID(response, name)
	if !ok {
		return true
	}
	s.shelf.created(id)
	floor := s.shelf.newest.Floor()
	if response, ok := a.do(1, s.get("/api/products/last")); ok {
		s.shelf.judgeLast(floor, response)
		s.shelf.checked(1)
	}
	return true
}
