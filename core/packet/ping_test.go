package packet_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/tinylib/msgp/msgp"

	"github.com/pengbridge/pengbridge/core/packet"
	"github.com/pengbridge/pengbridge/core/wire/wiretest"
)

// TestPingSession rebuilds the captured request and answer.
func TestPingSession(t *testing.T) {
	var request, answer []byte
	for _, v := range wiretest.Vectors(t) {
		for _, f := range v.Frames {
			if v.Name == "ping_session" && f.ID == packet.IDPing {
				request = bodyOf(t, f)
			}
			if v.Name == "ping_session" && f.ID == packet.IDPong {
				answer = bodyOf(t, f)
			}
		}
	}
	ping, err := packet.AppendPing(nil, dictOf("hello", "x"), 1795337851.4909585)
	require.NoError(t, err)
	require.Equal(t, request, ping)
	pong, err := packet.AppendPong(nil, request, dictOf("usercount", 3, "who", "static", "echo_cid", 1, "motd", "welcome"), "0.2.0")
	require.NoError(t, err)
	require.Equal(t, answer, pong)
}

func TestAppendPing(t *testing.T) {
	const now = 12.5
	for _, tc := range []struct {
		name string
		data []byte
		want []byte
	}{
		{"nothing", nil, dictOf("time", now)},
		{"empty map", dictOf(), dictOf("time", now)},
		{"own time", dictOf("time", 1.5, "a", 1), dictOf("time", 1.5, "a", 1)},
		{"own time that is nil", dictOf("time", nil), dictOf("time", nil)},
		{"automatic", dictOf("time", "__AUTO__", "a", 1), dictOf("time", now, "a", 1)},
		{"bytes are another key", dictOf([]byte("time"), "__AUTO__"), dictOf([]byte("time"), "__AUTO__", "time", now)},
		{"bytes are another value", dictOf("time", []byte("__AUTO__")), dictOf("time", []byte("__AUTO__"))},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := packet.AppendPing([]byte{42}, tc.data, now)
			require.NoError(t, err)
			require.Equal(t, append([]byte{42}, tc.want...), got)
		})
	}
}

// TestAppendPong compares with what a Python dict does with keys that come again.
func TestAppendPong(t *testing.T) {
	own := msgp.Raw(dictOf("version", "1", "release", "1", "protoversion", 2))
	for _, tc := range []struct {
		name string
		data []byte
		want []byte
	}{
		{"nothing", nil, dictOf("oldmsg", 7, "peng3dnet", own)},
		{"empty map", dictOf(), dictOf("oldmsg", 7, "peng3dnet", own)},
		{"entries", dictOf("b", 1, "a", 2), dictOf("oldmsg", 7, "b", 1, "a", 2, "peng3dnet", own)},
		{"oldmsg replaced in its place", dictOf("a", 1, "oldmsg", 2), dictOf("oldmsg", 2, "a", 1, "peng3dnet", own)},
		{"peng3dnet keeps its place, not its value", dictOf("peng3dnet", 1, "a", 2), dictOf("oldmsg", 7, "peng3dnet", own, "a", 2)},
		{"key twice", dictOf("a", 1, "b", 2, "a", 3), dictOf("oldmsg", 7, "a", 3, "b", 2, "peng3dnet", own)},
		{"bytes are another key", dictOf([]byte("oldmsg"), 1), dictOf("oldmsg", 7, []byte("oldmsg"), 1, "peng3dnet", own)},
		{"the same key in a wider form", unhex(t, "82a16101d9016102"), dictOf("oldmsg", 7, "a", 2, "peng3dnet", own)},
		{"many entries", dictOf(many(20)...), dictOf(append(append([]any{"oldmsg", 7}, many(20)...), "peng3dnet", own)...)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := packet.AppendPong([]byte{42}, []byte{7}, tc.data, "1")
			require.NoError(t, err)
			require.Equal(t, append([]byte{42}, tc.want...), got)
		})
	}
}

func TestPingDataIsAMap(t *testing.T) {
	for name, data := range map[string][]byte{"nil": {0xc0}, "list": {0x90}, "text": {0xa1, 'a'}, "cut off": {0x81, 0xa1, 'a'}, "int key": {0x81, 1, 2}} {
		t.Run(name, func(t *testing.T) {
			before := []byte{42}
			ping, pingErr := packet.AppendPing(before, data, 1)
			pong, pongErr := packet.AppendPong(before, []byte{0xc0}, data, "1")
			for _, err := range []error{pingErr, pongErr} {
				var invalid *packet.InvalidError
				require.ErrorAs(t, err, &invalid)
				require.Equal(t, "data", invalid.Field)
			}
			require.Equal(t, before, ping)
			require.Equal(t, before, pong)
		})
	}
}

func BenchmarkAppendPong(b *testing.B) {
	request := dictOf("time", 1.5)
	data := dictOf("motd", "welcome", "players", 3, "max", 20)
	var dst []byte
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if dst, err = packet.AppendPong(dst[:0], request, data, "0.2.0"); err != nil {
			b.Fatal(err)
		}
	}
}

// many returns n entries.
func many(n int) (pairs []any) {
	for i := range n {
		pairs = append(pairs, string(rune('a'+i)), i)
	}
	return pairs
}
