package session_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pengbridge/pengbridge/core/event"
	"github.com/pengbridge/pengbridge/core/packet"
	"github.com/pengbridge/pengbridge/core/session"
)

var (
	helloBody     = packet.AppendHello(nil, "0.2.0")
	settypeBody   = packet.AppendSettype(nil, "classic")
	acceptBody    = packet.AppendAccept(nil)
	handshakeBody = packet.AppendHandshake(nil, "0.2.0", []event.Registered{
		{Name: "app:a", ID: 64},
		{Name: packet.NameHello, ID: 1}, {Name: packet.NameSettype, ID: 2}, {Name: packet.NameHandshake, ID: 3},
		{Name: packet.NameAccept, ID: 4}, {Name: packet.NameClose, ID: 16},
	})
	refusal  = []byte("\x81\xa7success\xc2")
	empty    = []byte{0x80}
	appTypes = []packet.Type{{Name: "app:a"}}
)

const (
	serverRecv = "peng3dnet:server.connection.recv "
	serverSend = "peng3dnet:server.connection.send "
	clientRecv = "peng3dnet:client.recv "
	clientSend = "peng3dnet:client.send "
)

// TestTransitions sends every internal packet in every phase to both sides (protocol, section 3).
func TestTransitions(t *testing.T) {
	const invalid = "smartpacketinvalid"
	for _, test := range []struct {
		name    string
		side    packet.Side
		at      stage
		id      uint32
		body    []byte
		events  []string // that follow; closeconn and close are understood where there is a reason
		answers []uint32
		reason  string // "": the connection goes on
		active  bool
	}{
		{name: "settype", side: packet.ServerSide, at: begun, id: 2, body: settypeBody,
			events:  []string{serverRecv + packet.NameSettype, serverSend + packet.NameHandshake},
			answers: []uint32{3}},
		{name: "settype without a type is classic", side: packet.ServerSide, at: begun, id: 2, body: empty,
			events:  []string{serverRecv + packet.NameSettype, serverSend + packet.NameHandshake},
			answers: []uint32{3}},
		{name: "second settype is ignored", side: packet.ServerSide, at: shaking, id: 2, body: settypeBody,
			events: []string{serverRecv + packet.NameSettype + " refused"}},
		{name: "late settype is ignored", side: packet.ServerSide, at: connected, id: 2, body: settypeBody,
			events: []string{serverRecv + packet.NameSettype + " refused"}, active: true},
		{name: "accept", side: packet.ServerSide, at: shaking, id: 4, body: acceptBody,
			events: []string{serverRecv + packet.NameAccept, "peng3dnet:server.connection.handshakecomplete"}, active: true},
		{name: "accept without success changes nothing", side: packet.ServerSide, at: shaking, id: 4, body: refusal,
			events: []string{serverRecv + packet.NameAccept}},
		{name: "early accept", side: packet.ServerSide, at: begun, id: 4, body: acceptBody,
			events: []string{serverRecv + packet.NameAccept + " refused"}, reason: invalid},
		{name: "second accept", side: packet.ServerSide, at: connected, id: 4, body: acceptBody,
			events: []string{serverRecv + packet.NameAccept + " refused"}, reason: invalid},
		{name: "hello to a server is ignored", side: packet.ServerSide, at: begun, id: 1, body: helloBody,
			events: []string{serverRecv + packet.NameHello + " refused"}},
		{name: "handshake to a server", side: packet.ServerSide, at: shaking, id: 3, body: handshakeBody,
			events: []string{serverRecv + packet.NameHandshake + " refused"}, reason: invalid},
		{name: "unknown internal id is ignored", side: packet.ServerSide, at: begun, id: 63, body: empty,
			events: []string{"peng3dnet:server.connection.recv refused"}},
		{name: "id 0 is ignored", side: packet.ServerSide, at: connected, id: 0, body: empty,
			events: []string{"peng3dnet:server.connection.recv refused"}, active: true},

		{name: "hello", side: packet.ClientSide, at: begun, id: 1, body: helloBody,
			events:  []string{clientRecv + packet.NameHello, clientSend + packet.NameSettype},
			answers: []uint32{2}},
		{name: "second hello is ignored", side: packet.ClientSide, at: shaking, id: 1, body: helloBody,
			events: []string{clientRecv + packet.NameHello + " refused"}},
		{name: "handshake", side: packet.ClientSide, at: shaking, id: 3, body: handshakeBody,
			events:  []string{clientRecv + packet.NameHandshake, clientSend + packet.NameAccept, "peng3dnet:client.handshakecomplete"},
			answers: []uint32{4}, active: true},
		{name: "early handshake", side: packet.ClientSide, at: begun, id: 3, body: handshakeBody,
			events: []string{clientRecv + packet.NameHandshake + " refused"}, reason: invalid},
		{name: "second handshake", side: packet.ClientSide, at: connected, id: 3, body: handshakeBody,
			events: []string{clientRecv + packet.NameHandshake + " refused"}, reason: invalid},
		{name: "settype to a client is ignored", side: packet.ClientSide, at: connected, id: 2, body: settypeBody,
			events: []string{clientRecv + packet.NameSettype + " refused"}, active: true},
		{name: "accept to a client", side: packet.ClientSide, at: shaking, id: 4, body: acceptBody,
			events: []string{clientRecv + packet.NameAccept + " refused"}, reason: invalid},
		{name: "unknown internal id to a client", side: packet.ClientSide, at: connected, id: 17, body: empty,
			events: []string{"peng3dnet:client.recv refused"}, active: true},
		{name: "other protocol version in hello", side: packet.ClientSide, at: begun, id: 1, body: []byte("\x81\xacprotoversion\x01"),
			events: []string{clientRecv + packet.NameHello}, reason: "protoversionmismatch"},
		{name: "other protocol version in handshake", side: packet.ClientSide, at: shaking, id: 3, body: []byte("\x81\xacprotoversion\x03"),
			events: []string{clientRecv + packet.NameHandshake}, reason: "protoversionmismatch"},
		{name: "unknown conntype (defect 22)", side: packet.ServerSide, at: begun, id: 2, body: packet.AppendSettype(nil, "nosuch"),
			events: []string{serverRecv + packet.NameSettype}, reason: "unknownconntype"},
		{name: "settype that is no map", side: packet.ServerSide, at: begun, id: 2, body: []byte{0x01},
			events: []string{serverRecv + packet.NameSettype}, reason: "malformedpacket"},
		{name: "conntype that is no text", side: packet.ServerSide, at: begun, id: 2, body: []byte("\x81\xa8conntype\x90"),
			events: []string{serverRecv + packet.NameSettype}, reason: "malformedpacket"},
		{name: "accept that is no map", side: packet.ServerSide, at: shaking, id: 4, body: []byte{0xc0},
			events: []string{serverRecv + packet.NameAccept}, reason: "malformedpacket"},
		{name: "hello that is no map", side: packet.ClientSide, at: begun, id: 1, body: []byte{0x90},
			events: []string{clientRecv + packet.NameHello}, reason: "malformedpacket"},
		{name: "handshake without a registry", side: packet.ClientSide, at: shaking, id: 3, body: []byte("\x81\xacprotoversion\x02"),
			events: []string{clientRecv + packet.NameHandshake}, reason: "malformedpacket"},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := newPeer(t, test.side, appTypes).advance(test.at)
			p.receive(packed(test.id, test.body))
			want, answers := test.events, test.answers
			if test.reason != "" {
				want, answers = append(want, closeEvents(test.side, test.reason)...), []uint32{packet.IDClose}
				require.Equal(t, test.reason, p.reason())
			} else {
				require.False(t, p.session.Closing())
			}
			require.Equal(t, want, p.events)
			require.Equal(t, answers, ids(t, p.take()))
			require.Equal(t, test.active, p.session.Active())
		})
	}
}

// closeEvents are the events of a close from our side.
func closeEvents(side packet.Side, reason string) []string {
	if side == packet.ServerSide {
		return []string{serverSend + packet.NameClose, "peng3dnet:server.connection.close " + reason}
	}
	return []string{clientSend + packet.NameClose, "peng3dnet:client.close " + reason}
}

// TestEventOrder: one whole connection, with the orders that applications may rely on.
func TestEventOrder(t *testing.T) {
	server := newPeer(t, packet.ServerSide, appTypes)
	client := newPeer(t, packet.ClientSide, appTypes)
	converse(server, client)
	require.NoError(t, client.send(packet.Name("app:a"), []byte{1}))
	converse(server, client)
	require.NoError(t, server.send(packet.ID(64), []byte{2}))
	server.close(ptr("kicked"))
	converse(server, client)
	require.Equal(t, []string{
		"peng3dnet:server.connection.accept",
		serverSend + packet.NameHello,
		serverRecv + packet.NameSettype,
		serverSend + packet.NameHandshake,
		serverRecv + packet.NameAccept,
		"peng3dnet:server.connection.handshakecomplete",
		serverRecv + "app:a",
		serverSend + "app:a",
		serverSend + packet.NameClose,
		"peng3dnet:server.connection.close kicked",
	}, server.events)
	require.Equal(t, []string{
		clientRecv + packet.NameHello,
		clientSend + packet.NameSettype,
		clientRecv + packet.NameHandshake,
		clientSend + packet.NameAccept,
		"peng3dnet:client.handshakecomplete",
		clientSend + "app:a",
		clientRecv + "app:a",
		clientRecv + packet.NameClose,
		"peng3dnet:client.close kicked",
	}, client.events)
}

func state(n uint32) session.Changes { return session.Changes{State: &n} }

// TestStates: what rules and applications see of a connection's progress.
func TestStates(t *testing.T) {
	s := newPeer(t, packet.ServerSide, appTypes)
	require.Equal(t, packet.Conn{State: session.StateTypeWait, Conntype: session.ConntypeNotSet}, s.session.View())
	s.receive(packed(packet.IDSettype, settypeBody))
	require.Equal(t, packet.Conn{State: session.StateHandshakeWait, Conntype: session.ConntypeClassic}, s.session.View())
	require.ErrorIs(t, s.session.Set(state(65)), session.ErrNotActive)
	require.NoError(t, s.session.Set(session.Changes{Mode: ptr(uint32(3))}))
	s.receive(packed(packet.IDAccept, acceptBody))
	require.Equal(t, packet.Conn{State: session.StateActive, Mode: 3, Conntype: session.ConntypeClassic}, s.session.View())
	require.NoError(t, s.session.Set(state(65)))
	require.True(t, s.session.Active(), "the application's state is not the protocol's")
	for _, wrong := range []uint32{0, 1, 63, session.StateClosed} {
		var invalid *packet.InvalidError
		require.ErrorAs(t, s.session.Set(state(wrong)), &invalid)
		require.Equal(t, "state", invalid.Field)
	}
	s.close(nil)
	require.Equal(t, session.StateClosed, s.session.View().State)
	require.ErrorIs(t, s.session.Set(state(65)), session.ErrClosed)
	require.ErrorIs(t, s.session.Set(session.Changes{Mode: ptr(uint32(3))}), session.ErrClosed)

	c := newPeer(t, packet.ClientSide, appTypes)
	require.Equal(t, packet.Conn{State: session.StateHelloWait, Conntype: session.ConntypeNotSet}, c.session.View())
	c.receive(packed(packet.IDHello, helloBody))
	require.Equal(t, packet.Conn{State: session.StateHandshakeWait, Conntype: session.ConntypeClassic}, c.session.View(), "defect 26")
}
