package main

import (
	"log/slog"
	"sync/atomic"
)

// trouble logs when something begins to fail, and when that is over: not every failure.
type trouble struct{ on atomic.Bool }

// note notes how it went this time; err is nil where it went well.
func (t *trouble) note(log *slog.Logger, what string, err error) {
	switch {
	case err != nil && t.on.CompareAndSwap(false, true):
		log.Warn(what+" fail", "err", err)
	case err == nil && t.on.CompareAndSwap(true, false):
		log.Info(what + " come through again")
	}
}
