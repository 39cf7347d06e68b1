package cluster

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/woodytoys/woodytoys/cache/internal/layer"
)

// Token is unique among all that any replica ever makes.
type Token = layer.Token

func newToken() (t Token) {
	rand.Read(t[:]) // never fails
	return t
}

func parseToken(text string) (t Token, err error) {
	b, err := hex.DecodeString(text)
	if err == nil && copy(t[:], b) != len(t) {
		err = fmt.Errorf("%q is not a token", text)
	}
	return t, err
}

// Value is what is kept of a fill in Redis.
type Value struct {
	// ID is the token of the fill that made it.
	ID Token
	// Inc and Seq are the fence that the fill took: an incarnation, and the bus's number then.
	Inc Token
	Seq uint64
	// Expires is when its time is over, by the filler's wall clock. It is good for computing how long that
	// is, and for nothing else: clocks differ. Redis may keep it for longer.
	Expires time.Time
	// Absent reports that it stands for something that is not there.
	Absent bool
	// Outlives reports that Redis keeps it beyond Expires, to stand in for a load that fails.
	Outlives bool
	// Slots are packed as they stand in Redis: see layer.PackSlots.
	Slots []byte
	// Payload is the value itself, in the form that its loader's codec gives it.
	Payload []byte
}

const idSize = len(Token{})

// The flags of a value.
const (
	flagAbsent byte = 1 << iota
	flagOutlives
)

// marshal writes
//
//	wire format (1 byte), ID (16), Inc (16), Seq (8), Expires in ms since 1970 (8), flags (1),
//	number of slots (uvarint), slots (2 each), payload
//
// with all numbers big end first. The ID stands where acquire.lua looks for it.
func (v *Value) marshal() []byte {
	b := make([]byte, 0, 64+2*len(v.Slots)+len(v.Payload))
	b = append(b, Wire)
	b = append(append(b, v.ID[:]...), v.Inc[:]...)
	b = binary.BigEndian.AppendUint64(b, v.Seq)
	b = binary.BigEndian.AppendUint64(b, uint64(v.Expires.UnixMilli()))
	flags := byte(0)
	if v.Absent {
		flags |= flagAbsent
	}
	if v.Outlives {
		flags |= flagOutlives
	}
	b = binary.AppendUvarint(append(b, flags), uint64(len(v.Slots)/2))
	return append(append(b, v.Slots...), v.Payload...)
}

var errValue = errors.New("not a value of this wire format")

// unmarshal reads what marshal wrote. The slots and the payload are parts of b.
func (v *Value) unmarshal(b []byte) error {
	const head = 1 + 2*idSize + 8 + 8 + 1
	if len(b) < head+1 || b[0] != Wire {
		return errValue
	}
	v.ID, v.Inc = Token(b[1:]), Token(b[1+idSize:])
	v.Seq = binary.BigEndian.Uint64(b[1+2*idSize:])
	v.Expires = time.UnixMilli(int64(binary.BigEndian.Uint64(b[9+2*idSize:])))
	v.Absent, v.Outlives = b[head-1]&flagAbsent != 0, b[head-1]&flagOutlives != 0
	count, n := binary.Uvarint(b[head:])
	rest := b[head+max(n, 0):]
	if n <= 0 || count > uint64(len(rest)/2) {
		return errValue
	}
	v.Slots, v.Payload = rest[:2*count:2*count], rest[2*count:]
	return nil
}

// idOf returns the place in a value where acquire.lua looks for its ID, whatever the value is.
func idOf(b []byte) string { return string(b[min(1, len(b)):min(1+idSize, len(b))]) }
