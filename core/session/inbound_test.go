package session_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pengbridge/pengbridge/core/packet"
	"github.com/pengbridge/pengbridge/core/session"
	"github.com/pengbridge/pengbridge/core/wire"
)

// blob is a MessagePack value of n bytes in all.
func blob(n int) []byte {
	return append([]byte{0xc6, byte((n - 5) >> 24), byte((n - 5) >> 16), byte((n - 5) >> 8), byte(n - 5)}, make([]byte, n-5)...)
}

func compressed(tb testing.TB, id uint32, body []byte) []byte {
	frame, err := wire.Compression{Threshold: 0, Level: 6}.AppendPacket(nil, id, body)
	require.NoError(tb, err)
	return frame
}

// TestLimits: how large a body may be in each phase, as received and after inflating (defects 7, 8).
func TestLimits(t *testing.T) {
	const kib, mib = 1 << 10, 1 << 20
	for _, test := range []struct {
		name  string
		side  packet.Side
		at    stage
		limit int
	}{
		{"server before settype", packet.ServerSide, begun, 64 * kib},
		{"server before accept", packet.ServerSide, shaking, 64 * kib},
		{"server", packet.ServerSide, connected, 2 * mib},
		{"client before hello", packet.ClientSide, begun, 64 * kib},
		{"client before the handshake", packet.ClientSide, shaking, mib},
		{"client", packet.ClientSide, connected, 2 * mib},
	} {
		t.Run(test.name, func(t *testing.T) {
			for name, frame := range map[string]func(n int) []byte{
				"as received": func(n int) []byte { return packed(99, blob(n)) },
				"inflated":    func(n int) []byte { return compressed(t, 99, blob(n)) },
			} {
				p := newPeer(t, test.side, appTypes, func(cfg *session.Config) { cfg.Limits.Packet = 2 * mib }).advance(test.at)
				p.receive(frame(test.limit))
				require.False(t, p.session.Closing(), "%s, at the limit", name)
				p.receive(frame(test.limit + 1))
				require.Equal(t, "packettoolarge", p.reason(), name)
				require.Equal(t, []uint32{packet.IDClose}, ids(t, p.take()), "the peer is told")
			}
		})
	}
	server, _ := pingPair(t, session.PingAnswer{})
	server.receive(packed(packet.IDPing, blob(64*kib+1)))
	require.Equal(t, "packettoolarge", server.reason(), "a ping needs no handshake, so it gets no more room than one")
}

// malformed are the frames of section B of the defects, and others of their kind.
func malformed(tb testing.TB) map[string][]byte {
	return map[string][]byte{
		"length 0":             {0, 0, 0, 0},
		"length below header":  {0, 0, 0, 5, 0, 0, 0, 64, 0},
		"empty body":           {0, 0, 0, 6, 0, 0, 0, 64, 0, 0},
		"flag AES":             wire.AppendFrame(nil, 64, wire.FlagAES, []byte{1}),
		"bad zlib":             wire.AppendFrame(nil, 64, wire.FlagCompressed, []byte{1, 2, 3}),
		"cut zlib":             wire.AppendFrame(nil, 64, wire.FlagCompressed, compressed(tb, 64, blob(99))[10:30]),
		"0xc1":                 packed(64, []byte{0xc1}),
		"truncated":            packed(64, []byte{0x92, 0x01}),
		"trailing byte":        packed(64, []byte{0x01, 0x02}),
		"invalid UTF-8":        packed(64, []byte{0xa1, 0xff}),
		"int key (section B)":  packed(64, []byte{0x81, 0x01, 0x02}),
		"nesting 2000":         packed(64, append(bytes.Repeat([]byte{0x91}, 2000), 0xc0)),
		"compressed and bad":   compressed(tb, 64, []byte{0x92, 0x01}),
		"array of 2^32 values": packed(64, []byte{0xdd, 0xff, 0xff, 0xff, 0xff}),
	}
}

// TestMalformed: every malformed frame ends its connection with a reason that the peer gets, in every phase, and whatever
// follows in the same read or in later ones changes nothing.
func TestMalformed(t *testing.T) {
	for name, bad := range malformed(t) {
		for _, side := range []packet.Side{packet.ServerSide, packet.ClientSide} {
			for _, at := range []stage{begun, shaking, connected} {
				p := newPeer(t, side, appTypes).advance(at)
				p.receive(append(append([]byte(nil), bad...), packed(64, empty)...))
				require.Equal(t, "malformedpacket", p.reason(), name)
				events := p.events
				p.receive(packed(64, empty)) // no panic: the inbound is dead, and throws it away
				p.receive([]byte{0, 0})
				require.Equal(t, events, p.events, name)
				require.Zero(t, p.inbound.Pending())
				require.Equal(t, []uint32{packet.IDClose}, ids(t, p.take()), name)
			}
		}
	}
}

// TestNotPeng3dnet: a web browser's greeting is a length beyond every limit.
func TestNotPeng3dnet(t *testing.T) {
	p := newPeer(t, packet.ServerSide, nil).advance(begun)
	p.receive([]byte("GET / HTTP/1.1\r\n"))
	require.Equal(t, "packettoolarge", p.reason())
}

// TestUnknownFlags: bits that mean nothing change nothing.
func TestUnknownFlags(t *testing.T) {
	p := newPeer(t, packet.ServerSide, appTypes).advance(connected)
	p.receive(wire.AppendFrame(nil, 64, 0x8000, []byte{1}))
	require.Equal(t, []string{serverRecv + "app:a"}, p.events)
}

// TestSplitAnywhere: it makes no difference how the stream is cut (defect 1).
func TestSplitAnywhere(t *testing.T) {
	var stream []byte
	stream = append(stream, packed(packet.IDSettype, settypeBody)...)
	stream = append(stream, packed(packet.IDAccept, acceptBody)...)
	stream = append(stream, compressed(t, 64, []byte("\xd9\x40"+strings.Repeat("x", 64)))...)
	stream = append(stream, packed(64, empty)...)
	whole := newPeer(t, packet.ServerSide, appTypes)
	whole.receive(stream)
	require.Equal(t, 2, count(whole.events, "app:a"))
	for at := range stream {
		p := newPeer(t, packet.ServerSide, appTypes)
		p.receive(stream[:at])
		p.receive(stream[at:])
		require.Equal(t, whole.events, p.events, "cut at %d", at)
	}
	single := newPeer(t, packet.ServerSide, appTypes)
	for i := range stream {
		single.receive(stream[i : i+1])
	}
	require.Equal(t, whole.events, single.events)
}

// TestIncompressible: a body at the limit passes although its compressed form is larger than the limit.
func TestIncompressible(t *testing.T) {
	for _, limit := range []int{100, 70_000, 1 << 20} {
		body := blob(limit)
		for i, x := 5, uint32(1); i < limit; i++ {
			x = x*1664525 + 1013904223
			body[i] = byte(x >> 24)
		}
		for level := range 10 {
			frame, err := wire.Compression{Level: level}.AppendPacket(nil, 64, body)
			require.NoError(t, err)
			require.Greater(t, len(frame)-wire.LengthSize-wire.HeaderSize, limit)
			var in session.Inbound
			in.Feed(frame)
			_, ok, err := in.Next(limit)
			require.NoError(t, err, "level %d", level)
			require.True(t, ok)
			in.Release()
		}
	}
}

// TestInflatedMemory: bodies stay valid until Settle, which gives their memory back.
func TestInflatedMemory(t *testing.T) {
	var in session.Inbound
	a, b := bytes.Repeat([]byte{0x01}, 1), blob(3000)
	in.Feed(append(compressed(t, 64, a), compressed(t, 65, b)...))
	first, ok, err := in.Next(4000)
	require.True(t, ok && err == nil)
	second, ok, err := in.Next(4000)
	require.True(t, ok && err == nil)
	require.Equal(t, a, first.Body)
	require.Equal(t, b, second.Body)
	require.Equal(t, len(a)+len(b), in.Inflated())
	in.Settle()
	require.Zero(t, in.Inflated())
	in.Release()
}

// TestPacketOutlivesBadFrame: a packet that was put together from pieces stays what it is until Settle, also when the frame
// behind it is malformed, and somebody else wants memory meanwhile.
func TestPacketOutlivesBadFrame(t *testing.T) {
	frame := wire.AppendFrame(nil, 64, 0, []byte("\xa5hello"))
	bad := wire.AppendFrame(nil, 64, 0, []byte{0xc1})
	var in, other session.Inbound
	in.Feed(frame[:7])
	_, ok, err := in.Next(100)
	require.NoError(t, err)
	require.False(t, ok)
	in.Feed(append(frame[7:len(frame):len(frame)], bad...))
	p, ok, err := in.Next(100)
	require.NoError(t, err)
	require.True(t, ok)
	_, _, err = in.Next(100)
	require.Error(t, err)

	other.Feed(wire.AppendFrame(nil, 64, 0, []byte("\xa5OTHER"))[:15])
	_, _, err = other.Next(100)
	require.NoError(t, err)
	require.Equal(t, "\xa5hello", string(p.Body))
}
