package layer

import "encoding/binary"

// PackSlots returns slots in two bytes each, the higher one first.
func PackSlots(slots []uint16) []byte {
	b := make([]byte, 0, 2*len(slots))
	for _, slot := range slots {
		b = binary.BigEndian.AppendUint16(b, slot)
	}
	return b
}

// UnpackSlots is the inverse of PackSlots.
func UnpackSlots(b []byte) []uint16 {
	slots := make([]uint16, len(b)/2)
	for i := range slots {
		slots[i] = binary.BigEndian.Uint16(b[2*i:])
	}
	return slots
}
