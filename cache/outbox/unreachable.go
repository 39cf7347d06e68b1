package outbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"syscall"

	"github.com/woodytoys/woodytoys/cache/ledger"
)

// unreachable reports whether a driver's error means that no server is where the address leads, to answer anybody:
// connections are refused, or the name has no address. A server that is slow, busy, starting, shutting down or refuses
// this connection alone is there; and a way that fails on this side of it, for want of a route, of an answer from DNS
// or of a free descriptor, is no evidence about the server. Where the error is of several addresses, each must say so.
func unreachable(err error) bool {
	switch e := err.(type) {
	case *net.OpError:
		return e.Op == "dial" &&
			(unreachable(e.Err) || errors.Is(e, syscall.ECONNREFUSED) || errors.Is(e, syscall.ENOENT))
	case *net.DNSError:
		return e.IsNotFound
	case interface{ Unwrap() []error }:
		all := e.Unwrap()
		return len(all) > 0 && !slices.ContainsFunc(all, func(err error) bool { return !unreachable(err) })
	case interface{ Unwrap() error }:
		return unreachable(e.Unwrap())
	}
	return false
}

// connectionLost reports whether a connection is gone that was there: its server may be too, or has ended it. Not every
// driver returns driver.ErrBadConn then, since it is unknown whether what it sent was carried out.
func connectionLost(err error) bool {
	switch sqlState(err) {
	case "57P01", "57P02", "57P05": // ended by an operator, a crash, or for being idle
		return true
	}
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// lostAgainstOther reports whether a transaction was rolled back because of another one, and is to be made again.
func lostAgainstOther(err error) bool {
	state := sqlState(err)
	return state == "40001" || state == "40P01" // serialization failure, deadlock
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
