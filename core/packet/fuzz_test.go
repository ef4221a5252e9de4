package packet_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/tinylib/msgp/msgp"

	"github.com/pengbridge/pengbridge/core/event"
	"github.com/pengbridge/pengbridge/core/packet"
	"github.com/pengbridge/pengbridge/core/wire/wiretest"
)

// addBodies seeds a fuzz test with the captured bodies that want accepts.
func addBodies(f *testing.F, want func(wiretest.Frame) bool) {
	for _, v := range wiretest.Vectors(f) {
		for _, frame := range v.Frames {
			if want(frame) {
				f.Add(bodyOf(f, frame))
			}
		}
	}
}

// FuzzCheck compares with msgp, which takes any value that is well formed: what it refuses must be refused, and nothing
// that it takes may be refused for its form.
func FuzzCheck(f *testing.F) {
	addBodies(f, func(frame wiretest.Frame) bool { return frame.BodySize < 1<<10 })
	for _, seed := range []string{"810102", "d7ffee6b280000000000", "c700ff", "a3eda080", "c1", "dfffffffff00", "c8000001"} {
		f.Add(unhex(f, seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		err := packet.Check(body)
		rest, skipErr := msgp.Skip(body)
		if wellFormed := skipErr == nil && len(rest) == 0; !wellFormed {
			require.ErrorIs(t, err, packet.ErrMalformedBody)
			return
		}
		if err != nil {
			require.ErrorIs(t, err, packet.ErrMalformedBody)
			require.NotRegexp(t, "too early|begins with|behind", err.Error())
		}
	})
}

// FuzzInternal reads any body as each of the internal packets: what is read must come back from what is appended.
func FuzzInternal(f *testing.F) {
	addBodies(f, func(frame wiretest.Frame) bool { return frame.ID < packet.FirstFreeID })
	f.Fuzz(func(t *testing.T, body []byte) {
		if hello, err := packet.ParseHello(body); !failed(t, err) && hello.Protocol == packet.ProtocolVersion {
			again, err := packet.ParseHello(packet.AppendHello(nil, hello.Version))
			require.NoError(t, err)
			require.Equal(t, hello, again)
		}
		if conntype, err := packet.ParseSettype(body); !failed(t, err) {
			again, err := packet.ParseSettype(packet.AppendSettype(nil, conntype))
			require.NoError(t, err)
			require.Equal(t, conntype, again)
		}
		if h, err := packet.ParseHandshake(body); !failed(t, err) && h.Protocol == packet.ProtocolVersion {
			again, err := packet.ParseHandshake(packet.AppendHandshake(nil, h.Version, h.Registry))
			require.NoError(t, err)
			require.Equal(t, h, again)
			synced(t, h.Registry)
		}
		if reason := packet.ParseClose(body); reason != nil {
			require.Equal(t, reason, packet.ParseClose(packet.AppendClose(nil, reason)))
		}
		_, err := packet.ParseAccept(body)
		failed(t, err)
	})
}

// failed reports whether there is an error, which must be the documented one.
func failed(t *testing.T, err error) bool {
	t.Helper()
	if err == nil {
		return false
	}
	require.ErrorIs(t, err, packet.ErrMalformedBody)
	return true
}

// synced syncs a client with a server's registry and looks for contradictions in the result.
func synced(t *testing.T, server []event.Registered) {
	t.Helper()
	client, _, err := packet.NewTable().Add(packet.Type{Name: "a"}, packet.Type{Name: "b"}, packet.Type{Name: "c", ID: 70})
	require.NoError(t, err)
	nt, _, err := client.AddInternal().Synced(server)
	if failed(t, err) {
		return
	}
	requireConsistent(t, nt)
	for _, r := range server {
		if typ, ok := nt.ByID(r.ID); ok {
			require.Equal(t, r.Name, typ.Name)
		}
	}
}

// FuzzPing makes pings and pongs of any data.
func FuzzPing(f *testing.F) {
	for _, v := range wiretest.Vectors(f) {
		for _, frame := range v.Frames {
			if frame.ID >= packet.FirstFreeID && frame.BodySize < 200 {
				f.Add(bodyOf(f, frame), bodyOf(f, frame))
			}
		}
	}
	f.Fuzz(func(t *testing.T, request, data []byte) {
		if packet.Check(request) != nil || packet.Check(data) != nil {
			return
		}
		ping, pingErr := packet.AppendPing(nil, data, 1.5)
		pong, pongErr := packet.AppendPong(nil, request, data, "0.2.0")
		if pingErr != nil {
			require.Equal(t, pingErr, pongErr)
			var invalid *packet.InvalidError
			require.ErrorAs(t, pingErr, &invalid)
			return
		}
		require.NoError(t, pongErr)
		if len(request) < 100 && len(data) < 100 { // far from the limits, which the answer may exceed
			require.NoError(t, packet.Check(ping))
			require.NoError(t, packet.Check(pong))
		}
	})
}
