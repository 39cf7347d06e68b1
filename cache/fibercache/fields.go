package fibercache

import "github.com/valyala/fasthttp"

// The names of the fields that each request is asked for, as fasthttp spells them: it need not work that out then.
var (
	authorizationName = []byte("Authorization")
	cacheControlName  = []byte("Cache-Control")
	etagName          = []byte("Etag")
	varyName          = []byte("Vary")
)

// isExact reports whether fields are found by the names that the client and the handler have spelled alone, as Fiber's
// DisableHeaderNormalizing has it: "authorization" and "cache-control: private" would not be seen.
func isExact(header *fasthttp.RequestHeader) bool {
	was := header.DisableNormalizing()
	if !was {
		header.EnableNormalizing()
	}
	return was
}

// requestFields is a request's header whose fields are asked for by their canonical names.
type requestFields struct{ *fasthttp.RequestHeader }

// PeekAll implements conditional.Header.
func (f requestFields) PeekAll(name string) [][]byte {
	was := f.DisableNormalizing()
	lines := f.RequestHeader.PeekAll(name)
	if !was {
		f.EnableNormalizing()
	}
	return lines
}
