package httpapi

import (
	"context"
	"time"

	"github.com/gofiber/fiber/v2/utils"

	"github.com/woodytoys/woodytoys/api/accounts"
	"github.com/woodytoys/woodytoys/api/shop"
	"github.com/woodytoys/woodytoys/cache"
)

// sessionTTL is how long it is kept whose a session is. Whatever ends it, or changes what it may do, invalidates it.
const sessionTTL = time.Minute

// heldSession is what is kept of a session.
type heldSession struct {
	Caller accounts.Caller
	// Until is when the session ends unless it is renewed, in microseconds since 1970 by the clock of the replica that
	// looked it up. Later it is not let in, also where no database can be asked.
	Until int64
}

// caller returns whose a session is, if it has not ended.
func (h *heldSession) caller() (accounts.Caller, error) {
	if time.Now().UnixMicro() >= h.Until {
		return accounts.Caller{}, errSessionOver
	}
	return h.Caller, nil
}

var errSessionOver = &shop.Error{Kind: shop.NotFound, Detail: "The session has ended."}

// SessionsIn returns what accounts.Config.Sessions may be: whose sessions are, by a cache. A session that was ended, or
// whose account was given another role, another password or deleted, is so on every replica before the write that did
// it is acknowledged: that is the cache's promise, and why a token need not be looked up in a list of revoked ones.
// While no database can be asked, sessions that were looked up in the last ten minutes go on, as does what else is
// kept. It adds a loader to the cache: call it once.
func SessionsIn(
	c *cache.Cache, s accounts.Store,
) (func(ctx context.Context, id string) (accounts.Caller, error), error) {
	loader, err := cache.NewLoader[heldSession](c, cache.Options{
		Name: "session", TTL: sessionTTL, NegativeTTL: negativeTTL, Jitter: jitter, MaxStale: staleFor,
		Absent: func(err error) bool { return shop.KindOf(err) == shop.NotFound },
	})
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, id string) (accounts.Caller, error) {
		var buffer [sessionKeySize]byte
		key := utils.UnsafeString(cache.AppendPart(loader.BeginKey(buffer[:0]), id))
		held, missed, err := loader.Peek(key) // with each request: it costs no allocation
		if missed.Reason != cache.Hit {
			held, err = lookUp(ctx, loader, s, id, missed)
		}
		if err != nil {
			return accounts.Caller{}, err
		}
		return held.caller()
	}, nil
}

// sessionKeySize is room for the key of a session, whose id is a UUID.
const sessionKeySize = 64

// lookUp returns a session that the near cache does not have.
func lookUp(
	ctx context.Context, loader *cache.Loader[heldSession], s accounts.Store, id string, missed cache.Info,
) (heldSession, error) {
	key := loader.Key(id)
	held, info, found := loader.LookContext(ctx, key, missed)
	if found {
		return held, nil
	}
	held, _, err := loader.Fill(ctx, key, []string{shop.SessionTag(id)},
		func(ctx context.Context, fill *cache.Fill) (heldSession, error) {
			// The load may outlive the caller whose values ctx has: his response is not to be touched.
			ctx = shop.NoteDatabase(ctx, func(string) {})
			caller, left, err := s.Session(ctx, id)
			if err == nil {
				fill.Tag(shop.AccountTag(caller.Account))
				fill.TTL(left)
			}
			return heldSession{caller, time.Now().Add(left).UnixMicro()}, err
		}, info)
	return held, err
}
