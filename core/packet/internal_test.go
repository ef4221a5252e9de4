package packet_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/tinylib/msgp/msgp"

	"github.com/pengbridge/pengbridge/core/event"
	"github.com/pengbridge/pengbridge/core/packet"
)

// TestIntegersAreShortest looks at how ids are written: the reference uses the shortest unsigned form.
func TestIntegersAreShortest(t *testing.T) {
	for id, want := range map[uint32]string{
		1: "01", 127: "7f", 128: "cc80", 255: "ccff", 256: "cd0100", 65535: "cdffff", 65536: "ce00010000", 0xffffffff: "ceffffffff",
	} {
		body := packet.AppendHandshake(nil, "", []event.Registered{{Name: "a", ID: id}})
		tail := append([]byte{0x81, 0xa1, 'a'}, unhex(t, want)...)
		require.Equal(t, tail, body[len(body)-len(tail):])
		h, err := packet.ParseHandshake(body)
		require.NoError(t, err)
		require.Equal(t, []event.Registered{{Name: "a", ID: id}}, h.Registry)
	}
}

func TestAppendKeepsWhatIsThere(t *testing.T) {
	reason := "kicked"
	for _, body := range [][]byte{
		packet.AppendHello([]byte("before"), "1"),
		packet.AppendSettype([]byte("before"), "classic"),
		packet.AppendHandshake([]byte("before"), "1", nil),
		packet.AppendAccept([]byte("before")),
		packet.AppendClose([]byte("before"), &reason),
		packet.AppendClose([]byte("before"), nil),
	} {
		require.Equal(t, "before", string(body[:6]))
		require.NoError(t, packet.Check(body[6:]))
	}
}

func TestParseHello(t *testing.T) {
	for _, tc := range []struct {
		name string
		body []byte
		want packet.Hello
		err  string
	}{
		{"no version", dictOf("protoversion", 2), packet.Hello{Protocol: 2}, ""},
		{"version that is no text", dictOf("version", 1, "protoversion", 2), packet.Hello{Protocol: 2}, ""},
		{"other order, more keys", dictOf("x", nil, "protoversion", 3, "version", "9"), packet.Hello{Version: "9", Protocol: 3}, ""},
		{"key twice", dictOf("protoversion", 1, "protoversion", 2), packet.Hello{Protocol: 2}, ""},
		{"negative", dictOf("protoversion", -7), packet.Hello{Protocol: -7}, ""},
		{"wide integer", unhex(t, "81ac70726f746f76657273696f6ecf0000000000000002"), packet.Hello{Protocol: 2}, ""},
		{"bytes are no text", dictOf([]byte("protoversion"), 2), packet.Hello{}, `"protoversion" is not an integer`},
		{"no protocol version", dictOf("version", "0.2.0"), packet.Hello{}, `"protoversion" is not an integer`},
		{"text", dictOf("protoversion", "2"), packet.Hello{}, `"protoversion" is not an integer`},
		{"not a map", []byte{0x90}, packet.Hello{}, "hello: malformed body: not a map"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			require.NoError(t, packet.Check(tc.body))
			got, err := packet.ParseHello(tc.body)
			requireError(t, tc.err, err)
			require.Equal(t, tc.want, got)
		})
	}
}

func TestParseSettype(t *testing.T) {
	for _, tc := range []struct {
		name string
		body []byte
		want string
		err  string
	}{
		{"classic", dictOf("conntype", "classic"), "classic", ""},
		{"empty", dictOf("conntype", ""), "", ""},
		{"missing", dictOf("x", 1), "classic", ""},
		{"nothing", dictOf(), "classic", ""},
		{"nil", dictOf("conntype", nil), "", `settype: malformed body: "conntype" is not text`},
		{"map", dictOf("conntype", map[string]any{}), "", `"conntype" is not text`},
		{"not a map", []byte{0xc0}, "", "settype: malformed body: not a map"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			require.NoError(t, packet.Check(tc.body))
			got, err := packet.ParseSettype(tc.body)
			requireError(t, tc.err, err)
			require.Equal(t, tc.want, got)
		})
	}
}

func TestParseHandshake(t *testing.T) {
	for _, tc := range []struct {
		name     string
		body     []byte
		protocol int64
		registry []event.Registered
		err      string
	}{
		{"empty registry", dictOf("protoversion", 2, "registry", map[string]any{}), 2, []event.Registered{}, ""},
		{"in the order of the wire", dictOf("protoversion", 2, "registry", msgp.Raw(dictOf("b", 64, "a", 65))), 2,
			[]event.Registered{{Name: "b", ID: 64}, {Name: "a", ID: 65}}, ""},
		{"contradictions are for Synced to find", dictOf("protoversion", 2, "registry", msgp.Raw(dictOf("a", 0, "a", 0))), 2,
			[]event.Registered{{Name: "a"}, {Name: "a"}}, ""},
		{"other protocol", dictOf("protoversion", 3, "registry", "elsewhere"), 3, nil, ""},
		{"other protocol without a registry", dictOf("protoversion", 1), 1, nil, ""},
		{"no registry", dictOf("protoversion", 2), 0, nil, `handshake: malformed body: "registry" is not a map`},
		{"list", dictOf("protoversion", 2, "registry", []any{}), 0, nil, `"registry" is not a map`},
		{"name that is bytes", dictOf("protoversion", 2, "registry", msgp.Raw(dictOf([]byte("a"), 64))), 0, nil, "a name that is not text"},
		{"negative id", dictOf("protoversion", 2, "registry", msgp.Raw(dictOf("a", -1))), 0, nil, `no id for "a"`},
		{"id beyond 32 bits", dictOf("protoversion", 2, "registry", msgp.Raw(dictOf("a", int64(1<<32)))), 0, nil, `no id for "a"`},
		{"id that is text", dictOf("protoversion", 2, "registry", msgp.Raw(dictOf("a", "64"))), 0, nil, `no id for "a"`},
		{"no protocol version", dictOf("registry", map[string]any{}), 0, nil, `"protoversion" is not an integer`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			require.NoError(t, packet.Check(tc.body))
			got, err := packet.ParseHandshake(tc.body)
			requireError(t, tc.err, err)
			require.Equal(t, packet.Handshake{Protocol: tc.protocol, Registry: tc.registry}, got)
		})
	}
}

// TestParseAccept asks what Python takes for true.
func TestParseAccept(t *testing.T) {
	for _, tc := range []struct {
		name string
		body []byte
		want bool
		err  string
	}{
		{"true", dictOf("success", true), true, ""},
		{"false", dictOf("success", false), false, ""},
		{"nil", dictOf("success", nil), false, ""},
		{"zero", dictOf("success", 0), false, ""},
		{"one", dictOf("success", 1), true, ""},
		{"minus one", dictOf("success", -1), true, ""},
		{"greatest integer", dictOf("success", ^uint64(0)), true, ""},
		{"zero float", dictOf("success", 0.0), false, ""},
		{"negative zero", dictOf("success", math.Copysign(0, -1)), false, ""},
		{"zero float of 32 bits", dictOf("success", float32(0)), false, ""},
		{"half", dictOf("success", 0.5), true, ""},
		{"not a number", dictOf("success", math.NaN()), true, ""},
		{"empty text", dictOf("success", ""), false, ""},
		{"text", dictOf("success", "false"), true, ""},
		{"long text", dictOf("success", "a text of more than thirty-one bytes"), true, ""},
		{"no bytes", dictOf("success", []byte{}), false, ""},
		{"bytes", dictOf("success", []byte{0}), true, ""},
		{"empty list", dictOf("success", []any{}), false, ""},
		{"list", dictOf("success", []any{nil}), true, ""},
		{"empty map", dictOf("success", map[string]any{}), false, ""},
		{"map", dictOf("success", map[string]any{"a": nil}), true, ""},
		{"extension", dictOf("success", msgp.Raw(unhex(t, "c70001"))), true, ""},
		{"missing", dictOf(), false, `accept: malformed body: no "success"`},
		{"not a map", []byte{0xc3}, false, "accept: malformed body: not a map"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			require.NoError(t, packet.Check(tc.body))
			got, err := packet.ParseAccept(tc.body)
			requireError(t, tc.err, err)
			require.Equal(t, tc.want, got)
		})
	}
}

func TestParseClose(t *testing.T) {
	kicked, empty := "kicked", ""
	for _, tc := range []struct {
		name string
		body []byte
		want *string
	}{
		{"reason", dictOf("reason", "kicked"), &kicked},
		{"more keys", dictOf("x", []any{1}, "reason", "kicked", "y", 2), &kicked},
		{"empty reason", dictOf("reason", ""), &empty},
		{"key twice", dictOf("reason", "x", "reason", nil), nil},
		{"nil", dictOf("reason", nil), nil},
		{"integer", dictOf("reason", 1), nil},
		{"bytes", dictOf("reason", []byte("kicked")), nil},
		{"missing", dictOf(), nil},
		{"list", []byte{0x90}, nil},
		{"text", []byte("\xa6reason"), nil},
		{"nothing", nil, nil},
		{"cut off", []byte("\x81\xa6reason"), nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			require.Equal(t, tc.want, packet.ParseClose(tc.body))
		})
	}
}

func BenchmarkParseHandshake(b *testing.B) {
	var registry []event.Registered
	for i := range 100 {
		registry = append(registry, event.Registered{Name: "game:packet." + string(rune('a'+i%26)), ID: uint32(64 + i)})
	}
	body := packet.AppendHandshake(nil, "0.2.0", registry)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := packet.ParseHandshake(body); err != nil {
			b.Fatal(err)
		}
	}
}

// dictOf encodes keys and values, in order: msgp's maps have none.
func dictOf(pairs ...any) []byte {
	body := msgp.AppendMapHeader(nil, uint32(len(pairs)/2))
	for _, v := range pairs {
		var err error
		if body, err = msgp.AppendIntf(body, v); err != nil {
			panic(err)
		}
	}
	return body
}

// requireError wants an error that says something, or none.
func requireError(t *testing.T, says string, err error) {
	t.Helper()
	if says == "" {
		require.NoError(t, err)
		return
	}
	require.ErrorIs(t, err, packet.ErrMalformedBody)
	require.ErrorContains(t, err, says)
}
