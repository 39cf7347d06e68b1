package measure

import (
	"bytes"
	"strconv"
	"sync/atomic"

	"github.com/woodytoys/woodytoys/benchmarks/instruments/load"
	"github.com/woodytoys/woodytoys/benchmarks/report/raw"
	"github.com/woodytoys/woodytoys/internal/oracle"
)

// shelf is the products that a load reads, what has been acknowledged of them, and what was found. Every product's name
// is made from its version, so that each response shows what it must be.
type shelf struct {
	products []product
	// newest is the list of products: its versions are the highest ids of which the creation was acknowledged.
	newest   oracle.Item
	findings oracle.Findings
	answers  atomic.Int64 // that were checked
	// changesDue are the changes that an auditor was to make, changed those that were acknowledged.
	changesDue, changed atomic.Int64

	// turns are the products that an auditor changes in turn; from spare on are those that have had no turn.
	turns []int
	spare int
}

// product is an item with one writer.
type product struct {
	oracle.Item
	id   int64
	name string
	// first is the whole response in version 1.
	first []byte
}

// newShelf returns a shelf of products that were just created under these ids and names.
func newShelf(ids []int64, names []string) *shelf {
	s := &shelf{products: make([]product, len(ids))}
	for i := range s.products {
		p := &s.products[i]
		p.id, p.name = ids[i], names[i]
		p.first = p.response(1)
		p.Acknowledged(oracle.State{Version: 1})
		s.created(p.id)
	}
	return s
}

// nameOf returns the product's name in a version.
func (p *product) nameOf(version int64) string {
	if version <= 1 {
		return p.name
	}
	return p.name + ", changed to " + strconv.FormatInt(version, 10)
}

// response returns the shop's response for the product in a version, in JSON.
func (p *product) response(version int64) []byte {
	return oracle.Product{ID: p.id, Name: p.nameOf(version), Version: version}.AppendJSON(nil)
}

// inTurn returns which product an auditor is to change at a turn: one of the most read ones. Where it is unknown what
// one of them is, since a write of it failed, the most read one of the rest takes its place for good. ok is false when
// there is none left. It is for one auditor at a time.
func (s *shelf) inTurn(turn int) (i int, ok bool) {
	for ; s.spare < min(audited, len(s.products)); s.spare++ {
		s.turns = append(s.turns, s.spare)
	}
	at := &s.turns[turn%len(s.turns)]
	for {
		if _, known := s.products[*at].Next(); known {
			return *at, true
		}
		if s.spare == len(s.products) {
			return 0, false
		}
		*at = s.spare
		s.spare++
	}
}

// created notes that the creation of a product was acknowledged.
func (s *shelf) created(id int64) { s.newest.Acknowledged(oracle.State{Version: id}) }

// judge judges the response to a read of a product that began when its floor was as given.
func (s *shelf) judge(i int, floor oracle.State, a load.Response) load.Verdict {
	p := &s.products[i]
	switch {
	case a.Status == 404:
		return s.note(p.Judge(floor, oracle.State{}),
			"product %d is not found, though %v was acknowledged before", p.id, floor)
	case a.Status != 200:
		return load.Failed
	case floor.Version == 1 && bytes.Equal(a.Body, p.first):
		return load.Good
	}
	version := oracle.VersionOf(a.Body)
	if version < 1 || !bytes.Equal(a.Body, p.response(version)) {
		return s.wrong("product %d is answered as %q", p.id, a.Body)
	}
	if verdict := p.Judge(floor, oracle.State{Version: version}); verdict != oracle.Good {
		return s.note(verdict,
			"product %d is answered in version %d by %s (%s), though %v was acknowledged before the read began",
			p.id, version, a.ServedBy, a.CacheStatus, floor)
	}
	return load.Good
}

// judgeCreated judges the response to a read of a product that was just created, and never changed.
func (s *shelf) judgeCreated(id int64, name string, a load.Response) load.Verdict {
	made := product{id: id, name: name}
	switch {
	case a.Status == 404:
		return s.note(oracle.Stale,
			"product %d is not found by %s (%s), though its creation was acknowledged before the read began",
			id, a.ServedBy, a.CacheStatus)
	case a.Status != 200:
		return load.Failed
	case !bytes.Equal(a.Body, made.response(1)):
		return s.wrong("new product %d, %q, is answered as %q", id, name, a.Body)
	}
	return load.Good
}

// judgeLast judges the last product, as JSON, read when the floor of newest was as given.
func (s *shelf) judgeLast(floor oracle.State, a load.Response) load.Verdict {
	if a.Status != 200 {
		return load.Failed
	}
	_, last, ok := bytes.Cut(a.Body, []byte(`"last":{"id":`))
	if !ok {
		return s.wrong("last is answered as %q", a.Body)
	}
	digits, _, _ := bytes.Cut(last, []byte(","))
	id, err := strconv.ParseInt(string(digits), 10, 64)
	if err != nil {
		return s.wrong("last is answered as %q", a.Body)
	}
	return s.note(s.newest.Judge(floor, oracle.State{Version: id}),
		"last is product %d by %s (%s), though %d was acknowledged before the read began", id, a.ServedBy,
		a.CacheStatus, floor.Version)
}

// checked counts the responses that were checked.
func (s *shelf) checked(n int) { s.answers.Add(int64(n)) }

// taken returns what was found since it was called last.
func (s *shelf) taken() raw.Oracle {
	sum := s.findings.Take()
	return raw.Oracle{Checked: int(s.answers.Swap(0)), Stale: sum.Stale, Wrong: sum.Wrong, Examples: sum.Examples,
		ChangesDue: int(s.changesDue.Swap(0)), Changed: int(s.changed.Swap(0))}
}

// wrong notes a response with wrong content.
func (s *shelf) wrong(format string, args ...any) load.Verdict {
	return s.note(oracle.Wrong, format, args...)
}

// note records a verdict, and returns it as the load's.
func (s *shelf) note(verdict oracle.Verdict, format string, args ...any) load.Verdict {
	switch s.findings.Add(verdict, format, args...) {
	case oracle.Good:
		return load.Good
	case oracle.Stale:
		return load.Stale
	}
	return load.Wrong
}
