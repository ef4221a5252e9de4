package endpoint_test

// Packets that wait: for a batch's Flush, for the kernel, for a peer that does not read.

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pengbridge/pengbridge/core/endpoint"
	"github.com/pengbridge/pengbridge/core/event"
	"github.com/pengbridge/pengbridge/core/packet"
	"github.com/pengbridge/pengbridge/core/session"
	"github.com/pengbridge/pengbridge/core/wire"
)

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

// TestDeafPeerOfBroadcasts: the same for packets to many, whether they are recorded or not.
func TestDeafPeerOfBroadcasts(t *testing.T) {
	t.Parallel()
	for _, recorded := range []bool{true, false} {
		t.Run(fmt.Sprint("recorded: ", recorded), func(t *testing.T) {
			server, record := listen(t, limits(endpoint.Limits{SendQueue: 2 << 20}), func(opts *endpoint.ServerOptions) {
				opts.Compression = plainOnly()
				opts.Omit = func(typ event.Type) bool { return typ == event.ServerSend && !recorded }
			})
			joinRaw(t, server)
			good := joinRaw(t, server)
			record.count(t, event.ServerHandshakeComplete, 2)
			target, body := endpoint.Target{Conns: []uint64{1}}, filler(1<<20)
			var result endpoint.BroadcastResult
			for sent := 0; len(result.Skipped) == 0; sent++ {
				require.Less(t, sent, 100, "more was taken than fits into the queue and the sockets")
				var err error
				result, err = server.Broadcast(target, echo, body)
				require.NoError(t, err)
			}
			require.Equal(t, endpoint.BroadcastResult{Skipped: []uint64{1}}, result)
			require.Equal(t, "sendqueuefull", text(record.await(t, event.ServerClose, 1).Reason))
			good.echoes(server, record, 2)
		})
	}
}

// TestGreedyPinger: a peer that asks and never reads the answers costs a queue, and no more.
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
