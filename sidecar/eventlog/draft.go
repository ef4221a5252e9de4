// Drafts: events encoded but for what only their place in the log decides.

package eventlog

import "github.com/pengbridge/pengbridge/core/event"

// drafts are the tails of the events of one Append. They are written before the log is locked, so that what is done under
// its lock does not grow with what is in the events, and into memory that is used again and again.
type drafts struct {
	buf  []byte // the tails, one behind the other
	ends []int  // where in buf each tail ends
	// large has, in order, the tails of events that get a chunk to themselves, each with maxHead bytes in front of it.
	// Their ends are those of their predecessors: no tail is empty.
	large [][]byte
}

// encode writes the events to empty drafts.
func (d *drafts) encode(events []event.Event, omitPacketNames bool) {
	buf, ends := d.buf, d.ends // while the collector is at work, each store to d would cost as much as a field
	for i := range events {
		e := &events[i]
		packet := e.Packet
		if omitPacketNames {
			packet = ""
		}
		if size := len(e.Body) + len(e.Frame); size <= maxChunk {
			buf = appendTail(buf, e, packet)
		} else {
			const others = 1 << 10 // more than the other fields of such an event take
			large := make([]byte, maxHead, maxHead+size+len(packet)+others)
			d.large = append(d.large, appendTail(large, e, packet))
		}
		ends = append(ends, len(buf))
	}
	d.buf, d.ends = buf, ends
}

// reset empties the drafts, and gives up memory that they will seldom need.
func (d *drafts) reset() {
	clear(d.large)
	d.buf, d.ends, d.large = d.buf[:0], d.ends[:0], d.large[:0]
	if cap(d.buf) > maxChunk {
		d.buf = nil
	}
}
