package eventlog_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	pengbridgev1 "github.com/pengbridge/pengbridge/api/pengbridge/v1"
	"github.com/pengbridge/pengbridge/core/event"
	"github.com/pengbridge/pengbridge/sidecar/eventlog"
)

// toProto says by hand what an event must look like to a client. Events of packets have only what event.Type says of them,
// whatever else a test sets.
func toProto(sequence uint64, e event.Event) *pengbridgev1.Event {
	switch e.Type {
	case event.ServerSend, event.ServerRecv, event.ClientRecv, event.ClientSend:
		e = event.Event{
			Type: e.Type, Time: e.Time, Conn: e.Conn, Conns: e.Conns,
			PacketID: e.PacketID, Packet: e.Packet, Body: e.Body, Frame: e.Frame, Refused: e.Refused,
		}
	}
	p := &pengbridgev1.Event{
		Sequence:      sequence,
		Type:          pengbridgev1.EventType(e.Type),
		ConnectionId:  e.Conn,
		PacketId:      e.PacketID,
		Packet:        e.Packet,
		Refused:       e.Refused,
		Frame:         e.Frame,
		ConnectionIds: e.Conns,
		Address:       addrToProto(e.Addr),
		LocalAddress:  addrToProto(e.Local),
		RemoteAddress: addrToProto(e.Remote),
		Detail:        strings.ToValidUTF8(e.Detail, "\uFFFD"),
		Join:          e.Join,
	}
	if !e.Time.IsZero() {
		p.TimeUnixNano = uint64(e.Time.UnixNano())
	}
	if e.Reason != nil {
		p.Reason = proto.String(strings.ToValidUTF8(*e.Reason, "\uFFFD"))
	}
	if e.Body != nil {
		p.Body = &pengbridgev1.Event_Msgpack{Msgpack: e.Body}
	}
	for _, r := range e.Registry {
		p.Registry = append(p.Registry, &pengbridgev1.RegisteredPacket{
			Name: strings.ToValidUTF8(r.Name, "\uFFFD"), Id: r.ID,
		})
	}
	if e.Timeout != 0 {
		p.Timeout = durationpb.New(e.Timeout)
	}
	return p
}

func addrToProto(a event.Addr) *pengbridgev1.Address {
	if a == (event.Addr{}) {
		return nil
	}
	return &pengbridgev1.Address{Host: a.Host, Port: uint32(a.Port)}
}

// requireEncoded appends the events to a new log and compares what a subscriber gets with what the protobuf library
// makes of them.
func requireEncoded(t *testing.T, events []event.Event) {
	t.Helper()
	l := eventlog.New(eventlog.Options{RingBytes: 1 << 30})
	l.Append(events)
	l.Close()
	c, _, err := l.Subscribe(eventlog.Request{})
	require.NoError(t, err)
	defer c.Close()
	for at := 0; at < len(events); {
		batch, err := c.Next(context.Background(), 0)
		require.NoError(t, err)
		require.Equal(t, uint64(at)+1, batch.First)
		require.Equal(t, batch.First+uint64(batch.Count)-1, batch.Last)

		var want pengbridgev1.SubscribeResponse
		for i := range batch.Count {
			want.Events = append(want.Events, toProto(batch.First+uint64(i), events[at+i]))
		}
		var got pengbridgev1.SubscribeResponse
		require.NoError(t, proto.Unmarshal(batch.Message(), &got))
		require.True(t, proto.Equal(&want, &got), "want %v\ngot  %v", &want, &got)
		require.Len(t, batch.Message(), proto.Size(&want), "nothing is written twice or longer than needed")
		at += batch.Count
	}
}

// everyType has one event of each of the twenty types, with the fields that core/event says it sets.
func everyType() []event.Event {
	var (
		at     = time.Unix(1790000000, 123456789)
		method = "method"
		empty  = ""
		why    = "userrequest"
		addr   = event.Addr{Host: "192.0.2.7", Port: 50123}
		local  = event.Addr{Host: "::1", Port: 8080}
		body   = []byte("\x81\xa3key\x2a")
		frame  = []byte("\x00\x00\x00\x0c\x00\x00\x00\x40\x00\x00\x81\xa3key\x2a")
	)
	events := []event.Event{
		{Type: event.ServerInitialize},
		{Type: event.ServerBind, Addr: local},
		{Type: event.ServerStart},
		{Type: event.ServerStop, Reason: &method},
		{Type: event.ServerInterrupt},
		{Type: event.ServerShutdown, Reason: &why, Join: true, Timeout: 1500 * time.Millisecond},
		{Type: event.ServerAccept, Conn: 3, Addr: addr, Local: local},
		{Type: event.ServerHandshakeComplete, Conn: 3},
		{Type: event.ServerSend, Conns: []uint64{1, 2, 1 << 40}, PacketID: 66, Packet: "chat:message", Body: body, Frame: frame},
		{Type: event.ServerRecv, Conn: 3, PacketID: 66, Packet: "chat:message", Body: body, Refused: true},
		{Type: event.ServerClose, Conn: 3, Reason: &empty, Detail: "connection reset by peer"},
		{Type: event.ClientInitialize},
		{Type: event.ClientConnect, Addr: event.Addr{Host: "localhost", Port: 8080}, Remote: local, Local: addr},
		{Type: event.ClientStart},
		{Type: event.ClientStop, Reason: &method},
		{Type: event.ClientInterrupt},
		{Type: event.ClientHandshakeComplete, Registry: []event.Registered{{Name: "peng3dnet:internal.hello", ID: 1}, {Name: "chat:message", ID: 66}}},
		{Type: event.ClientRecv, PacketID: 70, Body: body},
		{Type: event.ClientSend, PacketID: 66, Packet: "chat:message", Body: body},
		{Type: event.ClientClose, Detail: "EOF"},
	}
	for i := range events {
		events[i].Time = at.Add(time.Duration(i))
	}
	return events
}

func TestEveryTypeIsEncodedAsProtobufDoes(t *testing.T) {
	events := everyType()
	require.Len(t, events, event.Types-1)
	for i, e := range events {
		require.Equal(t, i+1, int(e.Type))
		name := strings.ToUpper(strings.NewReplacer("peng3dnet:", "EVENT_TYPE_", ".", "_").Replace(e.Type.String()))
		require.Equal(t, name, pengbridgev1.EventType(e.Type).String(), "the numbers of core/event are those of the API")
	}
	requireEncoded(t, events)
}

func TestEdgesAreEncodedAsProtobufDoes(t *testing.T) {
	tests := map[string]event.Event{
		"zero time":              {Type: event.ServerStart, Time: time.Time{}},
		"the epoch":              {Type: event.ServerStart, Time: time.Unix(0, 0)},
		"before the epoch":       {Type: event.ServerStart, Time: time.Unix(-1, 5)},
		"negative timeout":       {Type: event.ServerShutdown, Timeout: -1500 * time.Millisecond},
		"timeout below a second": {Type: event.ServerShutdown, Timeout: 7},
		"whole seconds":          {Type: event.ServerShutdown, Timeout: 3 * time.Second},
		"port without host":      {Type: event.ServerBind, Addr: event.Addr{Port: 1}},
		"largest numbers":        {Type: event.ServerRecv, Conn: 1<<64 - 1, PacketID: 1<<32 - 1},
		"connection 0 in a list": {Type: event.ServerSend, Conns: []uint64{0}},
		"a reason no UTF-8":      {Type: event.ClientClose, Reason: proto.String("\xffa\xfe\xfdb"), Detail: "\xc3"},
		"a name no UTF-8":        {Type: event.ClientHandshakeComplete, Registry: []event.Registered{{Name: "\xff", ID: 5}}},
		"unnamed registry row":   {Type: event.ClientHandshakeComplete, Registry: []event.Registered{{}, {ID: 5}}},
		"body of a whole chunk":  {Type: event.ServerRecv, Body: make([]byte, 256<<10)},
		"body larger than that":  {Type: event.ServerRecv, Body: make([]byte, 3<<20)},
		"an owned small body":    {Type: event.ServerRecv, Body: make([]byte, 300), Owned: true, Refused: true},
		"an owned large body":    {Type: event.ServerRecv, Body: make([]byte, 3<<20), Owned: true, Refused: true},
		"large body and frame":   {Type: event.ServerSend, Body: make([]byte, 200<<10), Frame: make([]byte, 200<<10), Conns: []uint64{5}},
		"large frame":            {Type: event.ServerSend, Frame: make([]byte, 300<<10)},
	}
	for name, e := range tests {
		t.Run(name, func(t *testing.T) {
			requireEncoded(t, []event.Event{{Type: event.ServerInitialize}, e, {Type: event.ServerStop}})
		})
	}
}

func TestRandomEventsAreEncodedAsProtobufDoes(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	events := make([]event.Event, 3000)
	for i := range events {
		events[i] = randomEvent(r)
	}
	requireEncoded(t, events)
}

// randomEvent sets each field, whatever the type, with a chance of one half.
func randomEvent(r *rand.Rand) event.Event {
	some := func() bool { return r.IntN(2) == 0 }
	text := func() string { return strings.Repeat("é", r.IntN(100)) }
	number := func() uint64 { return r.Uint64() >> r.IntN(64) }
	addr := func() event.Addr { return event.Addr{Host: text(), Port: uint16(number())} }
	e := event.Event{Type: event.Type(1 + r.IntN(event.Types-1)), Time: time.Unix(0, int64(number()))}
	if some() {
		e.Conn, e.PacketID = number(), uint32(number())
	}
	if some() {
		e.Packet, e.Refused, e.Join = text(), some(), some()
	}
	if some() {
		e.Body = append([]byte{0xc0}, text()...)
	}
	if some() {
		e.Frame = []byte(strings.Repeat("f", r.IntN(9000)))
	}
	for some() {
		e.Conns = append(e.Conns, number())
	}
	if some() {
		e.Addr, e.Local, e.Remote = addr(), addr(), addr()
	}
	if some() {
		reason := text()
		e.Reason, e.Detail = &reason, text()
	}
	if some() {
		e.Timeout = time.Duration(number())
	}
	for some() {
		e.Registry = append(e.Registry, event.Registered{Name: fmt.Sprint(number()), ID: uint32(number())})
	}
	return e
}

func TestPacketNamesCanBeOmitted(t *testing.T) {
	l := eventlog.New(eventlog.Options{OmitPacketNames: true})
	l.Append([]event.Event{{Type: event.ServerRecv, PacketID: 66, Packet: "chat:message", Body: []byte{0xc0}}})
	c, _, err := l.Subscribe(eventlog.Request{})
	require.NoError(t, err)
	defer c.Close()
	batch, err := c.Next(context.Background(), 0)
	require.NoError(t, err)
	got := decode(t, batch)[0]
	require.Empty(t, got.GetPacket())
	require.Equal(t, uint32(66), got.GetPacketId())
}

// FuzzEncode looks for an event that a client would not see as it was appended.
func FuzzEncode(f *testing.F) {
	f.Add(uint8(10), int64(1), uint64(3), uint32(66), "chat:message", []byte{0xc0}, []byte("frame"), "why", "detail", int64(5))
	f.Fuzz(func(t *testing.T, typ uint8, nanos int64, number uint64, id uint32, name string, body, frame []byte, reason, detail string, timeout int64) {
		if !utf8.ValidString(name) {
			t.Skip("packet names and addresses are checked before")
		}
		requireEncoded(t, []event.Event{{
			Type: event.Type(1 + int(typ)%(event.Types-1)), Time: time.Unix(0, nanos), Conn: number, PacketID: id,
			Packet: name, Body: append([]byte{0xc0}, body...), Frame: frame, Conns: []uint64{number, uint64(id)},
			Addr: event.Addr{Host: name, Port: uint16(id)}, Reason: &reason, Detail: detail,
			Timeout: time.Duration(timeout), Registry: []event.Registered{{Name: detail, ID: id}},
		}})
	})
}
