package session_test

import (
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pengbridge/pengbridge/core/event"
	"github.com/pengbridge/pengbridge/core/packet"
	"github.com/pengbridge/pengbridge/core/session"
)

// sequenceSteps are what can happen to a session: well-formed packets of either direction, and what its application and its
// endpoint do.
func sequenceSteps(tb testing.TB) []func(p *peer) {
	frames := [][]byte{
		packed(packet.IDHello, helloBody),
		packed(packet.IDHello, []byte("\x81\xacprotoversion\x01")),
		packed(packet.IDHello, empty),
		packed(packet.IDSettype, settypeBody),
		packed(packet.IDSettype, packet.AppendSettype(nil, session.ConntypePing)),
		packed(packet.IDSettype, packet.AppendSettype(nil, "bare")),
		packed(packet.IDSettype, packet.AppendSettype(nil, "nosuch")),
		packed(packet.IDHandshake, handshakeBody),
		packed(packet.IDHandshake, packet.AppendHandshake(nil, "", []event.Registered{{Name: "x", ID: 64}, {Name: "y", ID: 64}})),
		packed(packet.IDHandshake, empty),
		packed(packet.IDAccept, acceptBody),
		packed(packet.IDAccept, refusal),
		packed(packet.IDClose, packet.AppendClose(nil, ptr("theirs"))),
		packed(packet.IDClose, []byte{0x07}),
		packed(0, empty),
		packed(63, empty),
		packed(64, empty),
		compressed(tb, 65, blob(3000)),
		packed(66, []byte{0xc0}),
		packed(1<<31, empty),
	}
	steps := make([]func(p *peer), 0, len(frames)+7)
	for _, frame := range frames {
		steps = append(steps, func(p *peer) { p.receive(slices.Clone(frame)) })
	}
	return append(steps,
		func(p *peer) { p.mustSend(packet.Name("app:a")) },
		func(p *peer) { p.mustSend(packet.ID(packet.IDPong)) },
		func(p *peer) { p.close(ptr("mine")) },
		func(p *peer) { _ = p.session.Set(state(65)) },
		func(p *peer) { _ = p.session.Set(session.Changes{Mode: ptr(uint32(3)), Conntype: ptr("bare")}) },
		func(p *peer) { p.session.StreamEnd(nil, true); p.settle() },
		func(p *peer) { p.session.Cut(ptr("cut"), "by the test"); p.settle() },
	)
}

// mustSend sends a packet, or gets an error that it must get.
func (p *peer) mustSend(ref packet.Ref) {
	wasActive, wasClosing := p.session.Active(), p.session.Closing()
	err := p.send(ref, empty)
	switch {
	case wasClosing:
		require.ErrorIs(p.tb, err, session.ErrClosed)
	case !wasActive:
		require.ErrorIs(p.tb, err, session.ErrNotActive)
	case err != nil: // a ping connection carries no others
		var invalid *packet.InvalidError
		require.True(p.tb, errors.As(err, &invalid) || errors.Is(err, packet.ErrUnknown), "%v", err)
	}
}

// FuzzSequence plays packets and calls in any order to a session of either side.
func FuzzSequence(f *testing.F) {
	for i := range byte(30) {
		f.Add([]byte{3, 10, i, 16}, true)
		f.Add([]byte{0, 7, i, 16}, false)
	}
	steps := sequenceSteps(f)
	f.Fuzz(func(t *testing.T, script []byte, server bool) { sequence(t, steps, script, server) })
}

// TestSequences plays every sequence of two steps, and some longer ones.
func TestSequences(t *testing.T) {
	steps := sequenceSteps(t)
	n := len(steps)
	for _, server := range []bool{true, false} {
		for i := range n * n {
			sequence(t, steps, []byte{byte(i / n), byte(i % n)}, server)
		}
		for seed := range uint64(300) {
			random := rand.New(rand.NewPCG(seed, 1))
			script := make([]byte, 4+random.IntN(20))
			for i := range script {
				script[i] = byte(random.IntN(n))
			}
			sequence(t, steps, script, server)
			require.False(t, t.Failed(), "seed %d", seed)
		}
	}
}

// sequence plays a script. Whatever comes, what goes out is well formed, application packets count as accepted only once the
// connection is active, it becomes so once at most, and its close is reported once, as the last that happens.
func sequence(t *testing.T, steps []func(p *peer), script []byte, server bool) {
	side := packet.ClientSide
	if server {
		side = packet.ServerSide
	}
	p := newPeer(t, side, types("app:a", "app:b"), func(cfg *session.Config) {
		cfg.Ping = &session.PingAnswer{}
		cfg.Missing = session.MissingIgnore
		require.NoError(t, cfg.Conntypes.Add(session.Conntype{Name: "bare", Handshake: session.HandshakeNone}))
	})
	for _, b := range script {
		wasActive, wasClosed, before := p.session.Active(), p.session.Closed(), len(p.events)
		steps[int(b)%len(steps)](p)
		if wasClosed {
			require.Len(t, p.events, before, "a closed session is dead")
		}
		for _, ev := range p.events[before:] {
			if strings.Contains(ev, "recv app:") && !strings.Contains(ev, "refused") {
				require.True(t, wasActive, ev)
			}
		}
		if p.session.Closing() {
			require.True(t, p.session.Closed())
			p.reason()
		}
	}
	if sent := ids(t, p.take()); slices.Contains(sent, packet.IDClose) {
		require.Equal(t, len(sent)-1, slices.Index(sent, packet.IDClose), "closeconn goes out once, and nothing behind it")
	}
	for word, most := range map[string]int{"handshakecomplete": 1, ".close": 1} {
		require.LessOrEqual(t, count(p.events, word), most)
	}
	if at := slices.IndexFunc(p.events, func(ev string) bool { return strings.Contains(ev, ".close ") }); at >= 0 {
		require.Equal(t, len(p.events)-1, at, "close is the last event")
	}
}
