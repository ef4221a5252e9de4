package jsonbody

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/tinylib/msgp/msgp"

	"github.com/pengbridge/pengbridge/core/packet"
)

// FuzzJSON takes MessagePack through JSON and back: the value has to be the same, whatever its form was.
func FuzzJSON(f *testing.F) {
	for _, p := range pairs {
		f.Add([]byte(p.msgpack))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		text, err := AppendJSON(nil, body)
		if packet.Check(body) != nil {
			return // an error or not, but no panic
		}
		require.NoError(t, err)
		again, err := AppendMessagePack(nil, string(text))
		require.NoError(t, err)
		require.NoError(t, packet.Check(again))
		require.Equal(t, normal(t, body), normal(t, again))
	})
}

// FuzzJSONText reads any text: what is accepted has to be a body that can be sent.
func FuzzJSONText(f *testing.F) {
	for _, p := range pairs {
		f.Add(p.json)
	}
	f.Add(`{"$ext":[-1,"AAAAAQ=="]}`)
	f.Fuzz(func(t *testing.T, text string) {
		body, err := AppendMessagePack(nil, text)
		if err != nil || packet.Check(body) != nil {
			return // such as a timestamp of five bytes: that is for Check to refuse
		}
		back, err := AppendJSON(nil, body)
		require.NoError(t, err)
		again, err := AppendMessagePack(nil, string(back))
		require.NoError(t, err)
		require.Equal(t, normal(t, body), normal(t, again))
	})
}

// normal rewrites a body so that equal values have equal bytes.
func normal(t *testing.T, body []byte) []byte {
	t.Helper()
	var out []byte
	for len(body) > 0 {
		var (
			n    uint32
			err  error
			kind = msgp.NextType(body)
		)
		switch kind {
		case msgp.Float32Type:
			var v float32
			v, body, err = msgp.ReadFloat32Bytes(body)
			out = append(out, normalFloat(float64(v))...)
		case msgp.Float64Type:
			var v float64
			v, body, err = msgp.ReadFloat64Bytes(body)
			out = append(out, normalFloat(v)...)
		case msgp.IntType:
			var v int64
			v, body, err = msgp.ReadInt64Bytes(body)
			if v >= 0 {
				out = msgp.AppendUint64(out, uint64(v))
			} else {
				out = msgp.AppendInt64(out, v)
			}
		case msgp.UintType:
			var v uint64
			v, body, err = msgp.ReadUint64Bytes(body)
			out = msgp.AppendUint64(out, v)
		case msgp.StrType:
			var v []byte
			v, body, err = msgp.ReadStringZC(body)
			out = msgp.AppendStringFromBytes(out, v)
		case msgp.BinType:
			var v []byte
			v, body, err = msgp.ReadBytesZC(body)
			out = msgp.AppendBytes(out, v)
		case msgp.ArrayType:
			n, body, err = msgp.ReadArrayHeaderBytes(body)
			out = msgp.AppendArrayHeader(out, n)
		case msgp.MapType:
			n, body, err = msgp.ReadMapHeaderBytes(body)
			out = msgp.AppendMapHeader(out, n)
		case msgp.NilType, msgp.BoolType:
			out, body = append(out, body[0]), body[1:]
		default: // an extension: by its text, which names the type and the bytes
			var text []byte
			text, body, err = appendExt(nil, body)
			out = append(out, text...)
		}
		require.NoError(t, err)
	}
	return out
}

func normalFloat(f float64) []byte {
	if math.IsNaN(f) {
		f = math.NaN() // one of many
	}
	return msgp.AppendFloat64(nil, f)
}
