package packet_test

import (
	"bytes"
	"encoding/hex"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/tinylib/msgp/msgp"

	"github.com/pengbridge/pengbridge/core/packet"
)

func TestCheckAccepts(t *testing.T) {
	for name, body := range map[string]string{
		"nil": "c0", "false": "c2", "true": "c3",
		"fixint": "7f", "negative fixint": "e0",
		"uint8": "ccff", "uint16": "cdffff", "uint32": "ceffffffff", "uint64": "cfffffffffffffffff",
		"int8": "d080", "int16": "d18000", "int32": "d280000000", "int64": "d38000000000000000",
		"float32": "ca00000000", "float64": "cb7ff8000000000000",
		"empty fixstr": "a0", "fixstr": "a3616263", "str8": "d90161", "str16": "da000161", "str32": "db0000000161",
		"bin8": "c401ff", "bin16": "c50001ff", "bin32": "c600000001ff",
		"array": "920102", "array16": "dc000101", "array32": "dd0000000101", "empty array": "90",
		"map": "81a16101", "map16": "de0001a16101", "map32": "df00000001a16101", "empty map": "80",
		"bin key": "81c4016101", "str8 key": "81d9016101", "empty key": "81a001", "key twice": "82a16101a16102",
		"nested": "9281a1619480c09081a162a16391cc80",

		"fixext1": "d40100", "fixext2": "d5010000", "fixext4": "d60100000000", "fixext8": "d7010000000000000000",
		"fixext16": "d80100000000000000000000000000000000",
		"ext8":     "c70001", "ext16": "c8000001", "ext32": "c90000000001",
		"greatest extension": "d47f00",

		"timestamp of 4 bytes": "d6ff00000000", "timestamp of 8 bytes": "d7ffee6b27fc00000000",
		"timestamp of 12 bytes": "c70cff3b9ac9ff8000000000000000", "timestamp in ext8": "c704ff00000000",

		"NUL": "a100", "rune of two bytes": "a2c3a9", "rune of four": "a4f09f9880", "greatest rune": "a4f48fbfbf",
		"rune across eight bytes": "aa61626364656667c3a968", "rune at the end": "ab616263646566676869c3a9",
	} {
		t.Run(name, func(t *testing.T) {
			require.NoError(t, packet.Check(unhex(t, body)))
		})
	}
}

// TestCheckRefuses has each kind of body from section B of the defects, any of which stopped the reference for all its
// clients, and what else a receiver would choke on.
func TestCheckRefuses(t *testing.T) {
	const (
		early    = "the body ends too early"
		key      = "the key of a map is neither str nor bin"
		text     = "text is not UTF-8"
		time     = "not a timestamp"
		reserved = "the extension's type is reserved"
		rest     = "there is something after the value"
		c1       = "no value begins with 0xc1"
	)
	for _, tc := range []struct{ name, body, message string }{
		{"empty body", "", "byte 0: " + early},
		{"unused first byte", "c1", "byte 0: " + c1},
		{"unused first byte in an array", "92c0c1", "byte 2: " + c1},
		{"trailing byte", "c000", "byte 1: " + rest},
		{"two maps", "8080", "byte 1: " + rest},

		{"array without its element", "91", "byte 1: " + early},
		{"array with too few elements", "9301", "byte 2: " + early},
		{"map without its value", "81a161", "byte 3: " + early},
		{"text cut off", "a261", "byte 2: " + early},
		{"size cut off", "da00", "byte 2: " + early},
		{"float cut off", "cb00000000", "byte 5: " + early},
		{"extension without its type", "d4", "byte 1: " + early},
		{"ext8 without its type", "c700", "byte 2: " + early},
		{"timestamp cut off", "d6ff0000", "byte 4: " + early},
		{"text of 4 GiB", "dbffffffff00", "byte 6: " + early},
		{"array of 4 G elements", "ddffffffff00", "byte 6: " + early},
		{"map of 4 G entries", "dfffffffffa16100", "byte 8: " + early},

		{"int key", "810102", "byte 1: " + key},
		{"nil key", "81c002", "byte 1: " + key},
		{"bool key", "81c302", "byte 1: " + key},
		{"float key", "81ca0000000002", "byte 1: " + key},
		{"array key", "819002", "byte 1: " + key},
		{"map key", "818002", "byte 1: " + key},
		{"extension key", "81d4010002", "byte 1: " + key},
		{"second key", "82a161c00102", "byte 4: " + key},
		{"key of an inner map", "91810102", "byte 2: " + key},
		{"key behind an inner map", "82a16181a162c00102", "byte 7: " + key},

		{"invalid byte", "a1ff", "byte 1: " + text},
		{"invalid byte in a key", "81a1ff00", "byte 2: " + text},
		{"invalid byte behind eight", "aa61616161616161616180", "byte 1: " + text},
		{"invalid byte among eight", "aa61806161616161616161", "byte 1: " + text},
		{"invalid byte in long text", "d950" + strings.Repeat("61", 79) + "80", "byte 2: " + text},
		{"rune cut off", "92a1c3a1a9", "byte 2: " + text},
		{"surrogate", "a3eda080", "byte 1: " + text},
		{"overlong rune", "a2c080", "byte 1: " + text},
		{"rune beyond Unicode", "a4f4908080", "byte 1: " + text},

		{"timestamp of 0 bytes", "c700ff", "byte 2: " + time},
		{"timestamp of 1 byte", "d4ff00", "byte 1: " + time},
		{"timestamp of 16 bytes", "d8ff" + strings.Repeat("00", 16), "byte 1: " + time},
		{"a second of nanoseconds in 8 bytes", "d7ffee6b280000000000", "byte 1: " + time},
		{"a second of nanoseconds in 12 bytes", "c70cff3b9aca000000000000000000", "byte 2: " + time},
		{"reserved extension", "d4fe00", "byte 1: " + reserved},
		{"last reserved extension", "c70080", "byte 2: " + reserved},
	} {
		t.Run(tc.name, func(t *testing.T) {
			err := packet.Check(unhex(t, tc.body))
			require.ErrorIs(t, err, packet.ErrMalformedBody)
			require.ErrorContains(t, err, tc.message)
		})
	}
}

func TestCheckNesting(t *testing.T) {
	for _, tc := range []struct {
		name        string
		open, close []byte // around what is inside
	}{
		{"arrays", []byte{0x91}, nil},
		{"maps", []byte{0x81, 0xa1, 'a'}, nil},
		{"arrays that go on", []byte{0x92}, []byte{0xc0}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			nest := func(depth int, inside byte) []byte {
				return slices.Concat(bytes.Repeat(tc.open, depth), []byte{inside}, bytes.Repeat(tc.close, depth))
			}
			require.NoError(t, packet.Check(nest(512, 0xc0)))
			require.NoError(t, packet.Check(nest(511, 0x90)), "an empty array is one level, too")
			for _, body := range [][]byte{nest(513, 0xc0), nest(512, 0x90), nest(512, 0x80), nest(2000, 0xc0)} {
				err := packet.Check(body)
				require.ErrorIs(t, err, packet.ErrMalformedBody)
				require.ErrorContains(t, err, "nesting too deep")
			}
		})
	}
}

func TestCheckElements(t *testing.T) {
	const most = packet.MaxElements
	array := func(n int) []byte {
		return append(msgp.AppendArrayHeader(nil, uint32(n)), bytes.Repeat([]byte{0xc0}, n)...)
	}
	mapping := func(n int) []byte {
		return append(msgp.AppendMapHeader(nil, uint32(n)), bytes.Repeat([]byte{0xa0, 0xc0}, n)...)
	}
	require.NoError(t, packet.Check(array(most)))
	require.NoError(t, packet.Check(mapping(most/2)))
	require.NoError(t, packet.Check(slices.Concat([]byte{0x92}, array(most/2), mapping(most/4-1))))
	for _, body := range [][]byte{
		array(most + 1),
		mapping(most/2 + 1),
		slices.Concat([]byte{0x92}, array(most/2), mapping(most/4)),
		slices.Concat([]byte{0x92}, array(most/2), array(most/2)),
	} {
		err := packet.Check(body)
		require.ErrorIs(t, err, packet.ErrMalformedBody)
		require.ErrorContains(t, err, "too many elements")
	}
}

// TestCheckObjects: what is small on the wire and large in a program is limited more than numbers and text are.
func TestCheckObjects(t *testing.T) {
	for name, object := range map[string][]byte{
		"arrays":     {0x90},
		"maps":       {0x80},
		"extensions": {0xd4, 0x01, 0x00},
		"timestamps": {0xd6, 0xff, 0x00, 0x00, 0x00, 0x01},
	} {
		t.Run(name, func(t *testing.T) {
			array := func(n int) []byte {
				return append(msgp.AppendArrayHeader(nil, uint32(n)), bytes.Repeat(object, n)...)
			}
			require.NoError(t, packet.Check(array(packet.MaxObjects-1)), "the array around them is one, too")
			err := packet.Check(array(packet.MaxObjects))
			require.ErrorIs(t, err, packet.ErrMalformedBody)
			require.ErrorContains(t, err, "too many arrays, maps and extension values")
		})
	}
}

// TestCheckTextAtEveryPlace puts an invalid byte at each place of texts of each length, at the beginning of the body and
// behind something.
func TestCheckTextAtEveryPlace(t *testing.T) {
	for size := range 80 {
		text := bytes.Repeat([]byte{'a'}, size)
		for _, before := range [][]byte{nil, {0x92, 0xc0}, append([]byte{0x92, 0xa9}, "123456789"...)} {
			body := msgp.AppendStringFromBytes(slices.Clone(before), text)
			require.NoError(t, packet.Check(body))
			for place := len(body) - size; place < len(body); place++ {
				body[place] = 0xff
				require.ErrorContains(t, packet.Check(body), "UTF-8", "size %d, place %d", size, place)
				body[place] = 'a'
			}
		}
	}
}

func TestCheckAllocatesNothing(t *testing.T) {
	body := chatMessage()
	require.Zero(t, testing.AllocsPerRun(100, func() { _ = packet.Check(body) }))
}

// unhex decodes a test body.
func unhex(tb testing.TB, s string) []byte {
	tb.Helper()
	body, err := hex.DecodeString(s)
	require.NoError(tb, err)
	return body
}
