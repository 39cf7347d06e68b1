// Package malformed is a corpus of requests that no server may take, for the tests of all that listens. Each has
// another request behind it, which is answered if a server reads the first one otherwise than it should: so are
// requests smuggled past a proxy (RFC 9112 11.2).
package malformed

import "strings"

// Request is one malformed request.
type Request struct {
	Name string
	// Bytes are the request, and behind it a well-formed one for Smuggled.
	Bytes string
	// Ambiguous marks a request whose end two servers may see in two places. The others are as wrong, but a proxy
	// that puts them into its own words does no harm, as some are allowed to.
	Ambiguous bool
}

// Smuggled is the path of the second request, after which the server is to close the connection.
const Smuggled = "/smuggled"

const second = "GET " + Smuggled + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"

// Requests returns the corpus.
func Requests() []Request {
	var all []Request
	add := func(ambiguous bool, name, bytes string) { all = append(all, Request{name, bytes + second, ambiguous}) }
	for _, line := range requestLines {
		add(false, "request line "+line, line+"Host: localhost\r\n\r\n")
	}
	for _, fields := range fieldLines {
		add(false, "field "+fields, "GET /api/ping HTTP/1.1\r\nHost: localhost\r\n"+fields+"\r\n")
	}
	for _, fields := range hosts {
		add(false, "host "+fields, "GET /api/ping HTTP/1.1\r\n"+fields+"\r\n")
	}
	for _, fields := range contentCodings {
		add(false, "content coding "+fields, post+fields+"Content-Length: 15\r\n\r\n"+kite)
	}
	for _, bytes := range others {
		add(false, bytes, bytes)
	}
	for _, fields := range lengths {
		add(true, "length "+fields, post+fields+"\r\n"+kite)
	}
	for _, fields := range codings {
		add(true, "coding "+fields, post+fields+"\r\nf\r\n"+kite+"\r\n0\r\n\r\n")
	}
	for _, chunks := range chunks {
		add(true, "chunks "+chunks, chunked+chunks)
	}
	return all
}

const (
	post    = "POST /api/products HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
	chunked = post + "Transfer-Encoding: chunked\r\n\r\n"
	kite    = `{"name":"Kite"}` // 15 bytes
)

// requestLines stand before a Host.
var requestLines = []string{
	"GET /api/ping HTTP/1.1x\r\n",
	"GET /api/ping HTTP/1.1 \r\n",
	"GET /api/ping  HTTP/1.1\r\n",
	"GET  /api/ping HTTP/1.1\r\n",
	"GET /api/ping http/1.1\r\n",
	"GET /api/ping HTTP/1\r\n",
	"GET /api/ping HTTP/1.\r\n",
	"GET /api/ping HTTP/.1\r\n",
	"GET /api/ping HTTP/11.1\r\n",
	"GET /api/ping HTTP/1.10\r\n",
	"GET /api/ping HTTP/1,1\r\n",
	"GET /api/ping HTTP 1.1\r\n",
	"GET /api/ping ICY/1.1\r\n",
	"GET /api/ping HTTP/3.0\r\n",
	"GET /api/ping\tHTTP/1.1\r\n",
	"GET\t/api/ping HTTP/1.1\r\n",
	"GET /api/ping HTTP/1.1\rX: y\r\n",
	"GET /api/\x00ping HTTP/1.1\r\n",
	"GET /api/\x7fping HTTP/1.1\r\n",
	"GET /api/ping and more HTTP/1.1\r\n",
	"GET HTTP/1.1\r\n",
	" GET /api/ping HTTP/1.1\r\n",
	"G(T /api/ping HTTP/1.1\r\n",
	"G\x00T /api/ping HTTP/1.1\r\n",
	"GET: /api/ping HTTP/1.1\r\n",
}

// fieldLines stand in a head that is well-formed without them.
var fieldLines = []string{
	"X\x00: y\r\n",
	"X: y\x00z\r\n",
	"X: y\rz\r\n",
	"X: y\r\r\n",
	"X : y\r\n",
	"X\t: y\r\n",
	"Content-Length : 5\r\n",
	"Transfer-Encoding : chunked\r\n",
	": y\r\n",
	"X\r\n",
	"X y\r\n",
	"X(): y\r\n",
	"X\xe9: y\r\n",
	"X: y\r\n folded: 1\r\n",
	"X: y\r\n\tContent-Length: 5\r\n",
	"X: y\r\n \r\n",
	"\rX: y\r\n",
	"X\r: y\r\n",
	"\x0bTransfer-Encoding: chunked\r\n",
	"X: \x01\r\n",
	"X: \x1b[2J\r\n",
}

// hosts stand in the place of the one Host.
var hosts = []string{
	"",
	"Host: localhost\r\nHost: localhost\r\n",
	"Host: localhost\r\nHost: evil\r\n",
	"Host: localhost\r\nhOsT: evil\r\n",
	"Host : shop\r\n",
	"Host: localhost evil\r\n",
	"Host: localhost/evil\r\n",
	"Host: evil@shop\r\n",
	"Host: localhost\"><script>\r\n",
	"X-Host: localhost\r\n",
}

// lengths stand before a body of 15 bytes.
var lengths = []string{
	"Content-Length: 15\r\nContent-Length: 0\r\n",
	"Content-Length: 0\r\nContent-Length: 15\r\n",
	"Content-Length: 15\r\ncontent-length: 16\r\n",
	"Content-Length: 15, 0\r\n",
	"Content-Length: +15\r\n",
	"Content-Length: -15\r\n",
	"Content-Length: 0x0f\r\n",
	"Content-Length: 1_5\r\n",
	"Content-Length: 15 0\r\n",
	"Content-Length: 15.0\r\n",
	"Content-Length: fifteen\r\n",
	"Content-Length: \"15\"\r\n",
	"Content-Length: 15;\r\n",
	"Content-Length: \xd9\xa1\xd9\xa5\r\n",
	"Content-Length:\r\n",
	"Content-Length: 18446744073709551631\r\n",
	"Content-Length: 99999999999999999999999999999999999\r\n",
}

// codings stand before a body of one chunk.
var codings = []string{
	"Transfer-Encoding: xchunked\r\n",
	"Transfer-Encoding: chunkedx\r\n",
	"Transfer-Encoding: chunked, identity\r\n",
	"Transfer-Encoding: identity, chunked\r\n",
	"Transfer-Encoding: identity\r\n",
	"Transfer-Encoding: gzip, chunked\r\n",
	"Transfer-Encoding: chunked, gzip\r\n",
	"Transfer-Encoding: gzip\r\n",
	"Transfer-Encoding: chunked, chunked\r\n",
	"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
	"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
	"Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n",
	"Transfer-Encoding: \"chunked\"\r\n",
	"Transfer-Encoding: chunked;q=1\r\n",
	"Transfer-Encoding: ch\x00unked\r\n",
	"Transfer-Encoding: chun ked\r\n",
	"Transfer-Encoding:\x0bchunked\r\n",
	"Transfer-Encoding\x00: chunked\r\n",
	"Transfer-Encoding:\r\nContent-Length: 5\r\n",
}

// chunks are bodies in chunks.
var chunks = []string{
	"f_\r\n" + kite + "\r\n0\r\n\r\n",
	"0xf\r\n" + kite + "\r\n0\r\n\r\n",
	"+f\r\n" + kite + "\r\n0\r\n\r\n",
	"-f\r\n" + kite + "\r\n0\r\n\r\n",
	" f\r\n" + kite + "\r\n0\r\n\r\n",
	"\r\nf\r\n" + kite + "\r\n0\r\n\r\n",
	"g\r\n" + kite + "\r\n0\r\n\r\n",
	"f;a\nx\r\n" + kite + "\r\n0\r\n\r\n",
	"f;a\rx\r\n" + kite + "\r\n0\r\n\r\n",
	"f\r" + kite + "\r\n0\r\n\r\n",
	"f\r\n" + kite + "0\r\n\r\n",
	"f\r\n" + kite + "\r0\r\n\r\n",
	"f\r\n" + kite + "xx0\r\n\r\n",
	"e\r\n" + kite + "\r\n0\r\n\r\n",
	"10000000000000000f\r\n" + kite + "\r\n0\r\n\r\n",
	"ffffffffffffffff\r\n" + kite + "\r\n0\r\n\r\n",
	"fffffffffffffff0\r\n" + kite + "\r\n0\r\n\r\n",
	"f\r\n" + kite + "\r\n0\r\n\rX",
	"f\r\n" + kite + "\r\n;\r\n\r\n",
}

// contentCodings stand before a body.
var contentCodings = []string{
	"Content-Encoding: gzip\r\n",
	"Content-Encoding: gzip, gzip\r\n",
	"Content-Encoding: br\r\n",
	"Content-Encoding: deflate\r\n",
	"Content-Encoding: zstd\r\n",
	"Content-Encoding: unknown\r\n",
	"Content-Encoding: identity\r\n",
	"Content-Encoding:\r\n",
	"content-encoding: GZIP\r\nContent-Encoding: br\r\n",
}

// others are requests that are whole.
var others = []string{
	"\x00",
	"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
	"*1\r\n$4\r\nPING\r\n",
	"\rGET /api/ping HTTP/1.1\r\nHost: localhost\r\n\r\n",
	"GET /api/ping HTTP/1.1\nHost: localhost\n\n",
	"GET /api/ping HTTP/1.1\r\nHost: localhost\n\r\n",
	"\nGET /api/ping HTTP/1.1\r\nHost: localhost\r\n\r\n",
	"\r\n\r\n\r\nGET /api/ping HTTP/1.1\r\nHost: localhost\r\n\r\n",
	"GET /api/ping\r\n",
	"GET /api/ping HTTP/1.2\r\nHost: localhost\r\n\r\n",
	"POST /api/products HTTP/1.1\r\nHost: localhost\r\nContent-Length: 15\r\nContent-Length: 15\r\n\r\n" + kite,
	"POST /api/products HTTP/1.1\r\nHost: localhost\r\nContent-Length: 15, 15\r\n\r\n" + kite,
	"POST /api/products HTTP/1.0\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nf\r\n" + kite +
		"\r\n0\r\n\r\n",
	chunked + "f\n" + kite + "\r\n0\r\n\r\n",
	chunked + "f\r\n" + kite + "\n0\r\n\r\n",
	chunked + "f \r\n" + kite + "\r\n0\r\n\r\n",
	chunked + "f\r\n" + kite + "\r\n0\r\nX-Trailer: y\r\n\r\n",
	chunked + "f\r\n" + kite + "\r\n0\r\nContent-Length: 5\r\n\r\n",
	chunked + "00000000f\r\n" + kite + "\r\n0\r\n\r\n",
	chunked + "f;" + strings.Repeat("a", 300) + "\r\n" + kite + "\r\n0\r\n\r\n",
	post + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\nf\r\n" + kite + "\r\n0\r\n\r\n",
	post + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\nf\r\n" + kite + "\r\n0\r\n\r\n",
	post + "Transfer-Encoding:\r\n chunked\r\n\r\nf\r\n" + kite + "\r\n0\r\n\r\n",
	chunked + "f;\x00\r\n" + kite + "\r\n0\r\n\r\n",
}
