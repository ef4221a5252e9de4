package jsonbody

import (
	"encoding/base64"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/tinylib/msgp/msgp"

	"github.com/pengbridge/pengbridge/core/packet"
)

// What JSON has no word for is an object with one of these keys alone. A map key of the application that begins with "$"
// is written with a second one, so neither can be taken for the other.
const (
	keyBin    = "$bin"   // {"$bin": "<base64>"}
	keyExt    = "$ext"   // {"$ext": [type, "<base64>"]}
	keyFloat  = "$float" // {"$float": "nan"}, "inf" or "-inf"
	binPrefix = "$bin:"  // a key that is bytes: {"$bin:<base64>": value}
)

// AppendJSON appends the one MessagePack value that body holds to dst as JSON. Every body that has passed [packet.Check] can
// be written, as all received ones have; the error is for others.
func AppendJSON(dst, body []byte) ([]byte, error) {
	dst, rest, err := appendValue(dst, body, 0)
	if err == nil && len(rest) > 0 {
		err = fmt.Errorf("%d bytes follow the MessagePack value", len(rest))
	}
	return dst, err
}

func appendValue(dst, body []byte, depth int) (out, rest []byte, err error) {
	if depth > packet.MaxNesting {
		return dst, body, fmt.Errorf("nested more than %d deep", packet.MaxNesting)
	}
	switch kind := msgp.NextType(body); kind {
	case msgp.NilType:
		rest, err = msgp.ReadNilBytes(body)
		return append(dst, "null"...), rest, err
	case msgp.BoolType:
		v, rest, err := msgp.ReadBoolBytes(body)
		return strconv.AppendBool(dst, v), rest, err
	case msgp.IntType:
		v, rest, err := msgp.ReadInt64Bytes(body)
		return strconv.AppendInt(dst, v, 10), rest, err
	case msgp.UintType:
		v, rest, err := msgp.ReadUint64Bytes(body)
		return strconv.AppendUint(dst, v, 10), rest, err
	case msgp.Float32Type:
		v, rest, err := msgp.ReadFloat32Bytes(body)
		return appendFloat(dst, float64(v)), rest, err
	case msgp.Float64Type:
		v, rest, err := msgp.ReadFloat64Bytes(body)
		return appendFloat(dst, v), rest, err
	case msgp.StrType:
		v, rest, err := msgp.ReadStringZC(body)
		return appendString(dst, "", v), rest, err
	case msgp.BinType:
		v, rest, err := msgp.ReadBytesZC(body)
		dst = append(dst, `{"`+keyBin+`":"`...)
		dst = base64.StdEncoding.AppendEncode(dst, v)
		return append(dst, `"}`...), rest, err
	case msgp.ExtensionType, msgp.TimeType, msgp.Complex64Type, msgp.Complex128Type:
		return appendExt(dst, body)
	case msgp.ArrayType:
		return appendArray(dst, body, depth)
	case msgp.MapType:
		return appendMap(dst, body, depth)
	default:
		return dst, body, fmt.Errorf("not MessagePack: %v", kind)
	}
}

func appendArray(dst, body []byte, depth int) (out, rest []byte, err error) {
	n, rest, err := msgp.ReadArrayHeaderBytes(body)
	dst = append(dst, '[')
	for i := uint32(0); i < n && err == nil; i++ {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst, rest, err = appendValue(dst, rest, depth+1)
	}
	return append(dst, ']'), rest, err
}

func appendMap(dst, body []byte, depth int) (out, rest []byte, err error) {
	n, rest, err := msgp.ReadMapHeaderBytes(body)
	dst = append(dst, '{')
	for i := uint32(0); i < n && err == nil; i++ {
		if i > 0 {
			dst = append(dst, ',')
		}
		if dst, rest, err = appendKey(dst, rest); err != nil {
			break
		}
		dst, rest, err = appendValue(append(dst, ':'), rest, depth+1)
	}
	return append(dst, '}'), rest, err
}

func appendKey(dst, body []byte) (out, rest []byte, err error) {
	if msgp.NextType(body) == msgp.BinType {
		key, rest, err := msgp.ReadBytesZC(body)
		dst = append(dst, `"`+binPrefix...)
		dst = base64.StdEncoding.AppendEncode(dst, key)
		return append(dst, '"'), rest, err
	}
	key, rest, err := msgp.ReadStringZC(body)
	escape := ""
	if strings.HasPrefix(string(key), "$") {
		escape = "$"
	}
	return appendString(dst, escape, key), rest, err
}

// appendExt reads the extension by hand: the library's reader wants to be told the type beforehand.
func appendExt(dst, body []byte) (out, rest []byte, err error) {
	rest, err = msgp.Skip(body)
	if err != nil {
		return dst, body, err
	}
	raw := body[:len(body)-len(rest)]
	header := 2 // fixext: the code and the type
	switch raw[0] {
	case 0xc7: // ext 8: a length of one byte in between
		header = 3
	case 0xc8: // ext 16
		header = 4
	case 0xc9: // ext 32
		header = 6
	}
	dst = append(dst, `{"`+keyExt+`":[`...)
	dst = strconv.AppendInt(dst, int64(int8(raw[header-1])), 10)
	dst = append(dst, `,"`...)
	dst = base64.StdEncoding.AppendEncode(dst, raw[header:])
	return append(dst, `"]}`...), rest, nil
}

// appendFloat writes the shortest digits that give f back, and always a point or an exponent, so that a float does not
// return as an integer.
func appendFloat(dst []byte, f float64) []byte {
	switch {
	case math.IsNaN(f):
		return append(dst, `{"`+keyFloat+`":"nan"}`...)
	case math.IsInf(f, 1):
		return append(dst, `{"`+keyFloat+`":"inf"}`...)
	case math.IsInf(f, -1):
		return append(dst, `{"`+keyFloat+`":"-inf"}`...)
	case f != 0 && (math.Abs(f) < 1e-6 || math.Abs(f) >= 1e21):
		return strconv.AppendFloat(dst, f, 'e', -1, 64)
	case f == math.Trunc(f):
		return strconv.AppendFloat(dst, f, 'f', 1, 64)
	}
	return strconv.AppendFloat(dst, f, 'f', -1, 64)
}

// appendString quotes text behind prefix. Only what JSON demands is escaped: people read this.
func appendString(dst []byte, prefix string, text []byte) []byte {
	const hex = "0123456789abcdef"
	dst = append(append(dst, '"'), prefix...)
	plain := 0 // text[plain:i] needs no escape and is not yet copied
	for i, c := range text {
		if c >= 0x20 && c != '"' && c != '\\' {
			continue
		}
		dst = append(dst, text[plain:i]...)
		plain = i + 1
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, `\n`...)
		default:
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&0xf])
		}
	}
	dst = append(dst, text[plain:]...)
	return append(dst, '"')
}
