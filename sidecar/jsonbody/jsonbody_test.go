package jsonbody

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pengbridge/pengbridge/core/packet"
)

// pairs are values in both forms, each of which is what the other one becomes.
var pairs = []struct {
	name, msgpack, json string
}{
	{"nil", "\xc0", `null`},
	{"true", "\xc3", `true`},
	{"false", "\xc2", `false`},
	{"zero", "\x00", `0`},
	{"small int", "\x7f", `127`},
	{"negative int", "\xe0", `-32`},
	{"uint8", "\xcc\xff", `255`},
	{"largest uint", "\xcf\xff\xff\xff\xff\xff\xff\xff\xff", `18446744073709551615`},
	{"smallest int", "\xd3\x80\x00\x00\x00\x00\x00\x00\x00", `-9223372036854775808`},
	{"whole float", "\xcb\x3f\xf0\x00\x00\x00\x00\x00\x00", `1.0`},
	{"negative zero", "\xcb\x80\x00\x00\x00\x00\x00\x00\x00", `-0.0`},
	{"float", "\xcb\x3f\xb9\x99\x99\x99\x99\x99\x9a", `0.1`},
	{"huge float", "\xcb\x44\xb5\x2d\x02\xc7\xe1\x4a\xf6", `1e+23`},
	{"tiny float", "\xcb\x00\x00\x00\x00\x00\x00\x00\x01", `5e-324`},
	{"nan", "\xcb\x7f\xf8\x00\x00\x00\x00\x00\x01", `{"$float":"nan"}`},
	{"infinity", "\xcb\x7f\xf0\x00\x00\x00\x00\x00\x00", `{"$float":"inf"}`},
	{"negative infinity", "\xcb\xff\xf0\x00\x00\x00\x00\x00\x00", `{"$float":"-inf"}`},
	{"empty str", "\xa0", `""`},
	{"str", "\xa2hi", `"hi"`},
	{"str that needs escapes", "\xa6\"\\\n\t\x00<", `"\"\\\n\u0009\u0000<"`},
	{"str beyond ASCII", "\xa7\xf0\x9f\x90\xa7\xc3\xa9x", `"🐧éx"`},
	{"empty bin", "\xc4\x00", `{"$bin":""}`},
	{"bin", "\xc4\x03\x00\x01\xff", `{"$bin":"AAH/"}`},
	{"fixext", "\xd4\x05\xab", `{"$ext":[5,"qw=="]}`},
	{"ext 8", "\xc7\x03\x7fabc", `{"$ext":[127,"YWJj"]}`},
	{"empty ext", "\xc7\x00\x05", `{"$ext":[5,""]}`},
	{"timestamp", "\xd6\xff\x00\x00\x00\x01", `{"$ext":[-1,"AAAAAQ=="]}`},
	{"ext of a type that libraries take for their own", "\xd8\x04" + strings.Repeat("z", 16), `{"$ext":[4,"enp6enp6enp6enp6enp6eg=="]}`},
	{"empty array", "\x90", `[]`},
	{"array", "\x93\x01\xa1a\xc0", `[1,"a",null]`},
	{"array of 16", "\xdc\x00\x10" + strings.Repeat("\x07", 16), "[7" + strings.Repeat(",7", 15) + "]"},
	{"empty map", "\x80", `{}`},
	{"map keeps its order", "\x82\xa1b\x01\xa1a\x02", `{"b":1,"a":2}`},
	{"map with a key twice", "\x82\xa1a\x01\xa1a\x02", `{"a":1,"a":2}`},
	{"map with a bin key", "\x81\xc4\x02\x00\xff\x01", `{"$bin:AP8=":1}`},
	{"map that looks like bin", "\x81\xa4$bin\xa4AAH/", `{"$$bin":"AAH/"}`},
	{"map that looks like float", "\x81\xa6$float\xa3nan", `{"$$float":"nan"}`},
	{"map that looks like an escape", "\x81\xa5$$bin\xa1x", `{"$$$bin":"x"}`},
	{"map that looks like a bin key", "\x81\xa5$bin:\xa1x", `{"$$bin:":"x"}`},
	{"map with a lonely dollar", "\x82\xa1a\x01\xa1$\x02", `{"a":1,"$$":2}`},
	{"nested", "\x81\xa1a\x92\x80\x81\xa1b\xc4\x01x", `{"a":[{},{"b":{"$bin":"eA=="}}]}`},
}

func TestJSONPairs(t *testing.T) {
	for _, p := range pairs {
		t.Run(p.name, func(t *testing.T) {
			require.NoError(t, packet.Check([]byte(p.msgpack)), "the pair itself")
			text, err := AppendJSON(nil, []byte(p.msgpack))
			require.NoError(t, err)
			require.Equal(t, p.json, string(text))
			body, err := AppendMessagePack(nil, p.json)
			require.NoError(t, err)
			require.Equal(t, []byte(p.msgpack), body)
		})
	}
}

func TestJSONWritesWhatItCannotTellApart(t *testing.T) {
	for _, c := range []struct{ name, msgpack, json string }{
		{"float32", "\xca\x3f\x80\x00\x00", `1.0`},
		{"an int in a long form", "\xd3\x00\x00\x00\x00\x00\x00\x00\x05", `5`},
		{"ext 16", "\xc8\x00\x01\x05a", `{"$ext":[5,"YQ=="]}`},
		{"ext 32", "\xc9\x00\x00\x00\x01\x05a", `{"$ext":[5,"YQ=="]}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			text, err := AppendJSON(nil, []byte(c.msgpack))
			require.NoError(t, err)
			require.Equal(t, c.json, string(text))
		})
	}
}

func TestJSONReadsWhatPeopleWrite(t *testing.T) {
	for _, c := range []struct{ name, json, msgpack string }{
		{"white space", " \n{ \"a\" :\t1 } ", "\x81\xa1a\x01"},
		{"a surrogate pair", `"\ud83d\udc27"`, "\xa4\xf0\x9f\x90\xa7"},
		{"an escaped backslash before u", `"\\ud83d"`, "\xa6\\ud83d"},
		{"a float with an exponent alone", `1E2`, "\xcb\x40\x59\x00\x00\x00\x00\x00\x00"},
		{"an integer zero with a sign", `-0`, "\x00"},
	} {
		t.Run(c.name, func(t *testing.T) {
			body, err := AppendMessagePack(nil, c.json)
			require.NoError(t, err)
			require.Equal(t, []byte(c.msgpack), body)
		})
	}
}

func TestJSONRefuses(t *testing.T) {
	for _, c := range []struct{ name, json, message string }{
		{"nothing", ``, "ends too early"},
		{"half an object", `{"a":`, "ends too early"},
		{"two values", `1 2`, "byte 3: more than one value"},
		{"no JSON", `{a:1}`, "byte 1: invalid character"},
		{"an unknown key", `{"$int":"1"}`, "write your own with $$"},
		{"a special key that is not alone", `{"$bin":"AAH/","a":1}`, "no other key"},
		{"a special key behind another", `{"a":1,"$bin":"AAH/"}`, "write your own with $$"},
		{"bin that is no string", `{"$bin":1}`, "a string is needed"},
		{"bin that is no base64", `{"$bin":"?"}`, "base64"},
		{"a bin key that is no base64", `{"$bin:?":1}`, "base64"},
		{"a float by another name", `{"$float":"NaN"}`, `"nan", "inf" or "-inf"`},
		{"ext that is no array", `{"$ext":5}`, "$ext is [type"},
		{"ext with a type out of range", `{"$ext":[128,""]}`, "0 to 127"},
		{"ext with a float type", `{"$ext":[1.5,""]}`, "0 to 127"},
		{"ext with a string type", `{"$ext":["1",""]}`, "0 to 127"},
		{"ext with too much", `{"$ext":[1,"",2]}`, "$ext is [type"},
		{"an integer beyond 64 bits", `18446744073709551616`, "beyond 64 bits"},
		{"an integer far below", `-9223372036854775809`, "beyond 64 bits"},
		{"a float beyond 64 bits", `1e999`, "beyond a 64 bit float"},
		{"half a surrogate pair", `"ab\ud83d"`, "byte 3: half of a surrogate pair"},
		{"the other half", `"\udc27"`, "byte 1: half of a surrogate pair"},
		{"two first halves", `"\ud83d\ud83d"`, "byte 1: half of a surrogate pair"},
		{"too deep", strings.Repeat("[", packet.MaxNesting+1) + strings.Repeat("]", packet.MaxNesting+1), "nested more than 512 deep"},
		{"too many values", "[0" + strings.Repeat(",0", packet.MaxElements) + "]", "more than 1048576 values"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := AppendMessagePack(nil, c.json)
			require.ErrorContains(t, err, c.message)
		})
	}
}

func TestJSONAllowsTheDeepest(t *testing.T) {
	deepest := strings.Repeat("[", packet.MaxNesting) + strings.Repeat("]", packet.MaxNesting)
	body, err := AppendMessagePack(nil, deepest)
	require.NoError(t, err)
	require.NoError(t, packet.Check(body))
	text, err := AppendJSON(nil, body)
	require.NoError(t, err)
	require.Equal(t, deepest, string(text))
}

func TestJSONDoesNotTrustItsInput(t *testing.T) {
	for name, body := range map[string]string{
		"nothing":         "",
		"reserved byte":   "\xc1",
		"half a string":   "\xa5ab",
		"half an array":   "\x92\x01",
		"half a map":      "\x81\xa1a",
		"a number as key": "\x81\x01\x01",
		"half an ext":     "\xc7\x05\x01a",
		"more than one":   "\x01\x02",
		"too deep":        strings.Repeat("\x91", packet.MaxNesting+2) + "\x01",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := AppendJSON(nil, []byte(body))
			require.Error(t, err)
		})
	}
}

func BenchmarkJSON(b *testing.B) {
	body, err := AppendMessagePack(nil, `{"name":"penguin","pos":[1.5,2.25,-3.0],"hp":100,"tags":["a","b"],"raw":{"$bin":"AAECAwQF"}}`)
	require.NoError(b, err)
	text, err := AppendJSON(nil, body)
	require.NoError(b, err)
	b.Run("write", func(b *testing.B) {
		b.ReportAllocs()
		var dst []byte
		for b.Loop() {
			dst, _ = AppendJSON(dst[:0], body)
		}
	})
	b.Run("read", func(b *testing.B) {
		b.ReportAllocs()
		var dst []byte
		for b.Loop() {
			dst, _ = AppendMessagePack(dst[:0], string(text))
		}
	})
	b.Run("read the worst", func(b *testing.B) { // every level moves what it holds
		worst := bytes.Repeat([]byte("["), packet.MaxNesting)
		worst = append(worst, `"`+strings.Repeat("x", 1<<20)+`"`...)
		worst = append(worst, bytes.Repeat([]byte("]"), packet.MaxNesting)...)
		b.ReportAllocs()
		var dst []byte
		for b.Loop() {
			dst, _ = AppendMessagePack(dst[:0], string(worst))
		}
	})
}
