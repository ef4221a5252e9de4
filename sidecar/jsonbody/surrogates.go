package jsonbody

// Halves of surrogate pairs, which JSON can spell and UTF-8 cannot.

import "strconv"

// loneSurrogate returns where text escapes half a surrogate pair, or -1. The decoder would replace it without a word.
func loneSurrogate(text string) int {
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' {
			continue
		}
		unit := escapedUnit(text[i:])
		switch {
		case unit >= 0xd800 && unit < 0xdc00:
			if low := escapedUnit(text[i+6:]); low < 0xdc00 || low > 0xdfff {
				return i
			}
			i += 11
		case unit >= 0xdc00 && unit <= 0xdfff:
			return i
		default:
			i++ // whatever is escaped, a backslash above all, begins no escape of its own
		}
	}
	return -1
}

// escapedUnit returns the UTF-16 unit that text begins with as \uXXXX, or -1.
func escapedUnit(text string) int {
	if len(text) < 6 || text[0] != '\\' || text[1] != 'u' {
		return -1
	}
	unit, err := strconv.ParseUint(text[2:6], 16, 16)
	if err != nil {
		return -1
	}
	return int(unit)
}
