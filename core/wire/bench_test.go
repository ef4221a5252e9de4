package wire_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/pengbridge/pengbridge/core/wire"
)

// BenchmarkDecoder reads frames of 64 bytes, or larger ones, from chunks as a socket gives them. What is read in place is
// copied here, where the others have what the system has copied.
func BenchmarkDecoder(b *testing.B) {
	const read = 64 << 10
	for _, bc := range []struct {
		name        string
		frame, feed int
		room        bool
	}{
		{"frames of 64 bytes, 1024 at once", 64, read, false},
		{"frames of 63 bytes, 1024 at once", 63, read, false},
		{"frames of 64 bytes, one at once", 64, 64, false},
		{"frames of 64 bytes in halves", 64, 32, false},
		{"frames of 128 KiB in pieces", 128 << 10, read, false},
		{"frames of 1 MiB in pieces", 1 << 20, read, false},
		{"frames of 1 MiB, read in place", 1 << 20, read, true},
		{"frames of 15 MiB in pieces", 15 << 20, read, false},
		{"frames of 15 MiB, read in place", 15 << 20, read, true},
	} {
		b.Run(bc.name, func(b *testing.B) {
			body := make([]byte, bc.frame-wire.LengthSize-wire.HeaderSize)
			frame := wire.AppendFrame(nil, 64, 0, body)
			stream := bytes.Repeat(frame, max(1, read/len(frame)))
			var d wire.Decoder
			defer d.Release()
			b.ReportAllocs()
			b.SetBytes(int64(len(frame)))
			left, frames := stream, 0
			for b.Loop() {
				for want := frames + 1; frames < want; {
					f, ok, err := d.Next()
					switch {
					case err != nil:
						b.Fatal(err)
					case ok && len(f.Body) == len(body):
						frames++
					default:
						n := min(bc.feed, len(left))
						if room := d.Room(); bc.room && len(room) > 0 {
							n = copy(room, left[:n]) // in place of the system
							d.Filled(n)
						} else {
							d.Feed(left[:n])
						}
						if left = left[n:]; len(left) == 0 {
							left = stream
						}
					}
				}
			}
		})
	}
}

func BenchmarkAppendPacket(b *testing.B) {
	for _, size := range []int{54, 8192, 28 << 10} {
		b.Run(fmt.Sprintf("%d bytes", size), func(b *testing.B) {
			c := wire.DefaultCompression()
			body := text(size)
			var dst []byte
			b.ReportAllocs()
			b.SetBytes(int64(size))
			for b.Loop() {
				var err error
				if dst, err = c.AppendPacket(dst[:0], 64, body); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkInflate(b *testing.B) {
	for _, size := range []int{8193, 28 << 10, 1 << 20} {
		b.Run(fmt.Sprintf("%d bytes", size), func(b *testing.B) {
			compressed := deflated(b, text(size))
			var dst []byte
			b.ReportAllocs()
			b.SetBytes(int64(size))
			for b.Loop() {
				var err error
				if dst, err = wire.Inflate(dst[:0], compressed, size); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkInflateBomb inflates 16 KiB that hold one byte more than the 16 MiB that are allowed, or just these (defect 8).
func BenchmarkInflateBomb(b *testing.B) {
	for name, size := range map[string]int{"too large": wire.DefaultMaxBody + 1, "allowed": wire.DefaultMaxBody} {
		b.Run(name, func(b *testing.B) {
			compressed := deflated(b, make([]byte, size))
			b.ReportAllocs()
			b.SetBytes(int64(len(compressed)))
			for b.Loop() {
				if _, err := wire.Inflate(nil, compressed, wire.DefaultMaxBody); (err == nil) != (size == wire.DefaultMaxBody) {
					b.Fatal(err)
				}
			}
		})
	}
}

// text returns bytes that compress about as well as game state does.
func text(size int) []byte {
	random := rand.New(rand.NewPCG(1, 2))
	words := []string{"block:stone", "block:dirt", "entity:player", "position", "velocity", "inventory"}
	out := make([]byte, 0, size+32)
	for len(out) < size {
		out = fmt.Appendf(out, "%s %d ", words[random.IntN(len(words))], random.IntN(1000))
	}
	return out[:size]
}

// deflated returns the zlib stream of body.
func deflated(tb testing.TB, body []byte) []byte {
	tb.Helper()
	frame, err := wire.Compression{Level: 6}.AppendPacket(nil, 64, body)
	if err != nil {
		tb.Fatal(err)
	}
	return frame[wire.LengthSize+wire.HeaderSize:]
}
