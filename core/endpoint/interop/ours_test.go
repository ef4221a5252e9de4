//go:build interop

package interop

import (
	"bytes"
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pengbridge/pengbridge/core/endpoint"
	"github.com/pengbridge/pengbridge/core/event"
	"github.com/pengbridge/pengbridge/core/packet"
)

// recorder keeps the events of one of our endpoints for a test to wait for. Its await is for the test's goroutine.
type recorder struct {
	t      *testing.T
	events chan event.Event
	passed []event.Event // read while waiting for another one
}

func newRecorder(t *testing.T) *recorder {
	return &recorder{t: t, events: make(chan event.Event, 8192)}
}

// Append takes events, as event.Sink says.
func (r *recorder) Append(events []event.Event) {
	for _, ev := range events {
		ev.Body, ev.Frame = bytes.Clone(ev.Body), bytes.Clone(ev.Frame)
		r.events <- ev
	}
}

// await returns the next event of a type. Others are kept for later calls.
func (r *recorder) await(typ event.Type) event.Event {
	r.t.Helper()
	return r.awaitWhere(typ, func(event.Event) bool { return true })
}

// awaitPacket returns the next packet of a name that was received.
func (r *recorder) awaitPacket(typ event.Type, name string) event.Event {
	r.t.Helper()
	return r.awaitWhere(typ, func(ev event.Event) bool { return ev.Packet == name })
}

func (r *recorder) awaitWhere(typ event.Type, fits func(event.Event) bool) event.Event {
	r.t.Helper()
	for i, ev := range r.passed {
		if ev.Type == typ && fits(ev) {
			r.passed = append(r.passed[:i], r.passed[i+1:]...)
			return ev
		}
	}
	deadline := time.After(patience)
	for {
		select {
		case ev := <-r.events:
			if ev.Type == typ && fits(ev) {
				return ev
			}
			r.passed = append(r.passed, ev)
		case <-deadline:
			require.FailNow(r.t, "our endpoint did not report "+typ.String())
		}
	}
}

// server is one of our servers.
type server struct {
	*endpoint.Server
	*recorder
	address string
}

// serve makes a server of ours that ends with the test.
func serve(t *testing.T, opts endpoint.ServerOptions, packets ...string) server {
	t.Helper()
	rec := newRecorder(t)
	opts.Packets, opts.Events = types(packets), rec
	s, err := endpoint.Listen(t.Context(), "127.0.0.1:0", opts)
	require.NoError(t, err)
	t.Cleanup(func() { _ = s.Stop() }) // never fails
	return server{s, rec, loopback(int(s.Addr().Port))}
}

// echo sends back the next packet of a name, and returns its body.
func (s server) echo(name string) []byte {
	s.t.Helper()
	ev := s.awaitPacket(event.ServerRecv, name)
	require.NoError(s.t, s.Send(ev.Conn, packet.Name(name), ev.Body))
	return ev.Body
}

// client is one of our clients.
type client struct {
	*endpoint.Client
	*recorder
}

// connect makes a client of ours, whose handshake is complete, and which ends with the test.
func connect(t *testing.T, address string, opts endpoint.ClientOptions, packets ...string) client {
	t.Helper()
	c, err := dial(t, address, opts, packets...)
	require.NoError(t, err)
	return c
}

// dial is connect where the handshake may fail.
func dial(t *testing.T, address string, opts endpoint.ClientOptions, packets ...string) (client, error) {
	t.Helper()
	rec := newRecorder(t)
	opts.Packets, opts.Events, opts.WaitHandshake = types(packets), rec, true
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	c, err := endpoint.Dial(ctx, address, opts)
	if err == nil {
		t.Cleanup(func() { _ = c.Stop() }) // never fails
	}
	return client{c, rec}, err
}

// ask sends a body and returns what comes back under the same name.
func (c client) ask(name string, body []byte) []byte {
	c.t.Helper()
	require.NoError(c.t, c.Send(0, packet.Name(name), body))
	return c.awaitPacket(event.ClientRecv, name).Body
}

func types(names []string) []packet.Type {
	types := make([]packet.Type, len(names))
	for i, name := range names {
		types[i].Name = name
	}
	return types
}

func loopback(port int) string { return fmt.Sprintf("127.0.0.1:%d", port) }
