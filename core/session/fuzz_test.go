package session_test

import (
	"bytes"
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
