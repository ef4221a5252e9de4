package session_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pengbridge/pengbridge/core/event"
	"github.com/pengbridge/pengbridge/core/packet"
	"github.com/pengbridge/pengbridge/core/session"
)

// TestFirstCauseWins: whatever comes after the first cause of an end changes neither the reason nor the number of events.
func TestFirstCauseWins(t *testing.T) {
	cause := errors.New("connection reset by peer")
	for _, side := range []packet.Side{packet.ServerSide, packet.ClientSide} {
		lost := "None"
		if side == packet.ClientSide {
			lost = "socketclose"
		}
		ends := []struct {
			reason string
			cause  string // as it is counted
			told   bool   // the peer gets closeconn
			end    func(p *peer)
		}{
			{"mine", session.CauseApplication, true, func(p *peer) { p.session.Close(now, ptr("mine"), "by us", &p.out) }},
			{"cut", session.CauseApplication, false, func(p *peer) { p.session.Cut(ptr("cut"), "by us") }},
			{"theirs", session.CausePeer, false, func(p *peer) { receive(p, packet.IDClose, packet.AppendClose(nil, ptr("theirs"))) }},
			{"overload", session.CausePeer, false, func(p *peer) { receive(p, packet.IDClose, packet.AppendClose(nil, ptr("overload"))) }},
			{lost, session.CauseStreamEnd, false, func(p *peer) { p.session.StreamEnd(cause, true) }},
			{"malformedpacket", "malformedpacket", true, func(p *peer) { p.session.Refuse(now, packet.ErrMalformedBody, &p.out) }},
			{"smartpacketinvalid", "smartpacketinvalid", true, func(p *peer) { receive(p, packet.IDHandshake, handshakeBody) }},
		}
		for _, first := range ends {
			for _, second := range ends {
				p := newPeer(t, side, appTypes).advance(connected)
				first.end(p)
				second.end(p)
				p.settle()
				first.end(p)
				p.settle()
				require.Equal(t, first.reason, p.reason(), "%v, then %v", first.reason, second.reason)
				require.Equal(t, first.cause, p.session.Cause(), "%v, then %v", first.reason, second.reason)
				require.Contains(t, session.Causes(), first.cause)
				require.Equal(t, 1, count(p.events, ".close "+first.reason), "%v", p.events)
				told := []uint32(nil)
				if first.told {
					told = []uint32{packet.IDClose}
				}
				require.Equal(t, told, ids(t, p.take()), "closeconn is sent once, and not to a peer that has closed")
			}
		}
	}
}

// TestBodiesOfOneOutputStay has a server say hello and farewell before anybody has reported or written the first.
func TestBodiesOfOneOutputStay(t *testing.T) {
	p := newPeer(t, packet.ServerSide, appTypes)
	var out session.Output
	for range 2 { // the second time with memory from the first
		s := session.New(p.cfg, 3)
		s.Begin(now, packet.TLSNone, &out)
		s.Close(now, ptr("farewell"), "", &out)
		require.Len(t, out.Events, 2)
		require.Equal(t, packet.AppendHello(nil, p.cfg.Version), out.Events[0].Body)
		require.Equal(t, packet.AppendClose(nil, ptr("farewell")), out.Events[1].Body)
		out.Reset()
	}
	out.Shrink(0)
	require.Zero(t, cap(out.Frames))
}

func receive(p *peer, id uint32, body []byte) {
	p.session.Receive(now, session.Packet{ID: id, Body: body}, &p.out)
}

// count returns how many of the strings end with a suffix.
func count(list []string, suffix string) (n int) {
	for _, s := range list {
		if len(s) >= len(suffix) && s[len(s)-len(suffix):] == suffix {
			n++
		}
	}
	return n
}

// TestCloseReasons: what the other end reports for any reason that a peer gives (defects 14, 15).
func TestCloseReasons(t *testing.T) {
	for _, test := range []struct {
		body string
		want string
	}{
		{"\x81\xa6reason\xa6kicked", "kicked"},
		{"\x81\xa6reason\xc0", "None"},
		{"\x81\xa6reason\xa0", ""},
		{"\x82\xa5extra\x01\xa6reason\xa1x", "x"},
		{"\x80", "None"},
		{"\x01", "None"},
		{"\x81\xa6reason\x2a", "None"},
	} {
		for _, side := range []packet.Side{packet.ServerSide, packet.ClientSide} {
			for _, at := range []stage{begun, shaking, connected} {
				p := newPeer(t, side, appTypes).advance(at)
				p.receive(packed(packet.IDClose, []byte(test.body)))
				require.Equal(t, test.want, p.reason(), "%q", test.body)
				require.True(t, p.session.PeerDone())
				require.Len(t, p.events, 2, "recv of the closeconn, then close")
				require.Empty(t, p.take())
			}
		}
	}
}

// TestDeadAfterClose: a closing connection passes over packets, refuses sends, and stays so.
func TestDeadAfterClose(t *testing.T) {
	p := newPeer(t, packet.ServerSide, appTypes).advance(connected)
	p.session.Close(now, nil, "by the test", &p.out)
	p.note()
	p.events, p.frames = nil, nil
	receive(p, 64, []byte{1})
	receive(p, packet.IDAccept, acceptBody)
	require.ErrorIs(t, p.send(packet.Name("app:a"), []byte{1}), session.ErrClosed)
	p.settle()
	require.Equal(t, []string{"peng3dnet:server.connection.close None"}, p.events)
	receive(p, 64, []byte{1})
	p.session.End(now, &p.out)
	p.settle()
	require.Len(t, p.events, 1)
	require.Empty(t, p.take())
}

// TestCloseBeforeBegin: a peer that was never greeted cannot be told why, but the close is reported with its reason.
func TestCloseBeforeBegin(t *testing.T) {
	begunPeer := newPeer(t, packet.ServerSide, nil)
	s := session.New(begunPeer.cfg, 3)
	var out session.Output
	s.Accepted(now, event.Addr{}, event.Addr{}, &out)
	s.Close(now, ptr("tlsfailed"), "no certificate", &out)
	s.End(now, &out)
	require.Empty(t, out.Frames)
	require.Len(t, out.Events, 2)
	require.Equal(t, event.ServerClose, out.Events[1].Type)
	require.Equal(t, ptr("tlsfailed"), out.Events[1].Reason)
	require.EqualValues(t, 3, out.Events[1].Conn)
}

// TestUnrecorded: event types that nobody asked for are not made, and change nothing else.
func TestUnrecorded(t *testing.T) {
	p := newPeer(t, packet.ServerSide, appTypes, func(cfg *session.Config) {
		cfg.Records[event.ServerSend], cfg.Records[event.ServerRecv] = false, false
	})
	p.receive(packed(packet.IDSettype, settypeBody))
	p.receive(packed(packet.IDAccept, acceptBody))
	require.NoError(t, p.send(packet.ID(64), []byte{1}))
	p.close(nil)
	require.Equal(t, []string{
		"peng3dnet:server.connection.accept", "peng3dnet:server.connection.handshakecomplete", "peng3dnet:server.connection.close None",
	}, p.events)
	require.Equal(t, []uint32{1, 3, 64, 16}, ids(t, p.take()))
}
