package session_test

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pengbridge/pengbridge/core/packet"
	"github.com/pengbridge/pengbridge/core/session"
	"github.com/pengbridge/pengbridge/core/wire/wiretest"
)

// FuzzServer and FuzzClient feed arbitrary bytes, cut anywhere, to a session.
func FuzzServer(f *testing.F) { fuzz(f, packet.ServerSide) }

func FuzzClient(f *testing.F) { fuzz(f, packet.ClientSide) }

func fuzz(f *testing.F, side packet.Side) {
	for _, v := range wiretest.Vectors(f) {
		var stream []byte
		for _, frame := range v.Frames {
			if frame.FromServer != (side == packet.ServerSide) {
				stream = append(stream, frame.Bytes...)
			}
		}
		f.Add(stream, uint16(1000))
	}
	for _, bad := range malformed(f) {
		f.Add(append(packed(packet.IDSettype, settypeBody), bad...), uint16(3))
	}
	f.Fuzz(func(t *testing.T, stream []byte, cut uint16) {
		p := newPeer(t, side, types("app:a", "app:b"), func(cfg *session.Config) {
			cfg.Ping = &session.PingAnswer{}
			cfg.Missing = session.MissingIgnore
			cfg.Limits = session.Limits{Packet: 1 << 16, Handshake: 1 << 12, Registry: 1 << 14}
		})
		for len(stream) > 0 {
			n := min(len(stream), 1+int(cut))
			p.receive(bytes.Clone(stream[:n]))
			stream = stream[n:]
		}
		plain(t, p.take()) // whatever came in, what goes out is well formed
		closes := 0
		for i, ev := range p.events {
			if strings.Contains(ev, ".close ") {
				closes++
				require.Equal(t, len(p.events)-1, i, "close is the last event")
			}
		}
		require.Equal(t, p.session.Closed(), closes == 1)
		if p.session.Closed() {
			events := len(p.events)
			p.receive(packed(64, empty))
			require.Empty(t, p.take(), "a closed session is dead")
			require.Len(t, p.events, events)
		}
	})
}

// FuzzDialogue lets two sessions talk, with packets and cuts as the input says: everything arrives, in order.
func FuzzDialogue(f *testing.F) {
	f.Add([]byte{1, 2, 3, 200, 0, 17, 130}, uint16(5), uint8(9))
	f.Add([]byte("a longer script of what both say"), uint16(1), uint8(0))
	f.Fuzz(func(t *testing.T, script []byte, cut uint16, threshold uint8) {
		small := func(cfg *session.Config) {
			c := *cfg.Compression.Load()
			c.Threshold = int(threshold)
			cfg.Compression.Store(&c)
		}
		server := newPeer(t, packet.ServerSide, types("app:a", "app:b"), small)
		client := newPeer(t, packet.ClientSide, types("app:b", "app:a"), small)
		converse(server, client)
		var sent [2]int
		for i, b := range script {
			from := server
			if b&1 == 1 {
				from = client
			}
			name := []string{"app:a", "app:b"}[b>>1&1]
			require.NoError(t, from.send(packet.Name(name), numbered(sent[b&1], int(b)*3)))
			sent[b&1]++
			if i%5 == 4 {
				carry(server, client, int(cut))
			}
		}
		carry(server, client, int(cut))
		require.Equal(t, upTo(sent[0]), client.numbers)
		require.Equal(t, upTo(sent[1]), server.numbers)
		require.False(t, server.session.Closing() || client.session.Closing())
	})
}

var numberedPrefix = []byte{0x92, 0xce}

// numbered is a body that says which one it is, with some bytes to compress.
func numbered(n, size int) []byte {
	body := binary.BigEndian.AppendUint32(bytes.Clone(numberedPrefix), uint32(n))
	return append(body, blob(size+5)...)
}

// carry brings what both sides wrote to the other, in pieces.
func carry(a, b *peer, cut int) {
	for _, way := range [][2]*peer{{a, b}, {b, a}} {
		stream := way[0].take()
		for len(stream) > 0 {
			n := min(len(stream), 1+cut)
			way[1].receive(bytes.Clone(stream[:n]))
			stream = stream[n:]
		}
	}
}

// upTo returns the numbers below n.
func upTo(n int) (numbers []uint32) {
	for i := range n {
		numbers = append(numbers, uint32(i))
	}
	return numbers
}
