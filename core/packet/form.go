package packet

import (
	"encoding/binary"
	"math"
)

// kind is the kind of a MessagePack value, as far as checking needs to know it.
type kind uint8

const invalid kind = 0

// Each kind is a bit, so that a set of them is a kind, too.
const (
	scalar kind = 1 << iota // nil, bool, integer, float
	text                    // str
	blob                    // bin
	extension
	array
	mapping

	keyKind = text | blob // what may be the key of a map
	anyKind = mapping<<1 - 1
)

// form is what the first byte of a value says about it.
type form struct {
	kind kind
	head uint8 // bytes before the payload or the first element; counts the first byte and an extension's type
	size uint8 // bytes of payload, elements of an array, or entries of a map, if the first byte says so
	wide uint8 // otherwise: how many bytes after the first one say so
}

// forms describes each first byte.
var forms = func() (f [256]form) {
	for b := range f {
		switch {
		case b <= 0x7f, b >= 0xe0:
			f[b] = form{kind: scalar, head: 1}
		case b <= 0x8f:
			f[b] = form{kind: mapping, head: 1, size: uint8(b & 0x0f)}
		case b <= 0x9f:
			f[b] = form{kind: array, head: 1, size: uint8(b & 0x0f)}
		case b <= 0xbf:
			f[b] = form{kind: text, head: 1, size: uint8(b & 0x1f)}
		}
	}
	for _, b := range []byte{0xc0, 0xc2, 0xc3} { // nil, false, true
		f[b] = form{kind: scalar, head: 1}
	}
	for i := range 3 { // size fields of 1, 2 and 4 bytes
		wide := uint8(1) << i
		f[0xc4+i] = form{kind: blob, head: 1 + wide, wide: wide}
		f[0xc7+i] = form{kind: extension, head: 2 + wide, wide: wide}
		f[0xd9+i] = form{kind: text, head: 1 + wide, wide: wide}
	}
	for i := range 2 { // size fields of 2 and 4 bytes
		wide := uint8(2) << i
		f[0xdc+i] = form{kind: array, head: 1 + wide, wide: wide}
		f[0xde+i] = form{kind: mapping, head: 1 + wide, wide: wide}
	}
	for i := range 2 { // float 32 and 64
		f[0xca+i] = form{kind: scalar, head: 1, size: 4 << i}
	}
	for i := range 4 { // uint and int of 1 to 8 bytes
		f[0xcc+i] = form{kind: scalar, head: 1, size: 1 << i}
		f[0xd0+i] = form{kind: scalar, head: 1, size: 1 << i}
	}
	for i := range 5 { // fixext of 1 to 16 bytes
		f[0xd4+i] = form{kind: extension, head: 2, size: 1 << i}
	}
	return f
}()

// readSize returns the size that the value at a position has in a field of its own: more than any body has if the field
// is cut off, or says more than an int holds.
func (f form) readSize(body []byte, at int) int {
	field := body[at+1:]
	if len(field) < int(f.wide) {
		return math.MaxInt
	}
	switch f.wide {
	case 1:
		return int(field[0])
	case 2:
		return int(binary.BigEndian.Uint16(field))
	}
	if size := int(binary.BigEndian.Uint32(field)); size >= 0 {
		return size
	}
	return math.MaxInt
}
