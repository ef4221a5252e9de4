package packet_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/tinylib/msgp/msgp"

	"github.com/pengbridge/pengbridge/core/packet"
	"github.com/pengbridge/pengbridge/core/wire"
)

func BenchmarkCheck(b *testing.B) {
	for _, bc := range []struct {
		name string
		body []byte
	}{
		{"int", []byte{7}},
		{"map of one", dictOf("x", 1.5)},
		{"chat message", chatMessage()},
		{"position update", body54()},
		{"records of 20 KB", records(500)},
		{"text of 64 KB", msgp.AppendString(nil, string(make([]byte, 64<<10)))},
	} {
		b.Run(bc.name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(bc.body)))
			for b.Loop() {
				if err := packet.Check(bc.body); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkReceive decodes and checks frames of 64 bytes, as they come 1024 at once.
func BenchmarkReceive(b *testing.B) {
	frame := wire.AppendFrame(nil, 64, 0, body54())
	require.Len(b, frame, 64)
	stream := bytes.Repeat(frame, 1024)
	var d wire.Decoder
	defer d.Release()
	b.ReportAllocs()
	b.SetBytes(int64(len(frame)))
	for b.Loop() {
		f, ok, err := d.Next()
		if !ok {
			d.Feed(stream)
			f, _, err = d.Next()
		}
		if err != nil || packet.Check(f.Body) != nil {
			b.Fatal(err)
		}
	}
}

// chatMessage is what a simple chat sends.
func chatMessage() []byte {
	b := msgp.AppendMapHeader(nil, 2)
	b = msgp.AppendString(b, "username")
	b = msgp.AppendString(b, "notna")
	b = msgp.AppendString(b, "message")
	return msgp.AppendString(b, "hello world")
}

// body54 is what a frame of 64 bytes holds: a position update.
func body54() []byte {
	b := msgp.AppendMapHeader(nil, 4)
	b = msgp.AppendString(b, "entity")
	b = msgp.AppendUint32(b, 70000)
	b = msgp.AppendString(b, "pos")
	b = msgp.AppendArrayHeader(b, 3)
	b = msgp.AppendFloat64(b, 1.5)
	b = msgp.AppendFloat32(b, 2.5)
	b = msgp.AppendFloat32(b, 3.5)
	b = msgp.AppendString(b, "onground")
	b = msgp.AppendBool(b, true)
	b = msgp.AppendString(b, "k")
	return msgp.AppendString(b, "idle")
}

// records is a list of small maps, as worlds and inventories are.
func records(n int) []byte {
	b := msgp.AppendArrayHeader(nil, uint32(n))
	for i := range n {
		b = msgp.AppendMapHeader(b, 4)
		b = msgp.AppendString(b, "id")
		b = msgp.AppendInt(b, i)
		b = msgp.AppendString(b, "name")
		b = msgp.AppendString(b, "block:stone")
		b = msgp.AppendString(b, "x")
		b = msgp.AppendFloat32(b, float32(i))
		b = msgp.AppendString(b, "solid")
		b = msgp.AppendBool(b, true)
	}
	return b
}
