package endpoint_test

import (
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pengbridge/pengbridge/core/endpoint"
	"github.com/pengbridge/pengbridge/core/event"
	"github.com/pengbridge/pengbridge/core/packet"
	"github.com/pengbridge/pengbridge/core/wire"
)

// brimful is a gate that one application packet fills.
type brimful struct{ *valve }

func (b brimful) Append(events []event.Event) {
	b.valve.Append(events)
	for _, ev := range events {
		if ev.Type == event.ServerRecv && ev.PacketID >= packet.FirstFreeID && !b.Full() {
			b.setFull(true)
			b.shut()
		}
	}
}

// empty makes room for one more.
func (b brimful) empty() {
	b.setFull(false)
	b.reopen()
}

func (b brimful) bodies() (n int) {
	for _, ev := range b.all() {
		if ev.Type == event.ServerRecv && ev.PacketID >= packet.FirstFreeID {
			n++
		}
	}
	return n
}

// TestManySmallBombsAtOnce: peers whose few bytes inflate to megabytes are let in while the log still has room for each of
// them; they must not all fill it (defect 8).
func TestManySmallBombsAtOnce(t *testing.T) {
	const peers, size = 12, 8 << 20
	gate := brimful{newValve()}
	server, _ := listen(t, func(opts *endpoint.ServerOptions) { opts.Events = gate })
	body := append([]byte{0xc6, size >> 24, size >> 16 & 0xff, size >> 8 & 0xff, size & 0xff}, make([]byte, size)...)
	bomb, err := wire.DefaultCompression().AppendPacket(nil, packet.FirstFreeID, body)
	require.NoError(t, err)
	var raws []*rawPeer
	for range peers {
		p := joinRaw(t, server)
		p.write(bomb[:len(bomb)-1])
		raws = append(raws, p)
	}
	for _, p := range raws {
		p.write(bomb[len(bomb)-1:])
	}
	for handled := 0; handled < peers; {
		require.Eventually(t, func() bool {
			inside, line := gate.counts()
			return inside == 0 && gate.bodies() > handled && gate.bodies()+line == peers
		}, patience, time.Millisecond)
		now := gate.bodies()
		require.LessOrEqual(t, now-handled, runtime.GOMAXPROCS(0), "how many were inflated into a log with room for one")
		handled = now
		gate.empty()
	}
}

// TestManySmallPacketsAtOnce: a read full of packets that take far more room in the log than on the wire does not go on when
// the log is full.
func TestManySmallPacketsAtOnce(t *testing.T) {
	const packets, atOnce = 2000, 256
	gate := brimful{newValve()}
	server, _ := listen(t, func(opts *endpoint.ServerOptions) { opts.Events = gate })
	p := joinRaw(t, server)
	gate.count(t, event.ServerHandshakeComplete, 1)
	var frames []byte
	for range packets {
		frames = wire.AppendFrame(frames, packet.FirstFreeID, 0, one)
	}
	p.write(frames)
	for handled := 0; handled < packets; {
		require.Eventually(t, func() bool {
			inside, line := gate.counts()
			return inside == 0 && gate.bodies() > handled && (line == 1 || gate.bodies() == packets)
		}, patience, time.Millisecond)
		now := gate.bodies()
		require.LessOrEqual(t, now-handled, atOnce, "how many went into a log with room for one")
		handled = now
		gate.empty()
	}
}
