package session_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pengbridge/pengbridge/core/packet"
	"github.com/pengbridge/pengbridge/core/session"
)

func declare(handshake session.Handshake) func(*session.Config) {
	return func(cfg *session.Config) {
		_ = cfg.Conntypes.Add(session.Conntype{Name: "app:custom", Handshake: handshake})
		cfg.Conntype = "app:custom"
	}
}

// TestConntypeWithoutHandshake: such connections are active once the type was announced, and any id passes.
func TestConntypeWithoutHandshake(t *testing.T) {
	server := newPeer(t, packet.ServerSide, appTypes, declare(session.HandshakeNone))
	client := newPeer(t, packet.ClientSide, nil, declare(session.HandshakeNone))
	converse(server, client)
	for _, p := range []*peer{server, client} {
		require.True(t, p.session.Active())
		require.Equal(t, "app:custom", p.session.View().Conntype)
		require.Zero(t, count(p.events, "handshakecomplete"), "there was no handshake")
		p.events = nil
	}
	require.NoError(t, client.send(packet.ID(1000), []byte{1}))
	require.NoError(t, client.send(packet.ID(64), []byte{1}))
	require.ErrorIs(t, client.send(packet.Name("app:a"), []byte{1}), packet.ErrUnknown)
	converse(server, client)
	require.Equal(t, []string{"peng3dnet:server.connection.recv", serverRecv + "app:a"}, server.events, "accepted, whether registered or not")
}

// TestConntypeWithHandshake: a declared type can ask for the classic handshake.
func TestConntypeWithHandshake(t *testing.T) {
	server := newPeer(t, packet.ServerSide, appTypes, declare(session.HandshakeClassic))
	client := newPeer(t, packet.ClientSide, appTypes, declare(session.HandshakeClassic))
	converse(server, client)
	require.Equal(t, 1, count(server.events, "handshakecomplete"))
	require.Equal(t, 1, count(client.events, "handshakecomplete"))
	require.Equal(t, "app:custom", server.session.View().Conntype)
}

// TestConntypeChanges: what follows is that of the new type, but for the handshake. A change is made whole, or not at all.
func TestConntypeChanges(t *testing.T) {
	server := newPeer(t, packet.ServerSide, appTypes, declare(session.HandshakeNone))
	name := "app:custom"
	changes := session.Changes{State: ptr(uint32(65)), Mode: ptr(uint32(3)), Conntype: &name}
	require.ErrorIs(t, server.session.Set(changes), session.ErrNotActive)
	client := newPeer(t, packet.ClientSide, appTypes)
	converse(server, client)
	require.ErrorIs(t, server.send(packet.ID(1000), []byte{1}), packet.ErrUnknown)
	for _, wrong := range []string{"app:unheard", session.ConntypeNotSet, session.ConntypePing, ""} {
		var invalid *packet.InvalidError
		require.ErrorAs(t, server.session.Set(session.Changes{State: ptr(uint32(65)), Mode: ptr(uint32(3)), Conntype: &wrong}), &invalid)
		require.Equal(t, "conntype", invalid.Field)
	}
	require.Equal(t, packet.Conn{State: session.StateActive, Conntype: session.ConntypeClassic}, server.session.View())
	require.NoError(t, server.session.Set(changes))
	require.Equal(t, packet.Conn{State: 65, Mode: 3, Conntype: name}, server.session.View())
	require.NoError(t, server.send(packet.ID(1000), []byte{1}))
	name = session.ConntypeClassic
	require.NoError(t, server.session.Set(session.Changes{Conntype: &name}))
	require.ErrorIs(t, server.send(packet.ID(1000), []byte{1}), packet.ErrUnknown)

	pinged, _ := pingPair(t, session.PingAnswer{})
	var invalid *packet.InvalidError
	require.ErrorAs(t, pinged.session.Set(session.Changes{Conntype: &name}), &invalid)
}

// TestConntypesAdd: all of them, or none.
func TestConntypesAdd(t *testing.T) {
	var c session.Config
	require.NoError(t, c.Conntypes.Add(session.Conntype{Name: "a"}, session.Conntype{Name: "b", Handshake: session.HandshakeNone}))
	for _, name := range []string{"a", session.ConntypeClassic, session.ConntypePing, session.ConntypeNotSet} {
		require.ErrorIs(t, c.Conntypes.Add(session.Conntype{Name: "new"}, session.Conntype{Name: name}), packet.ErrExists)
	}
	for _, name := range []string{"", strings.Repeat("x", packet.MaxName+1), "\xff"} {
		var invalid *packet.InvalidError
		require.ErrorAs(t, c.Conntypes.Add(session.Conntype{Name: "new"}, session.Conntype{Name: name}), &invalid)
		require.Equal(t, "conntypes[1].name", invalid.Field)
	}
	_, known := c.Lookup("new")
	require.False(t, known)
	handshake, known := c.Lookup("b")
	require.True(t, known)
	require.Equal(t, session.HandshakeNone, handshake)
}

func pingPair(t *testing.T, answer session.PingAnswer) (server, client *peer) {
	server = newPeer(t, packet.ServerSide, []packet.Type{{Name: "app:a"}, {Name: "app:b", Rule: closing}}, func(cfg *session.Config) { cfg.Ping = &answer })
	client = newPeer(t, packet.ClientSide, nil, pingClient)
	converse(server, client)
	require.True(t, server.session.Active())
	require.True(t, client.session.Active())
	server.events, client.events = nil, nil
	return server, client
}

// TestPingStatic: any number of pings is answered without events, and nothing else is carried.
func TestPingStatic(t *testing.T) {
	server, client := pingPair(t, session.PingAnswer{Data: []byte("\x81\xa4motd\xa2hi")})
	for range 3 {
		require.NoError(t, client.send(packet.ID(packet.IDPing), []byte{0x07}))
		server.receive(client.take())
		frames := plain(t, server.take())
		require.Len(t, frames, 1)
		require.Equal(t, packet.IDPong, frames[0].id)
		require.Contains(t, string(frames[0].body), "\xa6oldmsg\x07\xa4motd\xa2hi\xa9peng3dnet")
		client.receive(packed(frames[0].id, frames[0].body))
	}
	require.Empty(t, server.events, "ping traffic fires no events")
	require.Equal(t, []string{"peng3dnet:client.send", "peng3dnet:client.recv"}, client.events[:2])
	require.Equal(t, session.ModePing, server.session.View().Mode)

	// Packet 65 of a broadcast would be taken for an answer.
	var invalid *packet.InvalidError
	for _, ref := range []packet.Ref{packet.Name("app:b"), packet.ID(64), packet.ID(65)} {
		require.ErrorAs(t, server.send(ref, empty), &invalid)
	}
	require.ErrorAs(t, client.send(packet.ID(66), empty), &invalid)
}

// TestPingByApplication: 64 and 65 come and go as packets of the application, whatever is registered under these ids.
func TestPingByApplication(t *testing.T) {
	server, client := pingPair(t, session.PingAnswer{Application: true})
	require.NoError(t, client.send(packet.ID(packet.IDPing), []byte{0x07}))
	converse(server, client)
	require.NoError(t, server.send(packet.ID(packet.IDPong), []byte{0x08}))
	var invalid *packet.InvalidError
	require.ErrorAs(t, server.send(packet.Name("app:b"), empty), &invalid)
	converse(server, client)
	require.Equal(t, []string{"peng3dnet:server.connection.recv", "peng3dnet:server.connection.send"}, server.events)
	require.Equal(t, []string{"peng3dnet:client.send", "peng3dnet:client.recv"}, client.events)
	server.events = nil
	server.receive(packed(66, empty))
	require.Equal(t, []string{"peng3dnet:server.connection.recv refused"}, server.events)
}

// TestPingMisuse closes with the reference's reasons, on the right side of the connection (defects 23, 24).
func TestPingMisuse(t *testing.T) {
	deep := append([]byte(strings.Repeat("\x91", packet.MaxNesting)), 0xc0)
	for _, test := range []struct {
		id     uint32
		body   []byte
		reason string
	}{
		{packet.IDPong, empty, "pinginvalidside"},
		{66, empty, "invalidpingpacket"},
		{packet.IDPing, deep, "malformedpacket"}, // its answer would be nested one level too deep for the peer that asked
	} {
		server, _ := pingPair(t, session.PingAnswer{})
		server.receive(packed(test.id, test.body))
		require.Equal(t, test.reason, server.reason())
		require.Equal(t, []uint32{packet.IDClose}, ids(t, server.take()))
	}
	_, client := pingPair(t, session.PingAnswer{})
	client.receive(packed(packet.IDPing, empty))
	require.Equal(t, "pinginvalidside", client.reason())

	refused := newPeer(t, packet.ServerSide, nil)
	refused.receive(packed(packet.IDSettype, packet.AppendSettype(nil, session.ConntypePing)))
	require.Equal(t, "unknownconntype", refused.reason(), "defect 22")
}
