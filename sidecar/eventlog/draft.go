// Drafts: encoded events that lack only what depends on their place in the log.

package eventlog

import (
	"bytes"

	"github.com/pengbridge/pengbridge/core/event"
)

// drafts are the tails of the events of one Append. They are encoded before the log is locked, so that the time under its lock
// hardly depends on the events' contents, and into memory that is reused.
type drafts struct {
	buf  []byte // the tails, one after the other
	ends []int  // where in buf each tail ends
	// large has, in order, the events that get a chunk to themselves. In ends, their tails look empty, which no other one is.
	large []largeDraft
}

// largeDraft is a tail in two parts: the body, which is not copied if the event owns it, comes last.
type largeDraft struct {
	buf  []byte // maxHead bytes, and the tail up to the body's bytes
	body []byte // empty if the event has none
}

// encode writes the events to empty drafts.
func (d *drafts) encode(events []event.Event, omitPacketNames bool) {
	buf, ends := d.buf, d.ends // while the collector works, each store to d would cost as much as encoding a field
	for i := range events {
		e := &events[i]
		packet := e.Packet
		if omitPacketNames {
			packet = ""
		}
		if size := len(e.Body) + len(e.Frame); size <= maxChunk {
			buf = appendTail(buf, e, packet)
		} else {
			d.large = append(d.large, encodeLarge(e, packet))
		}
		ends = append(ends, len(buf))
	}
	d.buf, d.ends = buf, ends
}

// encodeLarge writes an event that gets a chunk to itself.
func encodeLarge(e *event.Event, packet string) largeDraft {
	const others = 1 << 10 // more than the other fields of such an event take
	bodiless := *e
	bodiless.Body = nil
	buf := appendTail(make([]byte, maxHead, maxHead+len(e.Frame)+len(packet)+others), &bodiless, packet)
	if len(e.Body) == 0 {
		return largeDraft{buf: buf}
	}
	buf = appendVarint(append(buf, tagMsgpack), uint64(len(e.Body)))
	if e.Owned {
		return largeDraft{buf, e.Body}
	}
	return largeDraft{buf, bytes.Clone(e.Body)}
}

// reset empties the drafts, and gives up memory of a size that is seldom needed.
func (d *drafts) reset() {
	clear(d.large)
	d.buf, d.ends, d.large = d.buf[:0], d.ends[:0], d.large[:0]
	if cap(d.buf) > maxChunk {
		d.buf = nil
	}
}
