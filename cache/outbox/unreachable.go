package outbox

import (
	"errors"
	"io"
	"net"
	"slices"
	"syscall"
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
