package outbox

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"net"

	"github.com/woodytoys/woodytoys/cache/ledger"
)

// silent reports whether an error shows nothing of a cluster that somebody could be writing to: there is no connection,
// no reply, or only that of a node which can do nothing now. Any other error is the reply of a node that takes part.
func silent(err error) bool {
	var network net.Error
	return !errors.Is(err, ErrReadOnly) &&
		(errors.Is(err, driver.ErrBadConn) || errors.Is(err, context.DeadlineExceeded) || isOver(err) ||
			unreachable(err) || errors.As(err, &network))
}

// explain makes an error ledger.ErrUnreachable if nobody can be writing to the database. A server that takes no writes
// is there. And after one that took none, the address is to lead elsewhere: that nobody is there yet, or any more, does
// not mean that nobody writes. Where the address may lead to more than one server neither a refusal nor silence means
// that: the error is then neither of the two. Where it leads to a cluster, either is ledger.ErrSilent.
func (o *Outbox) explain(err error) error {
	late, direct := errors.Is(err, context.DeadlineExceeded), o.cfg.Direct && !o.galera.Load()
	switch {
	case err == nil, errors.Is(err, ErrReadOnly), errors.Is(err, ledger.ErrSilent), late && direct:
		return err
	case o.cfg.Cluster && silent(err):
		return fmt.Errorf("%w: %w", ledger.ErrSilent, err)
	case late:
		return fmt.Errorf("the database did not answer in time: %v", err) // no context.DeadlineExceeded any more
	case !unreachable(err), o.demoted.Load():
		return err
	case !direct:
		return fmt.Errorf("%w: what is cached is not answered meanwhile, since others may be writing by another way: "+
			"set Direct if the address is that of the only server, Cluster if it leads to one Galera cluster", err)
	}
	return fmt.Errorf("%w: %w", ledger.ErrUnreachable, err)
}
