package packet_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pengbridge/pengbridge/core/packet"
)

func TestRule(t *testing.T) {
	play, chat := uint32(3), uint32(4)
	active := packet.Conn{State: packet.StateActive, Mode: play, Conntype: "classic", TLS: packet.TLSEncrypted}
	with := func(change func(*packet.Rule)) *packet.Rule {
		r := packet.DefaultRule()
		change(r)
		return r
	}
	for _, tc := range []struct {
		name   string
		rule   *packet.Rule
		conn   packet.Conn
		admits bool
		atOnly packet.Side // the side that may receive; AnySide: both
	}{
		{name: "no rule", rule: nil, admits: true},
		{name: "default", rule: packet.DefaultRule(), conn: active, admits: true},
		{name: "default, not active yet", rule: packet.DefaultRule(), conn: packet.Conn{State: 1}},
		{name: "logged in is not active", rule: packet.DefaultRule(), conn: packet.Conn{State: 65}},
		{name: "state", rule: with(func(r *packet.Rule) { r.State = 65 }), conn: packet.Conn{State: 65}, admits: true},
		{name: "mode", rule: with(func(r *packet.Rule) { r.Mode = &play }), conn: active, admits: true},
		{name: "other mode", rule: with(func(r *packet.Rule) { r.Mode = &chat }), conn: active},
		// Defect 26: a rule with a conntype could not be met on a client.
		{name: "conntype", rule: with(func(r *packet.Rule) { r.Conntype = "classic" }), conn: active, admits: true},
		{name: "other conntype", rule: with(func(r *packet.Rule) { r.Conntype = "ping" }), conn: active},
		{name: "less TLS", rule: with(func(r *packet.Rule) { r.MinTLS = packet.TLSWrapped }), conn: active, admits: true},
		{name: "equal TLS", rule: with(func(r *packet.Rule) { r.MinTLS = packet.TLSEncrypted }), conn: active, admits: true},
		{name: "more TLS", rule: with(func(r *packet.Rule) { r.MinTLS = packet.TLSServerAuth }), conn: active},
		{name: "client", rule: with(func(r *packet.Rule) { r.Side = packet.ClientSide }), conn: active, admits: true, atOnly: packet.ClientSide},
		{name: "server", rule: with(func(r *packet.Rule) { r.Side = packet.ServerSide }), conn: active, admits: true, atOnly: packet.ServerSide},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for at, from := range map[packet.Side]packet.Side{
				packet.ClientSide: packet.ServerSide,
				packet.ServerSide: packet.ClientSide,
			} {
				want := tc.admits && (tc.atOnly == packet.AnySide || tc.atOnly == at)
				require.Equal(t, want, tc.rule.Receivable(tc.conn, at), "receive at %d", at)
				require.Equal(t, want, tc.rule.Sendable(tc.conn, from), "send from %d", from)
			}
		})
	}
}
