package fibercache

import (
	"encoding/binary"
	"errors"

	"github.com/gofiber/fiber/v2"
)

// codec writes answers for the layer that replicas share: the status, then the type, the ETag, the number
// of fields and each one's name and value, each text behind its length; the rest is the body. Where callers are asked
// for by Options.Allow, the status is raised by owned, and the owner follows it.
//
// An answer that is anybody's stays as releases before Options.Allow wrote it. Those take one with an owner for none,
// since no answer has such a status, and so does a route without Options.Allow. One with it takes none of the others,
// which may be of a time when nobody was asked whose they are.
type codec struct{ owned bool }

// owned is what the status of an answer is raised by that has an owner.
const owned = 1000

var errCodec = errors.New("fibercache: not an answer")

// Encode implements cache.Codec.
func (k codec) Encode(value any) ([]byte, error) {
	a, ok := value.(*Answer)
	if !ok || a == nil || a.own {
		return nil, errCodec
	}
	b := make([]byte, 0, a.size())
	if k.owned {
		b = appendText(binary.AppendUvarint(b, uint64(a.status+owned)), []byte(a.owner))
	} else {
		b = binary.AppendUvarint(b, uint64(a.status))
	}
	b = appendText(appendText(b, a.contentType), a.etag)
	b = binary.AppendUvarint(b, uint64(len(a.fields)))
	for _, f := range a.fields {
		b = appendText(appendText(b, f.name), f.value)
	}
	return append(b, a.body...), nil
}

func appendText(b, text []byte) []byte {
	return append(binary.AppendUvarint(b, uint64(len(text))), text...)
}

// Decode implements cache.Codec. The answer's parts are parts of b.
func (k codec) Decode(b []byte) (any, error) {
	r := reader{rest: b}
	made := &struct {
		Answer
		room [4]field // most answers have no more, and this is one allocation
	}{}
	a := &made.Answer
	a.status = int(r.number())
	if k.owned {
		a.status -= owned
		a.owner = string(r.text())
	}
	a.contentType, a.etag = r.text(), r.text()
	switch count := r.number(); {
	case count <= uint64(len(made.room)):
		a.fields = made.room[:count]
	case count <= uint64(len(b)):
		a.fields = make([]field, count)
	default:
		r.bad = true
	}
	for i := range a.fields {
		a.fields[i] = field{name: r.text(), value: r.text()}
	}
	a.modified = a.field(fiber.HeaderLastModified)
	if a.body = r.rest; r.bad || a.status < 100 || a.status > 999 {
		return nil, errCodec
	}
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

func (r *reader) text() []byte {
	length := r.number()
	if length > uint64(len(r.rest)) {
		r.bad, r.rest = true, nil
		return nil
	}
	text := r.rest[:length:length]
	r.rest = r.rest[length:]
	return text
}
