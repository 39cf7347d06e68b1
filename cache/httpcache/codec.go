package httpcache

import (
	"encoding/binary"
	"errors"
	"unsafe"
)

// codec writes answers for the layer that replicas share: the status, the number of fields, each one's name, the number
// of its lines and those, each text behind its length; the rest is the body.
type codec struct{}

var errCodec = errors.New("httpcache: not an answer")

// Encode implements cache.Codec.
func (codec) Encode(value any) ([]byte, error) {
	a, ok := value.(*answer)
	if !ok || a == nil || a.own {
		return nil, errCodec
	}
	b := make([]byte, 0, a.size())
	b = binary.AppendUvarint(b, uint64(a.status))
	b = binary.AppendUvarint(b, uint64(len(a.fields)))
	for _, f := range a.fields {
		b = appendText(b, f.name)
		b = binary.AppendUvarint(b, uint64(len(f.lines)))
		for _, line := range f.lines {
			b = appendText(b, line)
		}
	}
	return append(b, a.body...), nil
}

func appendText(b []byte, text string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(text))), text...)
}

// Decode implements cache.Codec. The answer's parts are parts of b.
func (codec) Decode(b []byte) (any, error) {
	r := reader{rest: b}
	a := &answer{status: int(r.number())}
	a.fields = make([]field, r.count())
	room := make([]string, len(a.fields)) // most fields have one line
	for i := range a.fields {
		f := &a.fields[i]
		f.name = r.text()
		switch n := r.count(); {
		case n == 1:
			f.lines = room[i : i+1 : i+1]
		case n > 1:
			f.lines = make([]string, n)
		}
		for j := range f.lines {
			f.lines[j] = r.text()
		}
	}
	if a.body = r.rest; r.bad || a.status < 200 || a.status > 999 {
		return nil, errCodec
	}
	a.prepare()
	return a, nil
}

// reader reads what an encoder wrote; once bad, it reads nothing but zeros.
type reader struct {
	rest []byte
	bad  bool
}

func (r *reader) number() uint64 {
	number, n := binary.Uvarint(r.rest)
	if n <= 0 || r.bad {
		r.bad, r.rest = true, nil
		return 0
	}
	r.rest = r.rest[n:]
	return number
}

// count reads how many things follow, each of at least one byte.
func (r *reader) count() int {
	number := r.number()
	if number > uint64(len(r.rest)) {
		r.bad, r.rest = true, nil
		return 0
	}
	return int(number)
}

func (r *reader) text() string {
	n := r.count()
	text := r.rest[:n]
	r.rest = r.rest[n:]
	return unsafe.String(unsafe.SliceData(text), len(text))
}
