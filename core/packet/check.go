package packet

import (
	"encoding/binary"
	"errors"
	"fmt"
	"unicode/utf8"
)

const (
	// MaxNesting is how deep arrays and maps may be nested. The reference gives up at about 1024.
	MaxNesting = 512
	// MaxElements is how many values arrays and maps may hold in all; an entry of a map is two.
	MaxElements = 1 << 20
	// MaxObjects is how many arrays, maps and extension values there may be. A byte or two of them become 80 to 270 bytes in a
	// Python program and take it microseconds to build, so that a body which compresses to a few KiB could occupy it for a
	// second (docs/attacks.md has the figures).
	MaxObjects = 1 << 18
)

// ErrMalformedBody says that a body is not what it has to be. The errors of [Check] and the Parse functions wrap it, and say
// what is wrong.
var ErrMalformedBody = errors.New("malformed body")

// container is an array or a map that is being read.
type container struct {
	left    int32 // values still to come, keys included
	allowed kind  // what the next value may be
	turns   kind  // changes what is allowed after each value: in maps, where every other value is a key
}

// Check says whether body is one MessagePack value that every receiver can decode, so that no body that would break a program
// gets past an endpoint, in either direction. It has to be well formed, within [MaxNesting], [MaxElements] and [MaxObjects],
// and as Python's msgpack wants it: text in UTF-8, only str and bin as keys of maps, no extension of a negative type but
// timestamps of 4, 8 or 12 bytes with less than a second of nanoseconds, and nothing after the value.
//
// It allocates nothing unless values nest deeper than 16. Errors wrap [ErrMalformedBody] and name the byte.
func Check(body []byte) error {
	var (
		shallow  [16]container
		outer    = shallow[:0]                          // what surrounds the innermost container
		inner    = container{left: 1, allowed: anyKind} // at first the body, as if it were an array of one value
		elements int64
		objects  int
		at       int
	)
	for {
		for inner.left == 0 {
			if len(outer) == 0 {
				return checkEnd(body, at)
			}
			inner = outer[len(outer)-1]
			outer = outer[:len(outer)-1]
		}
		if at >= len(body) {
			return endsEarly(body)
		}
		f := forms[body[at]]
		if f.kind&inner.allowed == 0 {
			return misplaced(body[at], at)
		}
		inner.allowed ^= inner.turns
		inner.left--
		if f.kind == scalar {
			at += int(f.head) + int(f.size) // nothing of it is read; whether it ends early is seen at what follows
			continue
		}

		start, size := at+int(f.head), int(f.size)
		if f.wide != 0 {
			size = f.readSize(body, at)
		}
		if size > len(body)-start { // an element takes a byte at least
			return endsEarly(body)
		}
		switch f.kind {
		case text:
			at = start + size
			if !shortASCII(body, start, at) && !validText(body, start, at) {
				return malformed(start, "text is not UTF-8")
			}
			continue
		case blob:
			at = start + size
			continue
		}

		if objects++; objects > MaxObjects {
			return malformed(at, "too many arrays, maps and extension values")
		}
		if f.kind == extension {
			at = start + size
			if problem := checkExtension(int8(body[start-1]), body[start:at]); problem != "" {
				return malformed(start-1, problem)
			}
			continue
		}
		opened := container{left: int32(min(size, MaxElements+1)), allowed: anyKind}
		if f.kind == mapping {
			opened.left *= 2
			opened.allowed, opened.turns = keyKind, anyKind^keyKind
		}
		if elements += int64(opened.left); elements > MaxElements {
			return malformed(at, "too many elements")
		}
		if len(outer) == MaxNesting {
			return malformed(at, "nesting too deep")
		}
		outer = append(outer, inner)
		inner = opened
		at = start
	}
}

// notASCII has the bits that ASCII leaves zero in eight bytes.
const notASCII = 0x8080808080808080

// shortASCII reports whether a part of the body, of at most eight bytes, is ASCII. It takes one comparison, which looks at the
// bytes before the part as well, so within the first eight bytes of a body it may say no where yes is right.
func shortASCII(body []byte, start, end int) bool {
	return end-start <= 8 && end >= 8 &&
		binary.LittleEndian.Uint64(body[end-8:])>>uint(64-8*(end-start))&notASCII == 0
}

// validText reports whether a part of the body is UTF-8. For ASCII of a few words it is quicker than [utf8.Valid].
func validText(body []byte, start, end int) bool {
	if end-start > 64 {
		return utf8.Valid(body[start:end])
	}
	for ; end-start > 8; start += 8 {
		if binary.LittleEndian.Uint64(body[start:])&notASCII != 0 {
			return utf8.Valid(body[start:end])
		}
	}
	return shortASCII(body, start, end) || utf8.Valid(body[start:end])
}

// checkEnd says whether a value that ends at a position is all of the body.
func checkEnd(body []byte, at int) error {
	switch {
	case at < len(body):
		return malformed(at, "there is something after the value")
	case at > len(body):
		return endsEarly(body)
	}
	return nil
}

// misplaced says what is wrong with a value whose first byte may not be where it is.
func misplaced(first byte, at int) error {
	if forms[first].kind == invalid {
		return malformed(at, "no value begins with 0xc1")
	}
	return malformed(at, "the key of a map is neither str nor bin")
}

// checkExtension says what is wrong with an extension value, or nothing.
func checkExtension(extension int8, payload []byte) string {
	const timestamp = -1 // MessagePack reserves the negative types, and has defined this one
	switch {
	case extension < timestamp:
		return "the extension's type is reserved"
	case extension == timestamp && !validTimestamp(payload):
		return "not a timestamp"
	}
	return ""
}

// validTimestamp reports whether an extension's payload is one of the three forms of a timestamp.
func validTimestamp(payload []byte) bool {
	const second = 1_000_000_000 // in nanoseconds
	switch len(payload) {
	case 4: // seconds
		return true
	case 8: // nanoseconds in the upper 30 bits, then seconds
		return binary.BigEndian.Uint64(payload)>>34 < second
	case 12: // nanoseconds, then seconds
		return binary.BigEndian.Uint32(payload) < second
	}
	return false
}

// endsEarly says that a body's last value is cut off.
func endsEarly(body []byte) error {
	return malformed(len(body), "the body ends too early")
}

// malformed says what is wrong with a body at a position.
func malformed(at int, problem string) error {
	return fmt.Errorf("%w: byte %d: %s", ErrMalformedBody, at, problem)
}
