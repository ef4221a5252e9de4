package session_test

import (
	"bytes"
	"encoding/binary"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pengbridge/pengbridge/core/event"
	"github.com/pengbridge/pengbridge/core/packet"
	"github.com/pengbridge/pengbridge/core/session"
	"github.com/pengbridge/pengbridge/core/wire"
)

// peer is one end of a connection under test: a session with its inbound half, driven by hand.
type peer struct {
	tb      testing.TB
	cfg     *session.Config
	inbound session.Inbound
	session *session.Session
	out     session.Output
	frames  []byte   // written and not looked at yet
	events  []string // as describe shows them
	numbers []uint32 // of the numbered bodies that were received
}

// now is the time of everything in these tests: sessions have no clock of their own.
var now = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

// newPeer makes a begun session of one side that knows the given packets.
func newPeer(tb testing.TB, side packet.Side, packets []packet.Type, change ...func(*session.Config)) *peer {
	tb.Helper()
	cfg := &session.Config{
		Side: side, Version: session.CompatibleRelease, Conntype: session.ConntypeClassic,
		Limits: session.Limits{Packet: 16 << 20, Handshake: 64 << 10, Registry: 1 << 20},
	}
	for i := range cfg.Records {
		cfg.Records[i] = true
	}
	compression := wire.DefaultCompression()
	cfg.Compression.Store(&compression)
	require.NoError(tb, cfg.Registry.Change(func(t *packet.Table) (*packet.Table, error) {
		t, _, err := t.Add(packets...)
		if err != nil {
			return nil, err
		}
		return t.AddInternal(), nil
	}))
	for _, f := range change {
		f(cfg)
	}
	var id uint64
	if side == packet.ServerSide {
		id = 7
	}
	p := &peer{tb: tb, cfg: cfg, session: session.New(cfg, id)}
	if side == packet.ServerSide {
		p.session.Accepted(now, event.Addr{Host: "127.0.0.1", Port: 1}, event.Addr{Host: "127.0.0.1", Port: 2}, &p.out)
	}
	p.session.Begin(now, packet.TLSNone, &p.out)
	p.settle()
	return p
}

// settle notes what the session decided; once its end is decided, it ends.
func (p *peer) settle() {
	p.note()
	if p.session.Closing() {
		p.session.End(now, &p.out)
		p.note()
	}
}

func (p *peer) note() {
	p.frames = append(p.frames, p.out.Frames...)
	for _, ev := range p.out.Events {
		p.events = append(p.events, describe(ev))
		if received := ev.Type == event.ServerRecv || ev.Type == event.ClientRecv; received && bytes.HasPrefix(ev.Body, numberedPrefix) {
			p.numbers = append(p.numbers, binary.BigEndian.Uint32(ev.Body[len(numberedPrefix):]))
		}
	}
	p.out.Reset()
}

// receive feeds bytes and handles every packet in them.
func (p *peer) receive(b []byte) {
	p.inbound.Feed(b)
	for {
		pkt, ok, err := p.inbound.Next(p.session.BodyLimit())
		if err != nil {
			p.session.Refuse(now, err, &p.out)
		}
		if !ok {
			break
		}
		p.session.Receive(now, pkt, &p.out)
		p.note()
	}
	p.inbound.Settle()
	p.settle()
}

// send sends an application packet, as an endpoint does it.
func (p *peer) send(ref packet.Ref, body []byte) error {
	typ, err := p.session.Permit(ref)
	if err != nil {
		return err
	}
	frame, err := p.cfg.Compression.Load().AppendPacket(nil, typ.ID, body)
	require.NoError(p.tb, err)
	p.session.Sent(now, typ, body, frame, &p.out)
	p.frames = append(p.frames, frame...)
	p.settle()
	return nil
}

func (p *peer) close(reason *string) {
	p.session.Close(now, reason, "by the test", &p.out)
	p.settle()
}

// take returns what was written since the last call.
func (p *peer) take() []byte {
	b := p.frames
	p.frames = nil
	return b
}

// describe makes one line of an event.
func describe(ev event.Event) string {
	s := ev.Type.String()
	if ev.Packet != "" {
		s += " " + ev.Packet
	}
	if ev.Refused {
		s += " refused"
	}
	if ev.Type == event.ServerClose || ev.Type == event.ClientClose {
		if ev.Reason == nil {
			return s + " None"
		}
		s += " " + *ev.Reason
	}
	return s
}

// plainFrame is a frame without compression: its id and its body.
type plainFrame struct {
	id   uint32
	body []byte
}

// plain decodes frames and inflates their bodies.
func plain(tb testing.TB, b []byte) (frames []plainFrame) {
	tb.Helper()
	var in session.Inbound
	in.Feed(b)
	for {
		p, ok, err := in.Next(64 << 20)
		require.NoError(tb, err)
		if !ok {
			require.Zero(tb, in.Pending(), "an incomplete frame was written")
			return frames
		}
		frames = append(frames, plainFrame{p.ID, append([]byte(nil), p.Body...)})
	}
}

// ids returns the packet ids of frames.
func ids(tb testing.TB, b []byte) (ids []uint32) {
	for _, f := range plain(tb, b) {
		ids = append(ids, f.id)
	}
	return ids
}

// packed is a frame with a body as it is.
func packed(id uint32, body []byte) []byte { return wire.AppendFrame(nil, id, 0, body) }

// stage is how far a peer has got before a test begins.
type stage int

const (
	begun     stage = iota // a server waits for settype, a client for hello
	shaking                // a server waits for accept, a client for the handshake
	connected              // both are active
)

// advance brings a fresh peer to a stage, and forgets what it wrote and reported until then.
func (p *peer) advance(to stage) *peer {
	p.tb.Helper()
	var steps [][]byte
	if p.cfg.Side == packet.ServerSide {
		steps = [][]byte{packed(packet.IDSettype, packet.AppendSettype(nil, session.ConntypeClassic)), packed(packet.IDAccept, packet.AppendAccept(nil))}
	} else {
		registry := p.cfg.Registry.Table().InOrder()
		steps = [][]byte{packed(packet.IDHello, packet.AppendHello(nil, "0.2.0")), packed(packet.IDHandshake, packet.AppendHandshake(nil, "0.2.0", registry))}
	}
	for _, step := range steps[:to] {
		p.receive(step)
	}
	require.False(p.tb, p.session.Closing())
	require.Equal(p.tb, to == connected, p.session.Active())
	p.frames, p.events = nil, nil
	return p
}

// converse carries bytes between two peers until both are silent.
func converse(a, b *peer) {
	for {
		fromA, fromB := a.take(), b.take()
		if len(fromA)+len(fromB) == 0 {
			return
		}
		b.receive(fromA)
		a.receive(fromB)
	}
}

// reason returns the reason of a peer's close event; it fails if there is none.
func (p *peer) reason() string {
	p.tb.Helper()
	require.True(p.tb, p.session.Closed(), "the connection is still open")
	reason, detail := p.session.Reason()
	require.NotEmpty(p.tb, detail, "a close has a detail for people")
	if reason == nil {
		return "None"
	}
	return *reason
}

func ptr[T any](v T) *T { return &v }
