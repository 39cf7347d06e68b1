// Package oracle tells a stale or a wrong answer from a right one while the shop is being measured. No
// read may return a version older than the newest one acknowledged before it began; every product's
// name is made from its version, so that each answer says what it must be.
package oracle

import (
	"bytes"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/woodytoys/woodytoys/benchmarks/load"
	"github.com/woodytoys/woodytoys/benchmarks/raw"
)

// Shelf is the products that a load reads, and what has been acknowledged of them.
type Shelf struct {
	products []product
	// newest is the highest id of a product whose creation was acknowledged.
	newest atomic.Int64

	mu    sync.Mutex
	found raw.Oracle
}

type product struct {
	id   int64
	name string
	// first is the whole answer in version 1.
	first []byte
	// acknowledged is the newest version that was.
	acknowledged atomic.Int64
}

// NewShelf is a shelf of products that were just created under these ids and names.
func NewShelf(ids []int64, names []string) *Shelf {
	s := &Shelf{products: make([]product, len(ids))}
	for i := range s.products {
		p := &s.products[i]
		p.id, p.name = ids[i], names[i]
		p.first = Product(nil, p.id, p.name, 1)
		p.acknowledged.Store(1)
		s.Created(p.id)
	}
	return s
}

// Product appends what the shop answers for a product, in JSON.
func Product(b []byte, id int64, name string, version int64) []byte {
	b = strconv.AppendInt(append(b, `{"id":`...), id, 10)
	b = append(append(b, `,"name":"`...), name...)
	return append(strconv.AppendInt(append(b, `","version":`...), version, 10), '}')
}

// Name is a product's name in a version.
func Name(first string, version int64) string {
	if version <= 1 {
		return first
	}
	return first + ", changed to " + strconv.FormatInt(version, 10)
}

// Len is how many products there are.
func (s *Shelf) Len() int { return len(s.products) }

// ID is a product's id.
func (s *Shelf) ID(i int) int64 { return s.products[i].id }

// NextName is what a product is to be called in its next version.
func (s *Shelf) NextName(i int) string {
	p := &s.products[i]
	return Name(p.name, p.acknowledged.Load()+1)
}

// Floor is the oldest version that a read of a product which begins now may return.
func (s *Shelf) Floor(i int) int64 { return s.products[i].acknowledged.Load() }

// Acknowledged says that a write of a version has been acknowledged. Each product has one writer.
func (s *Shelf) Acknowledged(i int, version int64) { s.products[i].acknowledged.Store(version) }

// Newest is the highest id that was acknowledged, and so the least that `last` may answer from now on.
func (s *Shelf) Newest() int64 { return s.newest.Load() }

// Created says that the creation of a product was acknowledged.
func (s *Shelf) Created(id int64) {
	for {
		old := s.newest.Load()
		if id <= old || s.newest.CompareAndSwap(old, id) {
			return
		}
	}
}

var versionField = []byte(`","version":`)

// Judge judges the answer to a read of a product that began when its floor was as given.
func (s *Shelf) Judge(i int, floor int64, a load.Answer) load.Verdict {
	p := &s.products[i]
	if a.Status != 200 {
		if a.Status == 404 {
			return s.tell(load.Stale, "product %d is not found, though version %d was acknowledged before", p.id, floor)
		}
		return load.Failed
	}
	if floor == 1 && bytes.Equal(a.Body, p.first) {
		return load.Good
	}
	version := VersionOf(a.Body)
	if version < 1 || !bytes.Equal(a.Body, Product(nil, p.id, Name(p.name, version), version)) {
		return s.tell(load.Wrong, "product %d is answered as %q", p.id, a.Body)
	}
	if version < floor {
		return s.tell(load.Stale, "product %d is answered in version %d by %s (%s), though %d was acknowledged before the read began",
			p.id, version, a.ServedBy, a.CacheStatus, floor)
	}
	return load.Good
}

// JudgeCreated judges the answer to a read of a product that was just created, and never changed.
func (s *Shelf) JudgeCreated(id int64, name string, a load.Answer) load.Verdict {
	switch {
	case a.Status == 404:
		return s.tell(load.Stale, "product %d is not found by %s (%s), though its creation was acknowledged before the read began", id, a.ServedBy, a.CacheStatus)
	case a.Status != 200:
		return load.Failed
	case !bytes.Equal(a.Body, Product(nil, id, name, 1)):
		return s.tell(load.Wrong, "new product %d, %q, is answered as %q", id, name, a.Body)
	}
	return load.Good
}

// JudgeLast judges the last product, as JSON, read when floor was the newest id that was acknowledged.
func (s *Shelf) JudgeLast(floor int64, a load.Answer) load.Verdict {
	if a.Status != 200 {
		return load.Failed
	}
	_, last, ok := bytes.Cut(a.Body, []byte(`"last":{"id":`))
	if !ok {
		return s.tell(load.Wrong, "last is answered as %q", a.Body)
	}
	digits, _, _ := bytes.Cut(last, []byte(","))
	id, err := strconv.ParseInt(string(digits), 10, 64)
	switch {
	case err != nil:
		return s.tell(load.Wrong, "last is answered as %q", a.Body)
	case id < floor:
		return s.tell(load.Stale, "last is product %d by %s (%s), though %d was acknowledged before the read began", id, a.ServedBy, a.CacheStatus, floor)
	}
	return load.Good
}

// Checked counts answers that were checked.
func (s *Shelf) Checked(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.found.Checked += n
}

// Taken is what was found since it was last asked.
func (s *Shelf) Taken() raw.Oracle {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := s.found
	s.found = raw.Oracle{}
	return found
}

// Wrong notes an answer that says what is not so.
func (s *Shelf) Wrong(format string, args ...any) load.Verdict {
	return s.tell(load.Wrong, format, args...)
}

func (s *Shelf) tell(verdict load.Verdict, format string, args ...any) load.Verdict {
	one := raw.Oracle{Examples: []string{fmt.Sprintf(format, args...)}}
	if verdict == load.Stale {
		one.Stale = 1
	} else {
		one.Wrong = 1
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.found.Add(one)
	return verdict
}

// VersionOf is the version in a product's JSON; zero where there is none.
func VersionOf(body []byte) int64 {
	at := bytes.LastIndex(body, versionField)
	if at < 0 {
		return 0
	}
	version, err := strconv.ParseInt(string(bytes.TrimSuffix(body[at+len(versionField):], []byte("}"))), 10, 64)
	if err != nil {
		return 0
	}
	return version
}
