// Package callers ends the work for callers who have left: who closed their connection while they waited for their
// answer.
package callers

import (
	"context"
	"net"
	"sync"
	"syscall"
	"time"
)

// lookEvery is how often the connection of a waiting caller is looked at. What is answered sooner costs no look.
const lookEvery = 100 * time.Millisecond

type processKey struct{}

// Process returns ctx, the context of the whole process, as the parent that Watch wants.
func Process(ctx context.Context) context.Context { return context.WithValue(ctx, processKey{}, ctx) }

// Watch returns a context that ends with process, which Process made, and when the client of conn has left. stop is to
// be called when there is an answer.
//
// A client that only shut down its writing side cannot be distinguished from one that closed its connection: both send
// a FIN, and which one it was shows only when the answer is sent. So time decides. A client that means to read on, such
// as nc -N, sends its FIN with its request: when it is there at the first look, after 100 ms, the caller is held to
// wait until the connection breaks (RST). A FIN that comes later is one who left.
//
// On other systems than Linux, and of a connection that is not the kernel's, nobody is seen to leave.
func Watch(process context.Context, conn net.Conn) (ctx context.Context, stop context.CancelFunc) {
	ctx, leave := context.WithCancel(process)
	w := &watch{ctx: ctx, leave: leave, conn: conn}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.timer = time.AfterFunc(lookEvery, w.look)
	return ctx, func() {
		leave()
		w.timer.Stop()
	}
}

// Begun returns a context for what has begun under ctx and is to be finished though its caller leaves: a write. It
// keeps the deadline of ctx, and ends with the process. Of a context that Watch did not make it returns ctx itself.
func Begun(ctx context.Context) (context.Context, context.CancelFunc) {
	process, watched := ctx.Value(processKey{}).(context.Context)
	if !watched {
		return ctx, func() {}
	}
	if ctx.Value(carryingKey{}) != nil {
		process = Carry(process, ctx)
	}
	if deadline, bounded := ctx.Deadline(); bounded {
		return context.WithDeadline(process, deadline)
	}
	return context.WithCancel(process)
}

// Carry returns ctx with the values of another context beside its own, and nothing else of that. Begun keeps them.
func Carry(ctx, values context.Context) context.Context { return carrying{ctx, values} }

type carrying struct {
	context.Context
	values context.Context
}

type carryingKey struct{}

// Value implements context.Context.
func (c carrying) Value(key any) any {
	switch key {
	case carryingKey{}:
		return true
	case processKey{}:
		return c.Context.Value(key) // with what it ends is its own
	}
	if value := c.Context.Value(key); value != nil {
		return value
	}
	return c.values.Value(key)
}

// watch looks at one connection until ctx ends.
type watch struct {
	ctx   context.Context
	leave context.CancelFunc
	conn  net.Conn

	mu         sync.Mutex
	timer      *time.Timer
	raw        syscall.RawConn // nil before the first look
	halfClosed bool            // at the first look
}

func (w *watch) look() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ctx.Err() != nil {
		return
	}
	first := w.raw == nil
	if first {
		if w.raw = rawConn(w.conn); w.raw == nil {
			return
		}
	}
	fin, broken := peerOf(w.raw)
	if first {
		w.halfClosed = fin
	}
	if broken || fin && !w.halfClosed {
		w.leave()
		return
	}
	w.timer.Reset(lookEvery)
}

// rawConn returns the kernel's connection in conn, which other ones may stand around, or nil.
func rawConn(conn net.Conn) syscall.RawConn {
	for {
		switch c := conn.(type) {
		case syscall.Conn:
			raw, err := c.SyscallConn()
			if err != nil {
				return nil
			}
			return raw
		case interface{ NetConn() net.Conn }:
			conn = c.NetConn()
		default:
			return nil
		}
	}
}
