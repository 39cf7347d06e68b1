package main

import (
	"bytes"
	"encoding/binary"
	"image/png"
)

// favicon returns the shop's mark as an ICO file that holds one PNG of 48 by 48 pixels.
func favicon() []byte {
	const side, headerSize = 48, 22
	p := newPainter(side*4, side*4, 200)
	for _, s := range icon() {
		p.shape(s)
	}
	var picture bytes.Buffer
	if err := png.Encode(&picture, shrunk(p.render(), 4)); err != nil {
		panic("encode the icon: " + err.Error())
	}
	// an icon, one picture: its size, no palette, 1 plane, 32 bits
	header := []uint16{0, 1, 1, side | side<<8, 0, 1, 32}
	var out bytes.Buffer
	for _, field := range header {
		out.Write(binary.LittleEndian.AppendUint16(nil, field))
	}
	out.Write(binary.LittleEndian.AppendUint32(nil, uint32(picture.Len())))
	out.Write(binary.LittleEndian.AppendUint32(nil, headerSize))
	out.Write(picture.Bytes())
	return out.Bytes()
}
