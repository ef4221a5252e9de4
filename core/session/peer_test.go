package session_test

import (
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
	p.session.Close(now, reason, "", &p.out)
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

func ptr[T any](v T) *T { return &v }
