package endpoint_test

import (
	"bytes"
	"encoding/binary"
	"sync"
	"testing"

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
