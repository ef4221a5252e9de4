package endpoint_test

import (
	"context"
	"io"
	"net"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pengbridge/pengbridge/core/endpoint"
	"github.com/pengbridge/pengbridge/core/event"
	"github.com/pengbridge/pengbridge/core/packet"
	"github.com/pengbridge/pengbridge/core/wire"
)

// counter is a sink that counts the packets of the application, and tells when there are enough.
type counter struct {
	received atomic.Int64
	shaken   atomic.Int64
	closed   atomic.Int64
	changed  chan struct{}
}

func newCounter() *counter { return &counter{changed: make(chan struct{}, 1)} }

// Append implements event.Sink.
func (c *counter) Append(events []event.Event) {
	for i := range events {
		switch ev := &events[i]; {
		case ev.Type == event.ServerRecv && ev.PacketID == echoID:
			c.received.Add(1)
		case ev.Type == event.ServerHandshakeComplete:
			c.shaken.Add(1)
		case ev.Type == event.ServerClose:
			c.closed.Add(1)
		}
	}
	select {
	case c.changed <- struct{}{}:
	default:
	}
}

// wait waits until a number has been reached.
func (c *counter) wait(number *atomic.Int64, n int64) {
	for number.Load() < n {
		<-c.changed
	}
}

func benchServer(b *testing.B) (*endpoint.Server, *counter) {
	count := newCounter()
	server, err := endpoint.Listen(context.Background(), "127.0.0.1:0", endpoint.ServerOptions{Options: endpoint.Options{
		Packets: appTypes, Events: count, Budget: endpoint.NewBudget(1 << 30),
	}})
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, server.Stop()) })
	return server, count
}

// join connects a peer and completes its handshake.
func join(b *testing.B, server *endpoint.Server) *net.TCPConn {
	p := connectRaw(b, server)
	p.shake()
	return p.Conn.(*net.TCPConn)
}

// BenchmarkSend: packets of 64 bytes to a peer that reads, each written at once, with their send events.
func BenchmarkSend(b *testing.B) {
	server, count := benchServer(b)
	peer := join(b, server)
	count.wait(&count.shaken, 1)
	go func() { _, _ = io.Copy(io.Discard, peer) }()
	body := filler(64)
	b.SetBytes(74)
	b.ReportAllocs()
	for b.Loop() {
		if err := server.Send(1, echo, body); err != nil {
			b.Fatal(err)
		}
	}
	_ = peer.Close()
}

// BenchmarkBatch: the same in batches of 256; one operation is one packet.
func BenchmarkBatch(b *testing.B) {
	server, count := benchServer(b)
	peer := join(b, server)
	count.wait(&count.shaken, 1)
	go func() { _, _ = io.Copy(io.Discard, peer) }()
	body := filler(64)
	batch := server.Batch()
	b.SetBytes(74)
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		if err := batch.Send(1, echo, body); err != nil {
			b.Fatal(err)
		}
		if n++; n%256 == 0 {
			batch.Flush()
			if n%(256*64) == 0 { // or a fast writer overruns a peer that shares its cores
				require.NoError(b, server.Flush(context.Background()))
			}
		}
	}
	batch.Flush()
	_ = peer.Close()
}

// BenchmarkReceive: packets of 64 bytes from a peer that writes as much as it can; one operation is one packet.
func BenchmarkReceive(b *testing.B) {
	server, count := benchServer(b)
	peer := join(b, server)
	var burst []byte
	const packets = 1000
	for range packets {
		burst = wire.AppendFrame(burst, echoID, 0, filler(64))
	}
	b.SetBytes(74)
	b.ReportAllocs()
	sent := int64(0)
	b.ResetTimer()
	for left := b.N; left > 0; left -= packets {
		n := min(left, packets)
		_, err := peer.Write(burst[:len(burst)/packets*n])
		require.NoError(b, err)
		sent += int64(n)
	}
	count.wait(&count.received, sent)
	b.StopTimer()
	_ = peer.Close()
}

// BenchmarkBroadcast: one packet of 64 bytes to 1000 peers that read, by their ids or without naming them; one operation is one
// broadcast.
func BenchmarkBroadcast(b *testing.B) {
	const peers = 1000
	server, count := benchServer(b)
	for range peers {
		peer := join(b, server)
		go func() {
			_, _ = io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{peer}, make([]byte, 512))
		}()
		b.Cleanup(func() { _ = peer.Close() })
	}
	count.wait(&count.shaken, peers)
	body := filler(64)
	ids := make([]uint64, peers)
	for i := range ids {
		ids[i] = uint64(i + 1)
	}
	for name, target := range map[string]endpoint.Target{"all": {}, "named": {Conns: ids}} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				result, err := server.Broadcast(target, echo, body)
				if err != nil || result.Queued != peers {
					b.Fatal(result, err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/peers, "ns/peer")
		})
	}
}

// BenchmarkHandshake: a peer connects, completes the handshake and leaves.
func BenchmarkHandshake(b *testing.B) {
	server, count := benchServer(b)
	goodbye := wire.AppendFrame(wire.AppendFrame(nil, packet.IDSettype, 0, packet.AppendSettype(nil, "classic")), packet.IDAccept, 0, packet.AppendAccept(nil))
	goodbye = wire.AppendFrame(goodbye, packet.IDClose, 0, packet.AppendClose(nil, nil))
	b.ReportAllocs()
	n := int64(0)
	for b.Loop() {
		nc, err := net.Dial("tcp", address(server.Addr()))
		require.NoError(b, err)
		_, err = nc.Write(goodbye) // without waiting for the answers: the server takes them in this order
		require.NoError(b, err)
		n++
		count.wait(&count.closed, n)
		_ = nc.Close()
	}
	require.Equal(b, n, count.shaken.Load())
}
