package framing

import "encoding/binary"

// class is what a byte may be part of.
type class uint8

const (
	token  class = 1 << iota // RFC 9110 5.6.2: of a method, a field's name
	value                    // of a field's value: RFC 9110 5.5, with spaces and tabs
	target                   // of a request's target; bytes from 0x80 are passed on, as curl sends them
	host                     // of a Host: RFC 3986 3.2.2 and a port
	digit
	hex
)

var classes = func() (table [256]class) {
	mark := func(c class, bytes string) {
		for i := range len(bytes) {
			table[bytes[i]] |= c
		}
	}
	const digits, letters = "0123456789", "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	mark(token, "!#$%&'*+-.^_`|~"+digits+letters)
	mark(host, "-._~%!$&'()*+,;=:[]"+digits+letters)
	mark(digit, digits)
	mark(hex, digits+"abcdefABCDEF")
	for b := 0x21; b < 0x100; b++ {
		if b != 0x7f {
			table[b] |= target | value
		}
	}
	mark(value, " \t")
	return table
}()

func (c class) has(b byte) bool { return classes[b]&c != 0 }

// run returns how many bytes at the beginning of p are of the class.
func (c class) run(p []byte) int {
	n := 0
	switch c {
	case value:
		n = printable(p, ' ')
	case target:
		n = printable(p, '!')
	}
	for n < len(p) && classes[p[n]]&c != 0 {
		n++
	}
	return n
}

// printable returns the length of a beginning of p, in words of eight bytes, that holds nothing below least and no DEL.
// Most of a head is such.
func printable(p []byte, least uint64) int {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	n := 0
	for ; len(p)-n >= 8; n += 8 {
		word := binary.LittleEndian.Uint64(p[n:])
		del := word ^ 0x7f*ones
		if ((word-least*ones)&^word|(del-ones)&^del)&highs != 0 {
			break
		}
	}
	return n
}
