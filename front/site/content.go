package site

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"sync"

	"github.com/andybalholm/brotli"
)

// content is something to serve, in the encodings that make it smaller.
type content struct {
	contentType string
	hash        string // of the plain bytes, in hex
	plain       representation
	brotli      func() representation // nil when compressing is not worth it; made on first use
	gzip        func() representation
}

// representation is one encoding of a content, with the strong validator of exactly these bytes.
type representation struct {
	encoding string // "" for the plain bytes
	etag     string
	body     []byte
}

// effort is how hard to compress: once and for all, or for a page that will soon be another.
type effort struct{ brotli, gzip int }

var (
	onceForAll = effort{brotli: brotli.BestCompression, gzip: gzip.BestCompression}
	onTheFly   = effort{brotli: 4, gzip: 5}
)

func newContent(contentType string, body []byte, compressible bool, e effort) *content {
	sum := sha256.Sum256(body)
	c := &content{contentType: contentType, hash: hex.EncodeToString(sum[:16])}
	c.plain = representation{etag: `"` + c.hash + `"`, body: body}
	if compressible {
		c.brotli = sync.OnceValue(func() representation {
			return representation{"br", `"` + c.hash + `-br"`, compressBrotli(body, e.brotli)}
		})
		c.gzip = sync.OnceValue(func() representation {
			return representation{"gzip", `"` + c.hash + `-gzip"`, compressGzip(body, e.gzip)}
		})
	}
	return c
}

func compressBrotli(body []byte, level int) []byte {
	var b bytes.Buffer
	w := brotli.NewWriterLevel(&b, level)
	_, _ = w.Write(body) // a buffer does not fail
	_ = w.Close()
	return b.Bytes()
}

func compressGzip(body []byte, level int) []byte {
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, level)
	if err != nil {
		panic("site: gzip level: " + err.Error())
	}
	_, _ = w.Write(body)
	_ = w.Close()
	return b.Bytes()
}

// choose picks the encoding that the lines of Accept-Encoding like best, and among equals the smallest.
func (c *content) choose(acceptEncoding [][]byte) representation {
	if c.brotli == nil {
		return c.plain
	}
	switch preferredEncoding(acceptEncoding) {
	case "br":
		return c.brotli()
	case "gzip":
		return c.gzip()
	}
	return c.plain
}
