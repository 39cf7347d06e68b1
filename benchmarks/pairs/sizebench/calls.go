package main

import (
	"fmt"
	"math/rand/v2"
)

// How many ids are asked for. The few of them stay in whatever the database keeps in memory; the many reach over the
// whole of a large table.
const (
	hot  = 1_000
	wide = 100_000
)

// call is what both sides are asked, each with ids of its own.
type call struct {
	title     string
	few, many []string
}

func (s sizes) calls() []call {
	random := rand.New(rand.NewPCG(1, 2))
	ids := func(how, n int) (paths []string) {
		for range how {
			paths = append(paths, fmt.Sprintf("/api/products/%d", 1+random.IntN(n)))
		}
		return paths
	}
	same := func(title, path string) call { return call{title, []string{path}, []string{path}} }
	page := func(n int) []string { return []string{fmt.Sprintf("/api/products?after=%d", n/2)} }
	return []call{
		{"GET /api/products/ID, hot", ids(hot, s.few), ids(hot, s.many)},
		{"GET /api/products/ID, wide", ids(hot, s.few), ids(wide, s.many)},
		same("GET /api/products/last, the count included,", "/api/products/last"),
		same("GET /api/products", "/api/products"),
		{"GET /api/products?after=ID, from the middle,", page(s.few), page(s.many)},
		// The last: it makes the few more.
		same("adding, by GET /api/products?product=Toy,", "/api/products?product=Toy"),
	}
}
