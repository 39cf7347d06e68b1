package measure

import (
	"bytes"
	"math/rand/v2"
	"strconv"

	"github.com/woodytoys/woodytoys/benchmarks/instruments/load"
	"github.com/woodytoys/woodytoys/benchmarks/report/raw"
	"github.com/woodytoys/woodytoys/internal/oracle"
)

// Kinds of a traffic's requests.
const (
	readProduct = iota
	createProduct
	readCreated
)

// readBack is how many creations it takes for one new product to be read at once: on another
// connection's turn that would be by another replica, most likely, and so it is here, since the proxy
// chooses for each request.
const readBack = 16

// traffic is one connection's requests: reads of the shelf by a Zipf law, and a part of new products.
type traffic struct {
	shop   *Shop
	random *rand.Rand
	law    zipf
	writes float64

	kind    uint8
	index   int          // of the product that is read
	floor   oracle.State // of that product, when the read began
	name    string
	id      int64 // of the product that was created last
	created int
	buffer  []byte

	layers  [len(layers)]int
	checked int
	served  []servedBy
}

type servedBy struct {
	name  []byte
	count int
}

// sources makes traffic for connections; part of it are writes. AddTo adds what it counted to m.
func (s *Shop) sources(writes float64) (source func(conn int) load.Source, addTo func(m *raw.Measurement)) {
	law := newZipf(len(s.shelf.products))
	var all []*traffic
	seed := rand.Uint64()
	return func(conn int) load.Source {
			t := &traffic{shop: s, random: rand.New(rand.NewPCG(seed, uint64(conn))), law: law, writes: writes}
			all = append(all, t)
			return t
		}, func(m *raw.Measurement) {
			m.Layers, m.Replicas = map[string]int{}, map[string]int{}
			for _, t := range all {
				m.Oracle.Checked += t.checked
				for i, n := range t.layers {
					if n > 0 {
						m.Layers[layers[i]] += n
					}
				}
				for _, replica := range t.served {
					m.Replicas[string(replica.name)] += replica.count
				}
			}
		}
}

func (t *traffic) Next() ([]byte, uint8) {
	switch {
	case t.kind == createProduct && t.id > 0 && t.created%readBack == 0:
		t.kind = readCreated
		t.buffer = strconv.AppendInt(append(t.buffer[:0], "GET /api/products/"...), t.id, 10)
		t.buffer = append(append(append(t.buffer, " HTTP/1.1\r\nHost: "...), t.shop.host()...),
			"\r\nAccept: application/json\r\n\r\n"...)
		return t.buffer, t.kind
	case t.writes > 0 && t.random.Float64() < t.writes:
		t.kind = createProduct
		t.name = t.shop.newName("new")
		t.buffer = t.shop.appendWrite(t.buffer[:0], "POST", "/api/products", t.name)
		return t.buffer, t.kind
	}
	t.kind = readProduct
	t.index = t.law.draw(t.random)
	t.floor = t.shop.shelf.products[t.index].Floor()
	return t.shop.reads[t.index], t.kind
}

func (t *traffic) Judge(a load.Response) load.Verdict {
	t.countServer(a.ServedBy)
	t.checked++
	switch t.kind {
	case createProduct:
		t.layers[layerWrite]++
		t.id = 0
		t.created++
		if a.Status != 201 {
			return load.Failed
		}
		id, ok := createdID(a, t.name)
		if !ok {
			return t.shop.shelf.wrong("the creation of %q is answered as %q", t.name, a.Body)
		}
		t.id = id
		t.shop.shelf.created(id)
		return load.Good
	case readCreated:
		t.layers[layerOf(a.CacheStatus)]++
		return t.shop.shelf.judgeCreated(t.id, t.name, a)
	}
	t.layers[layerOf(a.CacheStatus)]++
	return t.shop.shelf.judge(t.index, t.floor, a)
}

func (t *traffic) countServer(name []byte) {
	for i := range t.served {
		if bytes.Equal(t.served[i].name, name) {
			t.served[i].count++
			return
		}
	}
	if len(name) > 0 && len(t.served) < 100 {
		t.served = append(t.served, servedBy{bytes.Clone(name), 1})
	}
}

// The layers that serve a read, by Cache-Status, and writes.
const (
	layerNear = iota
	layerRedis
	layerOrigin
	layerBypass
	layerWrite
	layerNone
)

var layers = [...]string{"near", "redis", "origin", "bypass", "write", "unknown"}

var nearHit, redisHit, bypass = []byte("near; hit"), []byte("redis; hit"), []byte("fwd=bypass")

// layerOf returns the layer that served a response. Members of Cache-Status stand nearest to the origin first.
func layerOf(cacheStatus []byte) int {
	switch {
	case bytes.HasPrefix(cacheStatus, nearHit):
		return layerNear
	case bytes.HasPrefix(cacheStatus, redisHit):
		return layerRedis
	case bytes.Contains(cacheStatus, bypass):
		return layerBypass
	case len(cacheStatus) == 0:
		return layerNone
	}
	return layerOrigin
}
