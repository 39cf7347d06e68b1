package cluster

import (
	"time"

	"github.com/woodytoys/woodytoys/cache/internal/handover"
	"github.com/woodytoys/woodytoys/cache/ledger"
)

// The words of package ledger, which are on every page here.
type (
	Ledger   = ledger.Ledger
	State    = ledger.State
	Record   = ledger.Record
	Progress = ledger.Progress
)

const (
	Waiting    = ledger.Waiting
	Taken      = ledger.Taken
	CarriedOut = ledger.CarriedOut
)

// ErrUnreachable is ledger.ErrUnreachable.
var ErrUnreachable = ledger.ErrUnreachable

// ErrSilent is ledger.ErrSilent.
var ErrSilent = ledger.ErrSilent

// What a writer does who cannot reach Redis: see package handover.
type HandOvers = handover.HandOvers

// Pace is handover.Pace.
type Pace = handover.Pace

const (
	aloneLeases = handover.AloneLeases
	takenLeases = handover.TakenLeases
)

// ErrUnconfirmed is handover.ErrUnconfirmed.
var ErrUnconfirmed = handover.ErrUnconfirmed

func takenWithin(lease time.Duration) time.Duration { return handover.TakenWithin(lease) }

// AwaitBumped calls handover.AwaitBumped.
func AwaitBumped(aLease func() bool) error { return handover.AwaitBumped(aLease) }
