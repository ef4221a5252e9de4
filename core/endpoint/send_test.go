package endpoint_test

import (
	"bytes"
	"encoding/binary"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pengbridge/pengbridge/core/endpoint"
	"github.com/pengbridge/pengbridge/core/event"
	"github.com/pengbridge/pengbridge/core/packet"
	"github.com/pengbridge/pengbridge/core/session"
	"github.com/pengbridge/pengbridge/core/wire"
)

// TestSendErrors: what is wrong with a send is said at once, and nothing goes out.
func TestSendErrors(t *testing.T) {
	server, record := listen(t, limits(endpoint.Limits{MaxPacket: 1000}), func(opts *endpoint.ServerOptions) {
		opts.Packets = append([]packet.Type{{Name: "app:later", Rule: &packet.Rule{State: 65}}}, appTypes...)
	})
	begun := connectRaw(t, server)
	begun.expect(packet.IDHello)
	active := joinRaw(t, server)
	record.count(t, event.ServerHandshakeComplete, 1)
	var invalid *packet.InvalidError
	for _, test := range []struct {
		conn uint64
		ref  packet.Ref
		body []byte
		want any
	}{
		{1, packet.Name("app:echo"), one, endpoint.ErrNotActive}, // defect 35
		{2, packet.Name("app:nosuch"), one, packet.ErrUnknown},
		{2, packet.ID(99), one, packet.ErrUnknown},
		{2, packet.ID(packet.IDClose), one, &invalid},
		{2, packet.Name("app:later"), one, endpoint.ErrRefused},
		{3, packet.Name("app:echo"), one, endpoint.ErrUnknownConn},
		{0, packet.Name("app:echo"), one, endpoint.ErrUnknownConn},
		{2, packet.Name("app:echo"), nil, packet.ErrMalformedBody},
		{2, packet.Name("app:echo"), []byte{1, 2}, packet.ErrMalformedBody},
		{2, packet.Name("app:echo"), []byte{0x81, 1, 2}, packet.ErrMalformedBody}, // section B: what would kill a receiver
		{2, packet.Name("app:echo"), filler(1001), wire.ErrTooLarge},
	} {
		err := server.Send(test.conn, test.ref, test.body)
		if target, ok := test.want.(error); ok {
			require.ErrorIs(t, err, target)
		} else {
			require.ErrorAs(t, err, test.want)
		}
		require.Equal(t, err.Error(), server.Batch().Send(test.conn, test.ref, test.body).Error())
	}
	require.NoError(t, server.Send(2, packet.Name("app:other"), one))
	require.Equal(t, one, active.expect(66))
	require.NoError(t, server.Update(2, endpoint.Update{Changes: session.Changes{State: ptr(uint32(65))}}))
	require.NoError(t, server.Send(2, packet.Name("app:later"), one))
	require.Equal(t, one, active.expect(64))
}

// TestARefusedSendThatCloses names the state that the rule looked at, not the one after the close.
func TestARefusedSendThatCloses(t *testing.T) {
	server, record := listen(t, func(opts *endpoint.ServerOptions) {
		opts.Packets = append([]packet.Type{{Name: "app:later", Rule: &packet.Rule{State: 65, Action: packet.Close}}}, appTypes...)
	})
	p := joinRaw(t, server)
	record.await(t, event.ServerHandshakeComplete, 1)
	err := server.Send(1, packet.Name("app:later"), one)
	require.ErrorIs(t, err, endpoint.ErrRefused)
	require.ErrorContains(t, err, "in state 64")
	require.Equal(t, "smartpacketinvalid", p.expectClose())
}

// TestLargeBodies arrive whole, both ways, compressed or not (defect 9).
func TestLargeBodies(t *testing.T) {
	for size, compression := range map[int]*wire.Compression{2 << 20: nil, 16 << 20: plainOnly()} {
		body := filler(size)
		server, atServer := listen(t, func(opts *endpoint.ServerOptions) { opts.Compression = compression })
		client, atClient := dial(t, server, func(opts *endpoint.ClientOptions) { opts.Compression = compression })
		atServer.await(t, event.ServerHandshakeComplete, 1)
		require.NoError(t, server.Send(1, echo, body))
		require.NoError(t, server.Send(1, echo, one))
		require.NoError(t, client.Send(0, echo, body))
		require.NoError(t, client.Send(0, echo, one))
		atServer.count(t, event.ServerRecv, 4)
		atClient.count(t, event.ClientRecv, 4)
		for _, received := range [][]event.Event{ofType(atServer.all(), event.ServerRecv)[2:], ofType(atClient.all(), event.ClientRecv)[2:]} {
			require.True(t, bytes.Equal(body, received[0].Body))
			require.Equal(t, one, received[1].Body)
		}
	}
}

// TestByteByByte: frames that come one byte at a time, on both sides (defect 1).
func TestByteByByte(t *testing.T) {
	server, record := listen(t)
	p := joinRaw(t, server)
	other := joinRaw(t, server)
	record.count(t, event.ServerHandshakeComplete, 2)
	frame := wire.AppendFrame(wire.AppendFrame(nil, echoID, 0, filler(40)), echoID, 0, one)
	for i := range frame {
		p.write(frame[i : i+1])
		if i == 2 {
			other.echoes(server, record, 2) // three bytes of a length stop nobody
		}
	}
	record.until(t, "both packets", func(events []event.Event) bool {
		n := 0
		for _, ev := range ofType(events, event.ServerRecv) {
			if ev.Conn == 1 && ev.PacketID == echoID {
				n++
			}
		}
		return n == 2
	})
}

// TestSendFromManyGoroutines: nothing is lost, doubled, or out of a sender's order (defects 3 and 34).
func TestSendFromManyGoroutines(t *testing.T) {
	const senders, each = 4, 500
	server, atServer := listen(t)
	client, _ := dial(t, server)
	var sending sync.WaitGroup
	for s := range senders {
		sending.Go(func() {
			batch := client.Batch()
			for i := range each {
				body := binary.BigEndian.AppendUint32([]byte{0xce}, uint32(s*each+i))
				if s%2 == 0 {
					_ = client.Send(0, echo, body)
					continue
				}
				_ = batch.Send(0, echo, body)
				if i%7 == 0 {
					batch.Flush()
				}
			}
			batch.Flush()
		})
	}
	sending.Wait()
	atServer.count(t, event.ServerRecv, 2+senders*each)
	next := make([]int, senders)
	for _, ev := range ofType(atServer.all(), event.ServerRecv)[2:] {
		n := int(binary.BigEndian.Uint32(ev.Body[1:]))
		require.Equal(t, next[n/each], n%each)
		next[n/each]++
	}
	require.NoError(t, client.Stop())
	require.Len(t, ofType(atServer.all(), event.ServerRecv)[2:][:senders*each], senders*each)
}

// TestEchoBursts: bursts whose frames end anywhere in a read are answered whole (defects 1 and 3: stalls in bursts).
func TestEchoBursts(t *testing.T) {
	server, record := listen(t)
	client, atClient := dial(t, server)
	record.await(t, event.ServerHandshakeComplete, 1)
	sent := 0
	for _, burst := range []int{1, 2, 32, 48, 64, 128, 500} {
		for range burst {
			require.NoError(t, client.Send(0, echo, filler(52))) // frames of 62 bytes
		}
		for range burst {
			require.NoError(t, server.Send(1, echo, filler(52)))
		}
		sent += burst
		record.count(t, event.ServerRecv, 2+sent)
		atClient.count(t, event.ClientRecv, 2+sent)
	}
}

// TestBatchWaitsForFlush: packets of a batch leave together; a full batch leaves by itself, however small the queue.
func TestBatchWaitsForFlush(t *testing.T) {
	t.Parallel()
	server, record := listen(t, limits(endpoint.Limits{SendQueue: 4 << 10}), func(opts *endpoint.ServerOptions) { opts.Compression = plainOnly() })
	p := joinRaw(t, server)
	record.await(t, event.ServerHandshakeComplete, 1)
	sent := server.Stats().BytesSent
	batch := server.Batch()
	require.NoError(t, batch.Send(1, echo, one))
	require.NoError(t, batch.Send(1, echo, []byte{2}))
	require.Equal(t, sent, server.Stats().BytesSent)
	require.Equal(t, 2*11, server.Conns(0, 1)[0].Queued)
	batch.Flush()
	batch.Flush() // of nothing
	require.Equal(t, one, p.expect(echoID))
	require.Equal(t, []byte{2}, p.expect(echoID))
	read := discard(p)
	for range 200 { // far more than the queue takes: the batch is not taken for a peer that does not read
		require.NoError(t, batch.Send(1, echo, filler(1000)))
	}
	batch.Flush()
	require.NoError(t, server.Flush(t.Context()))
	require.NoError(t, server.CloseConn(1, nil))
	require.Greater(t, <-read, int64(200*1000))
}

// TestFlush waits until the kernel has everything, forgotten batches included, and no longer than its context.
func TestFlush(t *testing.T) {
	t.Parallel()
	server, record := listen(t, func(opts *endpoint.ServerOptions) { opts.Compression = plainOnly() })
	require.NoError(t, server.Flush(t.Context()), "nothing to wait for")
	p := joinRaw(t, server)
	record.await(t, event.ServerHandshakeComplete, 1)
	require.NoError(t, server.Batch().Send(1, echo, one))
	require.NoError(t, server.Flush(t.Context()))
	require.Equal(t, one, p.expect(echoID))
	for range 16 {
		require.NoError(t, server.Send(1, echo, filler(1<<20)))
	}
	over, cancel := contextFor(t, 20*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, server.Flush(over), over.Err())
	flushed := make(chan error, 1)
	go func() { flushed <- server.Flush(t.Context()) }()
	read := discard(p)
	require.NoError(t, <-flushed)
	require.Zero(t, server.Conns(0, 1)[0].Queued)
	require.NoError(t, server.CloseConn(1, nil))
	require.Greater(t, <-read, int64(16<<20))
}

// TestWriterLeavesNoDeadline: a connection whose peer was slow once works when the writer's deadline is long over. On a busy
// machine the test itself may be too slow a peer; then it allows more time.
func TestWriterLeavesNoDeadline(t *testing.T) {
	t.Parallel()
	for stall := 300 * time.Millisecond; !outlivesDeadline(t, stall); stall *= 3 {
		require.Less(t, stall, time.Minute, "the connection was closed although its peer read")
	}
}

// outlivesDeadline reports whether the test was quick enough to find something out.
func outlivesDeadline(t *testing.T, stall time.Duration) bool {
	server, record := listen(t, limits(endpoint.Limits{WriteStallTimeout: stall}), func(opts *endpoint.ServerOptions) { opts.Compression = plainOnly() })
	p := joinRaw(t, server)
	record.await(t, event.ServerHandshakeComplete, 1)
	const packets = 16
	body := filler(1 << 20)
	for range packets {
		if server.Send(1, echo, body) != nil {
			return false
		}
	}
	if conns := server.Conns(0, 1); len(conns) == 0 || conns[0].Queued == 0 {
		return false // there has to be something for the writer
	}
	for range packets {
		if pkt, err := p.next(); err != nil || pkt.ID != echoID {
			return false
		}
	}
	require.NoError(t, server.Flush(t.Context()))
	passes(t, stall)
	require.NoError(t, server.Send(1, echo, one))
	require.Equal(t, one, p.expect(echoID))
	return true
}

// TestDeafPeer: a peer that does not read is cut when its queue overflows, or when it takes nothing for too long. Others
// are not held up by it.
func TestDeafPeer(t *testing.T) {
	t.Parallel()
	for name, l := range map[string]endpoint.Limits{
		"overflow": {SendQueue: 2 << 20},
		"stall":    {WriteStallTimeout: 100 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			server, record := listen(t, limits(l), func(opts *endpoint.ServerOptions) { opts.Compression = plainOnly() })
			joinRaw(t, server)
			good := joinRaw(t, server)
			record.count(t, event.ServerHandshakeComplete, 2)
			body := filler(1 << 20)
			var err error
			for range 20 {
				if err = server.Send(1, echo, body); err != nil {
					break
				}
			}
			if name == "overflow" {
				require.ErrorIs(t, err, endpoint.ErrQueueFull)
			}
			good.echoes(server, record, 2)
			require.Equal(t, "sendqueuefull", text(record.await(t, event.ServerClose, 1).Reason))
			require.ErrorIs(t, server.Send(1, echo, one), endpoint.ErrUnknownConn)
		})
	}
}

// TestGreedyPinger: who asks and never reads the answers costs a queue, and no more.
func TestGreedyPinger(t *testing.T) {
	server, record := listen(t, limits(endpoint.Limits{SendQueue: 1 << 20}), func(opts *endpoint.ServerOptions) {
		opts.Ping = &session.PingAnswer{Data: append([]byte("\x81\xa4data"), filler(32<<10)...)}
		opts.Compression = plainOnly()
	})
	p := connectRaw(t, server)
	p.expect(packet.IDHello)
	p.send(packet.IDSettype, packet.AppendSettype(nil, session.ConntypePing))
	var burst []byte
	for range 1000 {
		burst = wire.AppendFrame(burst, packet.IDPing, 0, one)
	}
	p.write(burst)
	require.Equal(t, "sendqueuefull", text(record.await(t, event.ServerClose, 1).Reason))
}

// TestRegisterWhileRunning: packets registered later are known to later clients; all of them, or none.
func TestRegisterWhileRunning(t *testing.T) {
	server, record := listen(t)
	added, err := server.RegisterPackets([]packet.Type{{Name: "app:new"}, {Name: "app:fixed", ID: 90}})
	require.NoError(t, err)
	require.Equal(t, []uint32{66, 90}, []uint32{added[0].ID, added[1].ID})
	_, err = server.RegisterPackets([]packet.Type{{Name: "app:newer"}, {Name: "app:new"}})
	require.ErrorIs(t, err, packet.ErrExists)
	client, _ := dial(t, server, func(opts *endpoint.ClientOptions) {
		opts.Packets = append([]packet.Type{{Name: "app:fixed"}, {Name: "app:new"}}, appTypes...)
	})
	require.Equal(t, server.Registry(), client.Registry())
	require.NoError(t, client.Send(0, packet.Name("app:fixed"), one))
	record.until(t, "app:fixed", func(events []event.Event) bool { return events[len(events)-1].Packet == "app:fixed" })
	require.NoError(t, server.RegisterConntypes([]session.Conntype{{Name: "app:type", Handshake: session.HandshakeNone}}))
	require.ErrorIs(t, server.RegisterConntypes([]session.Conntype{{Name: "app:type"}}), packet.ErrExists)
}

// TestCompressionChanges take effect with the next packet.
func TestCompressionChanges(t *testing.T) {
	server, record := listen(t)
	p := joinRaw(t, server)
	record.await(t, event.ServerHandshakeComplete, 1)
	body := append([]byte{0xc5, 0x4e, 0x20}, make([]byte, 20000)...)
	for _, c := range []wire.Compression{{Disabled: true}, wire.DefaultCompression(), {Threshold: 20003}, {Threshold: 20002, Level: 1}} {
		require.NoError(t, server.SetCompression(c))
		before := server.Stats().BytesSent
		require.NoError(t, server.Send(1, echo, body))
		require.Equal(t, body, p.expect(echoID))
		shrunk := server.Stats().BytesSent-before < 10000
		require.Equal(t, !c.Disabled && c.Threshold < len(body), shrunk)
	}
	var invalid *packet.InvalidError
	require.ErrorAs(t, server.SetCompression(wire.Compression{Level: 10}), &invalid)
}

// TestCounters: what Stats and Conns say.
func TestCounters(t *testing.T) {
	server, record := listen(t)
	client, _ := dial(t, server)
	record.await(t, event.ServerHandshakeComplete, 1)
	require.NoError(t, client.Send(0, echo, one))
	record.count(t, event.ServerRecv, 3)
	conns := server.Conns(0, 10)
	require.Len(t, conns, 1)
	require.EqualValues(t, 1, conns[0].ID)
	require.Equal(t, client.Local, conns[0].Remote)
	require.Equal(t, packet.Conn{State: session.StateActive, Conntype: "classic"}, conns[0].View)
	stats := server.Stats()
	require.EqualValues(t, 3, stats.PacketsReceived)
	require.EqualValues(t, 2, stats.PacketsSent)
	require.Equal(t, stats.BytesReceived, conns[0].BytesReceived)
	require.Equal(t, stats.BytesSent, client.Stats().BytesReceived)
	require.Equal(t, 1, stats.Connections)
	require.Empty(t, server.Conns(1, 10))
	require.Empty(t, server.Conns(0, 0))
	require.Len(t, client.Conns(0, 10), 1)
}
