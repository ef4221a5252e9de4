package endpoint_test

import (
	"bytes"
	"encoding/binary"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/tinylib/msgp/msgp"

	"github.com/pengbridge/pengbridge/core/endpoint"
	"github.com/pengbridge/pengbridge/core/event"
	"github.com/pengbridge/pengbridge/core/packet"
	"github.com/pengbridge/pengbridge/core/session"
	"github.com/pengbridge/pengbridge/core/wire"
)

// hostile is something a peer does to a server, by the number of the reference's defect (or the letter of its section).
type hostile struct {
	name   string
	joined bool             // whether the peer completes the handshake first
	do     func(p *rawPeer) // what it sends
	reason string           // for which it is closed; "": it is not
}

// hostileLimit is the largest packet in these tests: smaller than by default, because bombs take their time to make.
const hostileLimit = 2 << 20

// sends is a peer that sends bytes.
func sends(b []byte) func(p *rawPeer) { return func(p *rawPeer) { p.write(b) } }

// sendsPacket is a peer that sends a packet with any body.
func sendsPacket(id uint32, flags uint16, body []byte) func(p *rawPeer) {
	return sends(wire.AppendFrame(nil, id, flags, body))
}

// sendsZipped is one that sends it compressed.
func sendsZipped(body []byte) func(p *rawPeer) {
	return func(p *rawPeer) {
		frame, err := wire.Compression{Level: 9}.AppendPacket(nil, echoID, body)
		require.NoError(p.tb, err)
		p.write(frame)
	}
}

// malformedBodies are those of section B that the reference cannot decode, and relatives.
func malformedBodies() map[string][]byte {
	return map[string][]byte{
		"0xc1": {0xc1}, "truncated": {0x92, 0x01}, "trailing byte": {0x01, 0x02}, "invalid UTF-8": {0xa1, 0xff},
		"int key": {0x81, 0x01, 0x02}, "nil key": {0x81, 0xc0, 0x02}, "broken timestamp": {0xd5, 0xff, 0, 0},
		"timestamp beyond a second": {0xd7, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0},
		"nesting 2000":              append(bytes.Repeat([]byte{0x91}, 2000), 0xc0),
		"array of 4 G values":       {0xdd, 0xff, 0xff, 0xff, 0xff}, "map of 4 G entries": {0xdf, 0xff, 0xff, 0xff, 0xff},
		"text of 4 GiB": {0xdb, 0xff, 0xff, 0xff, 0xff}, "extension of 4 GiB": {0xc9, 0xff, 0xff, 0xff, 0xff, 1},
	}
}

// hostiles are what a peer can do that breaks the reference, or that it survives by chance.
func hostiles() []hostile {
	const malformed, large, invalid = session.ReasonMalformed, session.ReasonPacketTooLarge, session.ReasonInvalidPacket
	list := []hostile{
		{"1: one byte", false, sends([]byte{0}), ""},
		{"1: a split length", true, sends([]byte{0, 0, 0}), ""},
		{"7: a length of 4 GiB", true, sends([]byte{0xff, 0xff, 0xff, 0xff}), large},
		{"7: the same before the handshake", false, sends([]byte{0xff, 0xff, 0xff, 0xff}), large},
		{"7: a length that is allowed, and nothing more", true, sends(binary.BigEndian.AppendUint32(nil, hostileLimit)), ""},
		{"7: more than a stranger may send", false, sendsPacket(99, 0, filler(64<<10+1)), large},
		{"8: a zip bomb", true, sendsZipped(append([]byte{0xc6, 0, 0x20, 0, 0}, make([]byte, hostileLimit)...)), large},
		{"8: a stranger's zip bomb", false, sendsZipped(append([]byte{0xc6, 0, 1, 0, 0}, make([]byte, 64<<10)...)), large},
		{"8: an element bomb", true, sendsZipped(append(msgp.AppendArrayHeader(nil, 1<<20), bytes.Repeat([]byte{0x90}, 1<<20)...)), malformed},
		{"8: a large element bomb", true, sendsZipped(append(msgp.AppendArrayHeader(nil, 3<<19), bytes.Repeat([]byte{0xc0}, 3<<19)...)), malformed},
		{"14: a close", true, sendsPacket(packet.IDClose, 0, packet.AppendClose(nil, nil)), "None"},
		{"18: packets, and at once a close", true, func(p *rawPeer) {
			p.write(append(bytes.Repeat(wire.AppendFrame(nil, 65, 0, one), 200), wire.AppendFrame(nil, packet.IDClose, 0, packet.AppendClose(nil, ptr("bye")))...))
			_ = p.Close()
		}, "bye"},
		{"20: connects and is gone", false, func(p *rawPeer) { _ = p.Close() }, "None"},
		{"20: gone in a frame", true, func(p *rawPeer) { p.write([]byte{0, 0, 1}); _ = p.Close() }, "None"},
		{"22: an unknown connection type", false, sendsPacket(packet.IDSettype, 0, packet.AppendSettype(nil, "nosuch")), "unknownconntype"},
		{"24: a pong", false, func(p *rawPeer) {
			p.send(packet.IDSettype, packet.AppendSettype(nil, "ping"))
			p.send(packet.IDPong, one)
		}, "pinginvalidside"},
		{"35: packets before the handshake", false, sendsPacket(echoID, 0, one), ""},
		{"B: length 0", true, sends([]byte{0, 0, 0, 0}), malformed},
		{"B: a length below the header's", true, sends([]byte{0, 0, 0, 5, 0, 0, 0, 64, 0}), malformed},
		{"B: an empty body", true, sends([]byte{0, 0, 0, 6, 0, 0, 0, 64, 0, 0}), malformed},
		{"B: flag AES", true, sendsPacket(echoID, wire.FlagAES, one), malformed},
		{"B: bad zlib", true, sendsPacket(echoID, wire.FlagCompressed, []byte{1, 2, 3}), malformed},
		{"B: unknown flags", true, sendsPacket(65, 0x8000, one), ""},
		{"B: an unknown packet", true, sendsPacket(1<<30, 0, one), ""},
		{"B: a settype that is no map", false, sendsPacket(packet.IDSettype, 0, one), malformed},
		{"B: a settype of no text", false, sendsPacket(packet.IDSettype, 0, []byte("\x81\xa8conntype\x90")), malformed},
		{"B: HTTP", false, sends([]byte("GET / HTTP/1.1\r\n\r\n")), large},
		{"section 3: a server's packet", true, sendsPacket(packet.IDHandshake, 0, packet.AppendHandshake(nil, "", nil)), invalid},
		{"section 3: accepts twice", true, sendsPacket(packet.IDAccept, 0, packet.AppendAccept(nil)), invalid},
	}
	for name, body := range malformedBodies() {
		list = append(list,
			hostile{"B: " + name, true, sendsPacket(echoID, 0, body), malformed},
			hostile{"B: a stranger's " + name, false, sendsPacket(packet.IDSettype, 0, body), malformed},
			hostile{"B: compressed " + name, true, sendsZipped(body), malformed})
	}
	return list
}

// TestHostilePeers: whatever a peer does, it alone is closed, with a reason that it can read, the application sees and a
// counter counts, while a good one beside it goes on being served.
func TestHostilePeers(t *testing.T) {
	t.Parallel()
	for _, h := range hostiles() {
		t.Run(h.name, func(t *testing.T) {
			t.Parallel()
			server, record := listen(t, limits(endpoint.Limits{HandshakeTimeout: time.Minute, MaxPacket: hostileLimit}), func(opts *endpoint.ServerOptions) { opts.Ping = &session.PingAnswer{} })
			good := joinRaw(t, server)
			record.await(t, event.ServerHandshakeComplete, 1)
			bad := connectRaw(t, server)
			record.await(t, event.ServerAccept, 2)
			if h.joined {
				bad.shake()
				record.await(t, event.ServerHandshakeComplete, 2)
			}
			before := server.Stats().BytesReceived
			h.do(bad)
			ours := h.reason != "" && h.reason != "None" && h.reason != "bye"
			if ours {
				require.Equal(t, h.reason, bad.expectClose())
				bad.expectEnd()
			}
			if h.reason != "" {
				require.Equal(t, h.reason, text(record.await(t, event.ServerClose, 2).Reason))
			}
			if ours {
				require.EqualValues(t, 1, server.Stats().Closed[h.reason])
			}
			open := 1
			if h.reason == "" {
				open = 2
				require.Eventually(t, func() bool { return server.Stats().BytesReceived > before }, patience, time.Millisecond)
			}
			good.echoes(server, record, 1)
			require.Equal(t, open, server.Stats().Connections)
		})
	}
}

// TestHostileServers: a client whose server sends nonsense closes with the reason (section B: the reference's went deaf).
func TestHostileServers(t *testing.T) {
	t.Parallel()
	type serverCase struct {
		joined bool
		do     func(p *rawPeer)
		reason string
	}
	cases := map[string]serverCase{
		"1: one byte":                   {true, sends([]byte{0}), ""},
		"7: a length of 4 GiB":          {true, sends([]byte{0xff, 0xff, 0xff, 0xff}), "packettoolarge"},
		"8: a zip bomb":                 {true, sendsZipped(append([]byte{0xc6, 0, 0x20, 0, 0}, make([]byte, hostileLimit)...)), "packettoolarge"},
		"25: an id twice":               {false, sendsPacket(packet.IDHandshake, 0, packet.AppendHandshake(nil, "", []event.Registered{{Name: "x", ID: 64}, {Name: "y", ID: 64}})), "malformedpacket"},
		"25: a registry of 4 G entries": {false, sendsPacket(packet.IDHandshake, 0, []byte("\x82\xacprotoversion\x02\xa8registry\xdf\xff\xff\xff\xff")), "malformedpacket"},
		"another protocol":              {false, sendsPacket(packet.IDHandshake, 0, []byte("\x81\xacprotoversion\x07")), "protoversionmismatch"},
		"B: an unknown packet":          {true, sendsPacket(1<<30, 0, one), ""},
		"section 3: a second handshake": {true, sendsPacket(packet.IDHandshake, 0, packet.AppendHandshake(nil, "", nil)), "smartpacketinvalid"},
	}
	for name, body := range malformedBodies() {
		cases["B: "+name] = serverCase{true, sendsPacket(echoID, 0, body), "malformedpacket"}
		cases["B: early "+name] = serverCase{false, sendsPacket(packet.IDHandshake, 0, body), "malformedpacket"}
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, record, server := listenRaw(t).connect(func(opts *endpoint.ClientOptions) { opts.Limits.MaxPacket = hostileLimit })
			if c.joined {
				server.greet()
				record.await(t, event.ClientHandshakeComplete, 0)
			} else {
				server.send(packet.IDHello, packet.AppendHello(nil, "0.2.0"))
				server.expect(packet.IDSettype)
			}
			c.do(server)
			if c.reason == "" {
				require.NoError(t, client.Send(0, echo, one), "it is not deaf")
				require.Equal(t, one, server.expect(echoID))
				return
			}
			require.Equal(t, c.reason, server.expectClose())
			require.Equal(t, c.reason, text(record.await(t, event.ClientClose, 0).Reason))
			require.EqualValues(t, 1, client.Stats().Closed[c.reason])
		})
	}
}

// TestPingsWithoutReading: a peer that asks without a handshake, and does not read the answers, gets little memory for them.
func TestPingsWithoutReading(t *testing.T) {
	t.Parallel()
	budget := endpoint.NewBudget(1 << 30)
	server, record := listen(t, within(budget), func(opts *endpoint.ServerOptions) { opts.Ping = &session.PingAnswer{} })
	good := joinRaw(t, server)
	record.await(t, event.ServerHandshakeComplete, 1)
	bad := connectRaw(t, server)
	bad.send(packet.IDSettype, packet.AppendSettype(nil, "ping"))
	ping := wire.AppendFrame(nil, packet.IDPing, 0, filler(60<<10))
	most := int64(0)
	for err := error(nil); err == nil; _, err = bad.Write(ping) {
		most = max(most, budget.Used())
	}
	require.Equal(t, session.ReasonSendQueueFull, text(record.await(t, event.ServerClose, 2).Reason))
	require.Less(t, most, int64(2<<20))
	good.echoes(server, record, 1)
}

// TestSlowHandshake: a peer that sends a byte now and then costs others nothing, and goes when its time is up (defects 1, 10).
func TestSlowHandshake(t *testing.T) {
	t.Parallel()
	const limit = 3 * time.Second // in which the good one has to be ready on any machine
	server, record := listen(t, limits(endpoint.Limits{HandshakeTimeout: limit}))
	good := joinRaw(t, server)
	record.await(t, event.ServerHandshakeComplete, 1)
	drip := connectRaw(t, server)
	record.await(t, event.ServerAccept, 2)
	dripping := make(chan struct{})
	go func() {
		defer close(dripping)
		ticker := time.NewTicker(limit / 100)
		defer ticker.Stop()
		for _, b := range wire.AppendFrame(nil, packet.IDSettype, 0, append([]byte{0xda, 0xea, 0x60}, make([]byte, 60_000)...)) {
			<-ticker.C
			if _, err := drip.Write([]byte{b}); err != nil {
				return
			}
		}
	}()
	good.echoes(server, record, 1)
	require.Equal(t, session.ReasonHandshakeTimeout, text(record.await(t, event.ServerClose, 2).Reason))
	require.NoError(t, drip.Close())
	<-dripping
	good.echoes(server, record, 1)
}

// TestStingyPeers: a peer that does not end a frame, or reads nothing, costs others nothing, and goes when its time is up
// (defects 1, 9).
func TestStingyPeers(t *testing.T) {
	t.Parallel()
	const soon = 100 * time.Millisecond
	server, record := listen(t, limits(endpoint.Limits{FrameStallTimeout: soon, WriteStallTimeout: soon}),
		func(opts *endpoint.ServerOptions) { opts.Compression = plainOnly() })
	good := joinRaw(t, server)
	record.await(t, event.ServerHandshakeComplete, 1)

	stalled := joinRaw(t, server)
	record.await(t, event.ServerHandshakeComplete, 2)
	stalled.write([]byte{0, 0, 1})
	require.Equal(t, session.ReasonFrameTimeout, text(record.await(t, event.ServerClose, 2).Reason))

	joinRaw(t, server) // reads nothing more
	record.await(t, event.ServerHandshakeComplete, 3)
	require.NoError(t, server.Send(3, echo, filler(16<<20)))
	require.Equal(t, session.ReasonSendQueueFull, text(record.await(t, event.ServerClose, 3).Reason))
	good.echoes(server, record, 1)
}
