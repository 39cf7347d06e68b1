package cache

import (
	"errors"
	"slices"
)

// ErrLeftOut is the error of a key that a LoadMany neither set nor failed, though it returned no error.
var ErrLeftOut = errors.New("cache: a load of several keys left this one out")

// Batch is what a LoadMany is to load, and takes what it brings. Its places are those in the asks of GetMany.
//
// It is of no use after the load returned. Goroutines that the load waits for may use it together, as long as each
// place is one goroutine's.
type Batch[V any] struct {
	missing []int // in order
	parts   []part[V]
}

// part is what was brought of one key.
type part[V any] struct {
	fill    *Fill
	value   V
	err     error
	brought bool
}

// Missing returns the places in asks that are to be loaded, the first one first: of keys that were asked for more than
// once, the first place. It is not to be changed.
func (b *Batch[V]) Missing() []int { return b.missing }

// Set brings the value of a place. Of a place that is not missing it is ignored, so that a load may bring more.
func (b *Batch[V]) Set(place int, value V) { b.settle(place, value, nil) }

// Fail brings the error of a place: one that Options.Absent takes for an absence is kept as one. A nil error brings
// nothing.
func (b *Batch[V]) Fail(place int, err error) {
	if err != nil {
		var none V
		b.settle(place, none, err)
	}
}

// Fill returns the Fill of a place, through which the load describes its value. Of a place that is not missing, what it
// is given is ignored.
func (b *Batch[V]) Fill(place int) *Fill {
	if part := b.part(place); part != nil {
		return part.fill
	}
	return &Fill{}
}

func (b *Batch[V]) settle(place int, value V, err error) {
	if part := b.part(place); part != nil {
		part.value, part.err, part.brought = value, err, true
	}
}

// part returns the part of a place, or nil.
func (b *Batch[V]) part(place int) *part[V] {
	if i, missing := slices.BinarySearch(b.missing, place); missing {
		return &b.parts[i]
	}
	return nil
}

// result returns what a load that returned err has brought of a part.
func (p *part[V]) result(err error) (V, error) {
	switch {
	case p.brought:
		return p.value, p.err
	case err != nil:
		return p.value, err
	}
	return p.value, ErrLeftOut
}
