package packet_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pengbridge/pengbridge/core/packet"
	"github.com/pengbridge/pengbridge/core/wire"
	"github.com/pengbridge/pengbridge/core/wire/wiretest"
)

// TestVectors checks every captured body, and rebuilds each internal packet from what was read of it.
func TestVectors(t *testing.T) {
	for _, v := range wiretest.Vectors(t) {
		t.Run(v.Name, func(t *testing.T) {
			for _, f := range v.Frames {
				body := bodyOf(t, f)
				require.NoError(t, packet.Check(body), f.Label)
				if f.ID < packet.FirstFreeID {
					require.Equal(t, body, rebuild(t, f, body), f.Label)
				}
			}
		})
	}
}

// rebuild reads an internal packet and encodes what it says. Only the values that we would never send are patched in.
func rebuild(t *testing.T, f wiretest.Frame, body []byte) []byte {
	t.Helper()
	var said struct {
		Version      string
		Protoversion int64
		Conntype     string
		Success      bool
		Reason       *string
		Registry     map[string]uint32
	}
	require.NoError(t, json.Unmarshal(f.Value, &said))
	switch f.ID {
	case packet.IDHello:
		hello, err := packet.ParseHello(body)
		require.NoError(t, err)
		require.Equal(t, packet.Hello{Version: said.Version, Protocol: said.Protoversion}, hello)
		out := packet.AppendHello(nil, hello.Version)
		if hello.Protocol != packet.ProtocolVersion {
			out[len(out)-1] = byte(hello.Protocol)
		}
		return out
	case packet.IDSettype:
		conntype, err := packet.ParseSettype(body)
		require.NoError(t, err)
		require.Equal(t, said.Conntype, conntype)
		return packet.AppendSettype(nil, conntype)
	case packet.IDHandshake:
		h, err := packet.ParseHandshake(body)
		require.NoError(t, err)
		require.Equal(t, said.Version, h.Version)
		require.Equal(t, said.Protoversion, h.Protocol)
		if h.Protocol != packet.ProtocolVersion {
			require.Nil(t, h.Registry)
			return body
		}
		require.Len(t, h.Registry, len(said.Registry))
		for _, r := range h.Registry {
			require.Equal(t, said.Registry[r.Name], r.ID)
		}
		return packet.AppendHandshake(nil, h.Version, h.Registry)
	case packet.IDAccept:
		success, err := packet.ParseAccept(body)
		require.NoError(t, err)
		require.Equal(t, said.Success, success)
		if !success {
			return body
		}
		return packet.AppendAccept(nil)
	case packet.IDClose:
		reason := packet.ParseClose(body)
		require.Equal(t, said.Reason, reason)
		return packet.AppendClose(nil, reason)
	}
	require.FailNow(t, "no internal packet has the id", "%d", f.ID)
	return nil
}

// bodyOf returns a captured frame's body, inflated.
func bodyOf(t testing.TB, f wiretest.Frame) []byte {
	t.Helper()
	body := f.Bytes[wire.LengthSize+wire.HeaderSize:]
	if f.Flags&wire.FlagCompressed == 0 {
		return body
	}
	body, err := wire.Inflate(nil, body, f.BodySize)
	require.NoError(t, err)
	return body
}
