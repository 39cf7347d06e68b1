package outbox

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"

	"github.com/woodytoys/woodytoys/cache/ledger"
)

// unreachable reports whether a driver's error means that no server is where the address leads, to answer anybody:
// connections are refused, or the name has no address. A server that is slow, busy, shutting down or refuses this
// connection alone is there; and a way that fails on this side of it, for want of a route, of an answer from DNS or of
// a free descriptor, says nothing of the server.
func unreachable(err error) bool {
	var dial *net.OpError
	if !errors.As(err, &dial) || dial.Op != "dial" {
		return false
	}
	var name *net.DNSError
	return errors.As(err, &name) && name.IsNotFound || errors.Is(err, syscall.ECONNREFUSED) ||
		errors.Is(err, syscall.ENOENT)
}

// explain makes an error ledger.ErrUnreachable if nobody can be writing to the database. A server that takes no writes
// is there. And after one that took none, the address is to lead elsewhere: that nobody is there yet, or any more, does
// not mean that nobody writes. Where the address may lead to more than one server neither a refusal nor silence means
// that: the error is then neither of the two.
func (o *Outbox) explain(err error) error {
	late, direct := errors.Is(err, context.DeadlineExceeded), o.cfg.Direct && !o.galera.Load()
	switch {
	case err == nil, errors.Is(err, ErrReadOnly), late && direct:
		return err
	case late:
		return fmt.Errorf("the database did not answer in time: %v", err) // no context.DeadlineExceeded any more
	case !unreachable(err), o.demoted.Load():
		return err
	case !direct:
		return fmt.Errorf("%w: what is cached is not answered meanwhile, since others may be writing by another way: "+
			"set Direct if the address is that of the only server", err)
	}
	return fmt.Errorf("%w: %w", ledger.ErrUnreachable, err)
}
