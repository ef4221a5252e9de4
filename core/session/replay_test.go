package session_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pengbridge/pengbridge/core/packet"
	"github.com/pengbridge/pengbridge/core/session"
	"github.com/pengbridge/pengbridge/core/wire/wiretest"
)

// script says how the application of a recorded session behaves, and where the recording shows a defect of the reference
// that we do not have.
type script struct {
	server, client func(*session.Config)
	clientPackets  []string                // what the client registers; nil: what the server has
	rule           *packet.Rule            // the rule of the server's packets
	drop           map[packet.Side][]int   // frames of ours in the recording that we rightly do not send
	extra          map[packet.Side][]byte  // what we rightly send besides, in the end
	defect         string                  // why
	reason         map[packet.Side]*string // the reason of our close event; no entry: the connection goes on
}

func pingServer(cfg *session.Config) { cfg.Ping = &session.PingAnswer{Application: true} }
func staticPing(cfg *session.Config) { cfg.Ping = &session.PingAnswer{} }
func pingClient(cfg *session.Config) { cfg.Conntype = session.ConntypePing }
func conntype(name string) func(*session.Config) {
	return func(cfg *session.Config) {
		cfg.Conntype = name
		_ = cfg.Conntypes.Add(session.Conntype{Name: name, Handshake: session.HandshakeNone})
	}
}

func both(reason *string) map[packet.Side]*string {
	return map[packet.Side]*string{packet.ServerSide: reason, packet.ClientSide: reason}
}

func closeFrame(reason string) []byte { return packet.AppendClose(nil, &reason) }

var closing = &packet.Rule{State: packet.StateActive, Action: packet.Close}

// scripts has an entry for each vector.
var scripts = map[string]script{
	"handshake_classic":               {},
	"handshake_3_packets":             {},
	"echo_values":                     {},
	"compression":                     {},
	"ping_session":                    {server: pingServer, client: pingClient, drop: map[packet.Side][]int{packet.ClientSide: {4}}, defect: "23: the ping client closes twice, first with reason nil", reason: map[packet.Side]*string{packet.ServerSide: nil, packet.ClientSide: ptr("pingcomplete")}},
	"ping_unsupported_by_server":      {client: pingClient, extra: map[packet.Side][]byte{packet.ServerSide: closeFrame("unknownconntype")}, defect: "22: unknownconntype is never sent", reason: map[packet.Side]*string{packet.ServerSide: ptr("unknownconntype")}},
	"close_by_server":                 {defect: "15: the server's on_close gets None", reason: both(ptr("kicked"))},
	"close_by_client":                 {defect: "14: the client's on_close gets socketclose", reason: both(ptr("userrequest"))},
	"close_by_server_reason_none":     {reason: both(nil)},
	"close_by_client_reason_none":     {defect: "14", reason: both(nil)},
	"packetregmismatch_client_lacks":  {clientPackets: []string{"app:a"}, defect: "14", reason: both(ptr("packetregmismatch"))},
	"packetregmismatch_client_extra":  {clientPackets: []string{"app:a", "app:b"}, defect: "14", reason: both(ptr("packetregmismatch"))},
	"protoversion_mismatch_hello":     {defect: "14", reason: map[packet.Side]*string{packet.ClientSide: ptr("protoversionmismatch")}},
	"protoversion_mismatch_handshake": {defect: "14", reason: map[packet.Side]*string{packet.ClientSide: ptr("protoversionmismatch")}},
	"unknown_conntype":                {client: conntype("nosuch"), extra: map[packet.Side][]byte{packet.ServerSide: closeFrame("unknownconntype")}, defect: "22: nothing is sent, the connection stays", reason: map[packet.Side]*string{packet.ServerSide: ptr("unknownconntype")}},
	"accept_success_false":            {},
	"smartpacketinvalid_server":       {rule: closing, defect: "15", reason: map[packet.Side]*string{packet.ServerSide: ptr("smartpacketinvalid")}},
	"smartpacketinvalid_client":       {defect: "14", reason: map[packet.Side]*string{packet.ClientSide: ptr("smartpacketinvalid")}},
	"ping_pong_to_server":             {server: staticPing, client: pingClient, defect: "24: tracebacks instead of a reason", reason: both(ptr("pinginvalidside"))},
	"server_shutdown_timeout1":        {defect: "15", reason: both(ptr("servershutdown"))},
	"server_shutdown_timeout0":        {defect: "16", reason: both(ptr("servershutdown"))},
}

// scripted are the vectors in which a hand-written peer, not the reference, plays a side: our machine would not do what it does.
var scripted = map[string]packet.Side{
	"protoversion_mismatch_hello":     packet.ServerSide,
	"protoversion_mismatch_handshake": packet.ServerSide,
	"smartpacketinvalid_client":       packet.ServerSide,
	"accept_success_false":            packet.ClientSide,
	"smartpacketinvalid_server":       packet.ClientSide,
}

// TestReplay plays every recorded session against our machine in both roles: what the reference's peer sent goes in, and
// what comes out must be what the reference sent, after inflating. The application's part is driven from the recording.
func TestReplay(t *testing.T) {
	vectors := wiretest.Vectors(t)
	require.Len(t, scripts, len(vectors), "every vector has a script")
	for _, v := range vectors {
		s, ok := scripts[v.Name]
		require.True(t, ok, "%s has no script", v.Name)
		for side, name := range map[packet.Side]string{packet.ServerSide: "server", packet.ClientSide: "client"} {
			if scripted[v.Name] == side {
				continue
			}
			t.Run(v.Name+"/"+name, func(t *testing.T) { replay(t, v, s, side) })
		}
	}
}

func replay(t *testing.T, v wiretest.Vector, s script, side packet.Side) {
	p := newPeer(t, side, s.packets(t, v, side), s.config(side))
	ours := plain(t, p.take()) // written by us and not yet found in the recording
	for i, f := range v.Frames {
		if f.FromServer != (side == packet.ServerSide) {
			p.receive(f.Bytes)
			ours = append(ours, plain(t, p.take())...)
			continue
		}
		want := plain(t, f.Bytes)[0]
		if contains(s.drop[side], i) {
			continue
		}
		if len(ours) == 0 { // not an answer: the application's own
			act(t, p, want)
			ours = append(ours, plain(t, p.take())...)
		}
		require.NotEmpty(t, ours, "frame %d (%s) was not sent", i, f.Label)
		require.Equal(t, want, ours[0], "frame %d (%s)", i, f.Label)
		ours = ours[1:]
	}
	if extra := s.extra[side]; extra != nil {
		require.NotEmpty(t, ours, "defect %s", s.defect)
		require.Equal(t, plainFrame{packet.IDClose, extra}, ours[0])
		ours = ours[1:]
	}
	require.Empty(t, ours, "more was sent than the recording has")
	want, closes := s.reason[side]
	require.Equal(t, closes, p.session.Closed(), "defect %s", s.defect)
	if closes {
		reason, _ := p.session.Reason()
		require.Equal(t, want, reason, "defect %s", s.defect)
	}
}

// act does what the application did: sending a packet, or closing.
func act(t *testing.T, p *peer, f plainFrame) {
	if f.id == packet.IDClose {
		p.close(packet.ParseClose(f.body))
		return
	}
	err := p.send(packet.ID(f.id), f.body)
	require.NoError(t, err)
}

// packets returns what the side registers: the names of the recorded handshake that are not internal.
func (s script) packets(t *testing.T, v wiretest.Vector, side packet.Side) (types []packet.Type) {
	names := []string{}
	for _, f := range v.Frames {
		if f.ID != packet.IDHandshake {
			continue
		}
		h, err := packet.ParseHandshake(plain(t, f.Bytes)[0].body)
		require.NoError(t, err)
		for _, r := range h.Registry {
			if r.ID >= packet.FirstFreeID {
				names = append(names, r.Name)
			}
		}
	}
	if side == packet.ClientSide && s.clientPackets != nil {
		names = s.clientPackets
	}
	for _, name := range names {
		types = append(types, packet.Type{Name: name, Rule: s.rule})
	}
	return types
}

func (s script) config(side packet.Side) func(*session.Config) {
	f := s.server
	if side == packet.ClientSide {
		f = s.client
	}
	if f == nil {
		f = func(*session.Config) {}
	}
	return f
}

func contains(list []int, i int) bool {
	for _, x := range list {
		if x == i {
			return true
		}
	}
	return false
}

// TestStaticPingAnswer: the recorded answer is rebuilt to the byte from data that is given in advance.
func TestStaticPingAnswer(t *testing.T) {
	for _, v := range wiretest.Vectors(t) {
		if v.Name != "ping_session" {
			continue
		}
		var pong map[string]json.RawMessage
		require.NoError(t, json.Unmarshal(v.Frames[3].Value, &pong))
		require.Contains(t, pong, "usercount")
		data := []byte("\x84\xa9usercount\x03\xa3who\xa6static\xa8echo_cid\x01\xa4motd\xa7welcome")
		p := newPeer(t, packet.ServerSide, nil, func(cfg *session.Config) { cfg.Ping = &session.PingAnswer{Data: data} })
		p.receive(v.Frames[1].Bytes)
		p.take()
		p.receive(v.Frames[2].Bytes)
		require.Equal(t, plain(t, v.Frames[3].Bytes), plain(t, p.take()))
		require.Equal(t, session.ModePing, p.session.View().Mode)
		require.NotContains(t, p.events, "peng3dnet:server.connection.recv", "ping traffic fires no events")
	}
}
