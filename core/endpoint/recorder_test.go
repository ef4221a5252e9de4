package endpoint_test

import (
	"bytes"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pengbridge/pengbridge/core/event"
)

// patience is how long a test waits for something that has to happen.
const patience = 20 * time.Second

// recorder is a sink that keeps everything.
type recorder struct {
	mu      sync.Mutex
	events  []event.Event
	changed chan struct{} // closed at the next change
}

func newRecorder() *recorder { return &recorder{changed: make(chan struct{})} }

// Append implements event.Sink.
func (r *recorder) Append(events []event.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, ev := range events {
		ev.Body, ev.Frame = bytes.Clone(ev.Body), bytes.Clone(ev.Frame)
		r.events = append(r.events, ev)
	}
	close(r.changed)
	r.changed = make(chan struct{})
}

// all returns what was recorded so far.
func (r *recorder) all() []event.Event {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.events)
}

// until waits until ok is true for what was recorded.
func (r *recorder) until(tb testing.TB, what string, ok func([]event.Event) bool) {
	tb.Helper()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for {
		r.mu.Lock()
		done, changed := ok(r.events), r.changed
		r.mu.Unlock()
		if done {
			return
		}
		select {
		case <-changed:
		case <-timer.C:
			require.FailNow(tb, "timed out", "waiting for %s; recorded: %v", what, names(r.all()))
		}
	}
}

// await returns the first event of a type at a connection.
func (r *recorder) await(tb testing.TB, typ event.Type, conn uint64) (found event.Event) {
	tb.Helper()
	r.until(tb, typ.String(), func(events []event.Event) bool {
		i := slices.IndexFunc(events, func(ev event.Event) bool { return ev.Type == typ && ev.Conn == conn })
		if i >= 0 {
			found = events[i]
		}
		return i >= 0
	})
	return found
}

// count waits for n events of a type.
func (r *recorder) count(tb testing.TB, typ event.Type, n int) {
	tb.Helper()
	r.until(tb, typ.String(), func(events []event.Event) bool { return len(ofType(events, typ)) >= n })
}

func ofType(events []event.Event, typ event.Type) []event.Event {
	return slices.DeleteFunc(slices.Clone(events), func(ev event.Event) bool { return ev.Type != typ })
}

// held is a recorder that stops at one event, before it is recorded, until it is let go.
type held struct {
	*recorder
	at           func(event.Event) bool
	reached, let chan struct{}
}

func newHeld(at func(event.Event) bool) held {
	return held{newRecorder(), at, make(chan struct{}), make(chan struct{})}
}

func (h held) Append(events []event.Event) {
	if slices.ContainsFunc(events, h.at) {
		close(h.reached)
		<-h.let
	}
	h.recorder.Append(events)
}

// names shows events as lines: name, packet, reason.
func names(events []event.Event) (lines []string) {
	for _, ev := range events {
		line := ev.Type.String()[len("peng3dnet:"):]
		if ev.Packet != "" {
			line += " " + ev.Packet
		}
		if ev.Refused {
			line += " refused"
		}
		if ev.Type == event.ServerClose || ev.Type == event.ClientClose {
			line += " " + text(ev.Reason)
		}
		lines = append(lines, line)
	}
	return lines
}

// text shows a reason.
func text(reason *string) string {
	if reason == nil {
		return "None"
	}
	return *reason
}

func ptr[T any](v T) *T { return &v }
