package sidecar

// Peers that do not read.

import (
	"io"
	"net"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	pb "github.com/pengbridge/pengbridge/api/pengbridge/v1"
	"github.com/pengbridge/pengbridge/core/packet"
	"github.com/pengbridge/pengbridge/core/wire"
)

// stuffed is a connection whose peer does not read, with bytes waiting for it.
type stuffed struct {
	conn net.Conn
}

// release lets the peer read, until the connection ends.
func (s *stuffed) release() {
	go func() { _, _ = io.Copy(io.Discard, s.conn) }()
}

// stuffable are options of a server for stuff: what it sends stays large, and does not fill the log.
func stuffable() *pb.EndpointOptions {
	return &pb.EndpointOptions{
		Compression: &pb.Compression{Disabled: true},
		Events:      &pb.EventOptions{OmitTypes: []pb.EventType{pb.EventType_EVENT_TYPE_SERVER_CONNECTION_SEND}},
	}
}

// joinDeaf connects a client that completes the handshake and then reads nothing.
func joinDeaf(t testing.TB, port string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", port))
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	frames := wire.AppendFrame(nil, packet.IDSettype, 0, packet.AppendSettype(nil, "classic"))
	frames = wire.AppendFrame(frames, packet.IDAccept, 0, packet.AppendAccept(nil))
	_, err = conn.Write(frames)
	require.NoError(t, err)
	return conn
}

// stuff connects another client to the server that reads nothing, and sends to it until something stays in its queue.
func stuff(t testing.TB, s *served) *stuffed {
	t.Helper()
	conn := joinDeaf(t, strconv.Itoa(int(onlyEndpoint(t, s.client).GetAddress().GetPort())))
	id := s.events.await(t, pb.EventType_EVENT_TYPE_SERVER_CONNECTION_HANDSHAKECOMPLETE).GetConnectionId()
	body := msgpackBody("\xc6\x00\x10\x00\x00" + strings.Repeat("\x5a", 1<<20)) // 1 MiB of bin
	require.Eventually(t, func() bool {
		_, err := s.client.SendMessage(testContext(t), &pb.SendMessageRequest{EndpointId: s.id, Message: echo(id, body)})
		require.NoError(t, err)
		listed, err := s.client.ListConnections(testContext(t), &pb.ListConnectionsRequest{EndpointId: s.id, AfterConnectionId: id - 1})
		require.NoError(t, err)
		return listed.GetConnections()[0].GetQueuedBytes() > 1<<20
	}, patience, tick)
	return &stuffed{conn}
}
