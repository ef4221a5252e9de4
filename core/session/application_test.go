package session_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pengbridge/pengbridge/core/packet"
	"github.com/pengbridge/pengbridge/core/session"
)

// TestRulesOnReceive: a refused packet is still reported, as refused; what follows is the rule's action.
func TestRulesOnReceive(t *testing.T) {
	rule := func(change func(*packet.Rule)) *packet.Rule {
		r := packet.DefaultRule()
		change(r)
		return r
	}
	for _, test := range []struct {
		name   string
		rule   *packet.Rule
		at     stage
		accept bool
		closes bool
	}{
		{"no rule", nil, connected, true, false},
		{"default", packet.DefaultRule(), connected, true, false},
		{"default, too early", packet.DefaultRule(), shaking, false, false},
		{"default, too early, close", rule(func(r *packet.Rule) { r.Action = packet.Close }), shaking, false, true},
		{"no rule, too early", nil, shaking, false, false},
		{"a state before active", rule(func(r *packet.Rule) { r.State = session.StateHandshakeWait }), shaking, true, false},
		{"another state", rule(func(r *packet.Rule) { r.State = 65 }), connected, false, false},
		{"right side", rule(func(r *packet.Rule) { r.Side = packet.ServerSide }), connected, true, false},
		{"wrong side", rule(func(r *packet.Rule) { r.Side = packet.ClientSide }), connected, false, false},
		{"wrong side, close", rule(func(r *packet.Rule) { r.Side, r.Action = packet.ClientSide, packet.Close }), connected, false, true},
		{"wrong mode", rule(func(r *packet.Rule) { r.Mode = ptr(uint32(3)) }), connected, false, false},
		{"right mode", rule(func(r *packet.Rule) { r.Mode = ptr(uint32(0)) }), connected, true, false},
		{"right conntype", rule(func(r *packet.Rule) { r.Conntype = "classic" }), connected, true, false},
		{"wrong conntype", rule(func(r *packet.Rule) { r.Conntype = "ping" }), connected, false, false},
		{"too little TLS", rule(func(r *packet.Rule) { r.MinTLS = packet.TLSWrapped }), connected, false, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := newPeer(t, packet.ServerSide, []packet.Type{{Name: "app:a", Rule: test.rule}}).advance(test.at)
			p.receive(packed(64, []byte{1}))
			want := serverRecv + "app:a"
			if !test.accept {
				want += " refused"
			}
			require.Equal(t, want, p.events[0])
			require.Equal(t, test.closes, p.session.Closed())
			if test.closes {
				require.Equal(t, "smartpacketinvalid", p.reason())
			}
		})
	}
}

// TestRulesOnSend: a refused packet does not go out (defect 28), and a rule that says so closes.
func TestRulesOnSend(t *testing.T) {
	p := newPeer(t, packet.ClientSide, []packet.Type{
		{Name: "app:ignore", Rule: &packet.Rule{State: 65}},
		{Name: "app:close", Rule: &packet.Rule{State: 65, Action: packet.Close}},
		{Name: "app:mine", Rule: &packet.Rule{State: 64, Side: packet.ClientSide}}, // only clients receive it
	}).advance(connected)
	for _, name := range []string{"app:ignore", "app:mine"} {
		typ, err := p.session.Permit(packet.Name(name))
		require.ErrorIs(t, err, session.ErrRefused)
		p.session.Refused(now, typ, &p.out)
		p.settle()
	}
	require.Empty(t, p.events)
	require.NoError(t, p.session.Set(state(65)))
	require.NoError(t, p.send(packet.Name("app:ignore"), []byte{1}))
	require.NoError(t, p.session.Set(state(64)))
	p.frames, p.events = nil, nil
	typ, err := p.session.Permit(packet.Name("app:close"))
	require.ErrorIs(t, err, session.ErrRefused)
	p.session.Refused(now, typ, &p.out)
	p.settle()
	require.Equal(t, closeEvents(packet.ClientSide, "smartpacketinvalid"), p.events)
	require.Equal(t, []uint32{packet.IDClose}, ids(t, p.take()), "closeconn alone, not the refused packet behind it")
}

// TestEarlyPackets: packets before the handshake is complete are refused, and not lost to the application (section B).
func TestEarlyPackets(t *testing.T) {
	for _, at := range []stage{begun, shaking} {
		p := newPeer(t, packet.ServerSide, appTypes).advance(at)
		p.receive(packed(64, []byte{1}))
		p.receive(packed(99, []byte{1}))
		require.Equal(t, []string{serverRecv + "app:a refused", "peng3dnet:server.connection.recv refused"}, p.events)
		require.False(t, p.session.Closing())
		require.ErrorIs(t, p.send(packet.Name("app:a"), []byte{1}), session.ErrNotActive, "defect 35")
	}
}

// TestUnknownIDs: neither side falls over an id that it does not know.
func TestUnknownIDs(t *testing.T) {
	for side, recv := range map[packet.Side]string{packet.ServerSide: serverRecv, packet.ClientSide: clientRecv} {
		p := newPeer(t, side, appTypes).advance(connected)
		p.receive(packed(65, []byte{1}))
		p.receive(packed(1<<32-1, []byte{1}))
		require.Equal(t, []string{recv + "refused", recv + "refused"}, p.events)
		require.ErrorIs(t, p.send(packet.ID(65), []byte{1}), packet.ErrUnknown)
		err := p.send(packet.Name("app:b"), []byte{1})
		require.ErrorIs(t, err, packet.ErrUnknown)
		require.Regexp(t, `^packet "app:b" is not registered: `, err.Error())
		var invalid *packet.InvalidError
		require.ErrorAs(t, p.send(packet.ID(packet.IDClose), empty), &invalid, "internal packets are not the application's")
		require.ErrorIs(t, p.send(packet.Name(packet.NameClose), empty), packet.ErrUnknown)
	}
}
