package fibercache

import "github.com/valyala/fasthttp"

// The names of the fields that each request is asked for, as fasthttp spells them: it need not work that out then.
var (
	authorizationName = []byte("Authorization")
	etagName          = []byte("Etag")
	varyName          = []byte("Vary")
)

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
