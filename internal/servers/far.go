package servers

import (
	"bytes"
	"net"
	"sync"
	"time"
)

// far is a connection whose writes arrive later, each as late as any other: they overtake nothing and hold nothing up.
type far struct {
	net.Conn
	late time.Duration

	writes chan written
	once   sync.Once
	closed chan struct{}
}

// written is what was written, and when it is to arrive.
type written struct {
	b  []byte
	at time.Time
}

func makeFar(conn net.Conn, late time.Duration) *far {
	f := &far{Conn: conn, late: late, writes: make(chan written, 256), closed: make(chan struct{})}
	go f.deliver()
	return f
}

func (f *far) deliver() {
	for {
		select {
		case <-f.closed:
			return
		case w := <-f.writes:
			time.Sleep(time.Until(w.at))
			if _, err := f.Conn.Write(w.b); err != nil {
				f.Close()
				return
			}
		}
	}
}

// Write queues b, which arrives after the delay.
func (f *far) Write(b []byte) (int, error) {
	select {
	case <-f.closed:
		return 0, net.ErrClosed
	case f.writes <- written{bytes.Clone(b), time.Now().Add(f.late)}:
		return len(b), nil
	}
}

// Close drops what is on its way.
func (f *far) Close() error {
	f.once.Do(func() { close(f.closed) })
	return f.Conn.Close()
}
