package httpcache

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"unsafe"

	"github.com/woodytoys/woodytoys/cache"
)

// param is a parameter of a query, decoded.
type param struct{ name, value string }

// appendKey makes the key in b: the path, its spelling where that is not the usual one, the path that the request came
// with where something has changed it, the variant, and a name and a value for each parameter.
func (rt *route) appendKey(b []byte, s *scratch, r *http.Request) []byte {
	b = cache.AppendPart(rt.loader.BeginKey(b), r.URL.Path)
	b = cache.AppendPart(b, r.URL.RawPath)
	b = cache.AppendPart(b, cameWith(r))
	if rt.Variant != nil {
		b = cache.AppendPart(b, rt.Variant(r))
	} else {
		b = cache.AppendPart(b, accept(r.Header["Accept"]))
	}
	return rt.appendQuery(b, s, r.URL.RawQuery)
}

// cameWith returns the path that a request came with; "" where that is its path as it is, which is so for nearly all.
func cameWith(r *http.Request) string {
	if r.RequestURI == r.URL.Path {
		return ""
	}
	came, _, _ := strings.Cut(r.RequestURI, "?")
	if came == r.URL.Path {
		return ""
	}
	return came
}

// accept returns the Accept field. Several lines are one list (RFC 9110 section 5.3).
func accept(lines []string) string {
	switch len(lines) {
	case 0:
		return ""
	case 1:
		return lines[0]
	}
	return strings.Join(lines, ",")
}

// appendQuery appends the parameters that count, by name; those of one name keep their order.
func (rt *route) appendQuery(b []byte, s *scratch, query string) []byte {
	if query == "" {
		return b
	}
	whole := s.parse(query)
	switch {
	case rt.Query != nil:
		for _, name := range rt.Query {
			b = s.appendParams(b, name)
		}
	case !whole: // the raw query is one part, where each parameter is two
		b = cache.AppendPart(b, query)
	default:
		slices.SortStableFunc(s.params, func(x, y param) int { return cmp.Compare(x.name, y.name) })
		for _, p := range s.params {
			b = cache.AppendPart(cache.AppendPart(b, p.name), p.value)
		}
	}
	clear(s.params) // they are parts of the request
	return b
}

// appendParams appends the parameters of a name.
func (s *scratch) appendParams(b []byte, name string) []byte {
	for _, p := range s.params {
		if p.name == name {
			b = cache.AppendPart(cache.AppendPart(b, name), p.value)
		}
	}
	return b
}

// parse reads the parameters of a query into the scratch, as url.ParseQuery would. It reports whether the query holds
// nothing that ParseQuery leaves out.
func (s *scratch) parse(query string) (whole bool) {
	s.params, s.text, whole = s.params[:0], s.text[:0], true
	for query != "" {
		var pair string
		if pair, query, _ = strings.Cut(query, "&"); pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		name, nameRead := s.decode(name)
		value, valueRead := s.decode(value)
		if !nameRead || !valueRead || strings.Contains(pair, ";") {
			whole = false
			continue
		}
		s.params = append(s.params, param{name, value})
	}
	return whole
}

// decode returns a name or a value without its percent-encoding, as url.QueryUnescape would, and whether it could be
// read. What had to be decoded is in the scratch.
func (s *scratch) decode(text string) (string, bool) {
	if strings.IndexByte(text, '%') < 0 && strings.IndexByte(text, '+') < 0 {
		return text, true
	}
	begin := len(s.text)
	for i := 0; i < len(text); i++ {
		switch c := text[i]; c {
		case '+':
			s.text = append(s.text, ' ')
		case '%':
			if len(text)-i < 3 || unhex[text[i+1]] > 15 || unhex[text[i+2]] > 15 {
				return "", false
			}
			s.text = append(s.text, unhex[text[i+1]]<<4|unhex[text[i+2]])
			i += 2
		default:
			s.text = append(s.text, c)
		}
	}
	decoded := s.text[begin:]
	return unsafe.String(unsafe.SliceData(decoded), len(decoded)), true
}

// unhex is the value of each hexadecimal digit, and 16 of what is none.
var unhex = func() (table [256]byte) {
	for c := range table {
		switch {
		case '0' <= c && c <= '9':
			table[c] = byte(c - '0')
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			table[c] = byte(c | 0x20 - 'a' + 10)
		default:
			table[c] = 16
		}
	}
	return table
}()
