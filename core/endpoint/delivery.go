package endpoint

import (
	"time"

	"github.com/pengbridge/pengbridge/core/event"
	"github.com/pengbridge/pengbridge/core/packet"
	"github.com/pengbridge/pengbridge/core/session"
)

// delivery is one broadcast on its way to its connections.
type delivery struct {
	ref   packet.Ref
	frame frame
	batch *Batch // what it is part of
	out   *session.Output

	queued  int      // how many connections took it
	skipped []uint64 // those that did not, or were not there
}

// each queues the packet to every target that may get it.
func (d *delivery) each(targets []*conn) {
	for _, c := range targets {
		c.mu.Lock()
		_, err := c.permit(d.ref, d.out)
		d.queue(c, err == nil)
		c.mu.Unlock()
	}
}

// report does the same where sends are recorded. The one event comes first, with all connections that may get the packet.
// They are pinned meanwhile: their close is not reported before the packet is queued, so that close stays the last event of
// every connection.
func (d *delivery) report(targets []*conn, ev event.Event, sink event.Sink) {
	pinned := targets[:0]
	ev.Conns = make([]uint64, 0, len(targets))
	for _, c := range targets {
		if d.pin(c) {
			pinned = append(pinned, c)
			ev.Conns = append(ev.Conns, c.id)
		} else {
			d.skipped = append(d.skipped, c.id)
		}
	}
	if len(pinned) == 0 {
		return
	}
	ev.Time = time.Now()
	sink.Append([]event.Event{ev})
	for _, c := range pinned {
		c.mu.Lock()
		c.pins--
		d.queue(c, !c.sess.Closing())
		if c.sess.Closing() {
			c.conclude(d.out)
		}
		c.mu.Unlock()
	}
}

// pin keeps a connection's close from being reported, if the packet may go out now.
func (d *delivery) pin(c *conn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, err := c.permit(d.ref, d.out); err != nil {
		return false
	}
	if !c.fits(len(d.frame.bytes)) {
		c.overflow(d.out)
		return false
	}
	c.pins++
	return true
}

// queue queues the packet to a connection that it is permitted for, if it has room. c.mu is held.
func (d *delivery) queue(c *conn, permitted bool) {
	switch {
	case permitted && c.fits(len(d.frame.bytes)):
		c.deliver(d.frame, d.out, d.batch)
		d.queued++
		return
	case permitted:
		c.overflow(d.out)
	}
	d.skipped = append(d.skipped, c.id)
}
