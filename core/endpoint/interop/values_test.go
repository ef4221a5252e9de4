//go:build interop

package interop

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"math/bits"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/tinylib/msgp/msgp"
)

// bodies returns 300 different MessagePack values in the form that the reference itself would write (protocol, section 1):
// it decodes and encodes again what it echoes, so only that form comes back byte for byte.
func bodies() [][]byte {
	all := edges()
	rng := rand.New(rand.NewPCG(3, 5))
	for len(all) < 300 {
		all = append(all, appendRandom(nil, rng, 4))
	}
	return all
}

// edges returns values of every MessagePack type, at the sizes where their encoding changes.
func edges() (all [][]byte) {
	add := func(body []byte) { all = append(all, body) }
	add(msgp.AppendNil(nil))
	add(msgp.AppendBool(nil, false))
	add(msgp.AppendBool(nil, true))
	for _, n := range []uint64{0, 1, 0x7f, 0x80, 0xff, 0x100, 0xffff, 0x10000, 1<<31 - 1, 1 << 31, 1<<32 - 1, 1 << 32, 1<<63 - 1, 1 << 63, math.MaxUint64} {
		add(msgp.AppendUint64(nil, n))
	}
	for _, n := range []int64{-1, -32, -33, -128, -129, -32768, -32769, -1 << 31, -1<<31 - 1, math.MinInt64} {
		add(msgp.AppendInt64(nil, n))
	}
	for _, f := range []float64{0, math.Copysign(0, -1), 0.1, -1.5, math.Pi, math.MaxFloat64, math.SmallestNonzeroFloat64, math.Inf(1), math.Inf(-1), math.NaN()} {
		add(msgp.AppendFloat64(nil, f))
	}
	for _, n := range []int{0, 1, 31, 32, 255, 256, 8187, 8188, 65535, 65536} {
		add(msgp.AppendString(nil, strings.Repeat("x", n)))
	}
	for _, s := range []string{"Grüße, Welt", "こんにちは", "🎮👩‍🚀", "\x00\n\t\"'\\", "\u202eright to left", "Z\u0351\u036ba\u0300lgo"} {
		add(msgp.AppendString(nil, s))
	}
	for _, n := range []int{0, 1, 255, 256, 65535, 65536} {
		add(msgp.AppendBytes(nil, make([]byte, n)))
	}
	for _, n := range []int{0, 15, 16, 300, 65536} {
		array := msgp.AppendArrayHeader(nil, uint32(n))
		for i := range n {
			array = msgp.AppendUint64(array, uint64(i))
		}
		add(array)
	}
	for _, n := range []int{0, 15, 16, 300, 65536} {
		m := msgp.AppendMapHeader(nil, uint32(n))
		for i := range n {
			m = msgp.AppendUint64(msgp.AppendString(m, key(i)), uint64(i))
		}
		add(m)
	}
	for _, n := range []int{0, 1, 2, 3, 4, 8, 16, 17, 255, 256, 65536} {
		add(appendExtension(nil, 42, make([]byte, n)))
	}
	for _, stamp := range []string{ // extension -1: seconds since 1970, in each of its three forms
		"00000000", "ffffffff", // no nanoseconds, 32 bits of seconds
		"0000000400000001", "ee6b27ffffffffff", // 30 bits of nanoseconds, 34 of seconds
		"00000005ffffffffffffffff", "000000000000000400000000", // 32 bits and 64, signed
	} {
		data, err := hex.DecodeString(stamp)
		if err != nil {
			panic(err) // it stands above
		}
		add(appendExtension(nil, -1, data))
	}
	nested := msgp.AppendNil(nil)
	for range 200 { // the reference's decoder takes about 1024, ours 512
		nested = append(msgp.AppendArrayHeader(nil, 1), nested...)
	}
	return append(all, nested)
}

// appendRandom appends some value with at most depth levels of arrays and maps.
func appendRandom(body []byte, rng *rand.Rand, depth int) []byte {
	kinds := 9
	if depth == 0 {
		kinds = 7
	}
	switch rng.IntN(kinds) {
	case 0:
		return msgp.AppendNil(body)
	case 1:
		return msgp.AppendBool(body, rng.IntN(2) == 0)
	case 2:
		return msgp.AppendUint64(body, rng.Uint64()>>rng.IntN(64))
	case 3:
		return msgp.AppendInt64(body, -int64(rng.Uint64()>>(1+rng.IntN(63))))
	case 4:
		return msgp.AppendFloat64(body, rng.NormFloat64())
	case 5:
		return msgp.AppendString(body, randomText(rng))
	case 6:
		return msgp.AppendBytes(body, []byte(randomText(rng)))
	case 7:
		n := rng.IntN(20)
		body = msgp.AppendArrayHeader(body, uint32(n))
		for range n {
			body = appendRandom(body, rng, depth-1)
		}
		return body
	default:
		n := rng.IntN(20)
		body = msgp.AppendMapHeader(body, uint32(n))
		for i := range n {
			body = appendRandom(msgp.AppendString(body, key(i)), rng, depth-1)
		}
		return body
	}
}

func randomText(rng *rand.Rand) string {
	letters := []rune("abc äöü 漢字 🎲\n")
	text := make([]rune, rng.IntN(60))
	for i := range text {
		text[i] = letters[rng.IntN(len(letters))]
	}
	return string(text)
}

func key(i int) string { return "key " + strconv.Itoa(i) }

// appendExtension appends an extension value in its shortest form, which msgp does not use for 255 bytes.
func appendExtension(body []byte, typ int8, data []byte) []byte {
	switch n := len(data); {
	case n == 1, n == 2, n == 4, n == 8, n == 16:
		body = append(body, 0xd4+byte(bits.TrailingZeros(uint(n))))
	case n <= math.MaxUint8:
		body = append(body, 0xc7, byte(n))
	case n <= math.MaxUint16:
		body = binary.BigEndian.AppendUint16(append(body, 0xc8), uint16(n))
	default:
		body = binary.BigEndian.AppendUint32(append(body, 0xc9), uint32(n))
	}
	return append(append(body, byte(typ)), data...)
}

// noise returns a bin of n bytes that zlib cannot make smaller.
func noise(n int) []byte {
	data := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{7}).Read(data) // never fails
	return msgp.AppendBytes(nil, data)
}

// prose returns a str of n bytes that zlib makes much smaller.
func prose(n int) []byte {
	line := "All work and no play makes the server a dull boy. "
	return msgp.AppendString(nil, strings.Repeat(line, n/len(line)+1)[:n])
}

// requireSame fails with a short message where bodies differ: they can be megabytes long.
func requireSame(t *testing.T, want, got []byte, what string, args ...any) {
	t.Helper()
	if bytes.Equal(want, got) {
		return
	}
	at := 0
	for at < min(len(want), len(got)) && want[at] == got[at] {
		at++
	}
	excerpt := func(b []byte) []byte { return b[at:min(len(b), at+32)] }
	require.Failf(t, fmt.Sprintf(what, args...), "%d bytes wanted, %d came; from byte %d on wanted % x, came % x",
		len(want), len(got), at, excerpt(want), excerpt(got))
}
