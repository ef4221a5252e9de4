// Cursors: one subscriber's way through the log.

package eventlog

import (
	"context"
	"io"
	"slices"
	"time"
)

// maxUnderWay is for how many batches an acknowledging subscriber may owe acknowledgements. With one, the stream would be idle
// while the acknowledgement travels; with more than two, batches would stay small when the subscriber is slow.
const maxUnderWay = 2

// Cursor hands out the log's events in order. Next and Sent belong to one goroutine; Close may be called from any.
type Cursor struct {
	log        *Log
	name       string
	types      typeSet
	subscriber *subscriber // nil for an observer
	wake       chan struct{}
	idle       *time.Timer // only Next uses it

	// The log's lock guards these; only Next changes next.
	next      uint64
	delivered uint64   // the last event handed out
	underWay  []uint64 // the last events of batches that are not wholly acknowledged; empty unless the mode is Acknowledging
	parked    bool     // whether the log's Append wakes it
	err       error    // why it has ended
}

// Next returns the next batch. It waits for events and, if the subscriber is Acknowledging, until at most one batch is
// unacknowledged. After waiting for idle (0: for ever) it returns an empty batch whose Last is the log's last sequence.
//
// Errors: io.EOF after the last event of a closed log; [*GoneError] when an observer was too slow; [ErrTakenOver]; [ErrResumed];
// [ErrCursorClosed]; the context's error, after which Next may be called again.
func (c *Cursor) Next(ctx context.Context, idle time.Duration) (Batch, error) {
	if batch, ok, err := c.poll(ctx); ok {
		return batch, err
	}
	var heartbeat <-chan time.Time
	if idle > 0 {
		if c.idle == nil {
			c.idle = time.NewTimer(idle)
		} else {
			c.idle.Reset(idle)
		}
		defer c.idle.Stop()
		heartbeat = c.idle.C
	}
	for {
		select {
		case <-c.wake:
		case <-heartbeat:
			return Batch{Last: c.log.last()}, nil
		case <-ctx.Done():
			return Batch{}, ctx.Err()
		}
		if batch, ok, err := c.poll(ctx); ok {
			return batch, err
		}
	}
}

// poll returns what there is for Next to return, if anything. If not, a wake-up comes when there may be.
func (c *Cursor) poll(ctx context.Context) (batch Batch, ok bool, err error) {
	for {
		batch, wait, err := c.take()
		if wait || err != nil || batch.Count > 0 {
			return batch, !wait, err
		}
		if err := ctx.Err(); err != nil { // with a filter that lets nothing through, this may go on for long
			return Batch{}, true, err
		}
	}
}

// take returns what there is. An empty batch means that there is nothing yet (wait), or that all of it was filtered out.
func (c *Cursor) take() (batch Batch, wait bool, err error) {
	l := c.log
	l.mu.Lock()
	if wait, err = c.mustWait(); wait || err != nil {
		l.mu.Unlock()
		return Batch{}, wait, err
	}
	batch = l.store.chunkOf(c.next).span(c.next)
	if c.types == 0 {
		c.pass(batch, batch.Last)
		l.mu.Unlock()
		return batch, false, nil
	}
	l.mu.Unlock() // what a batch refers to never changes
	last := batch.Last
	whole := batch
	batch = whole.filter(c.types)
	whole.Release()
	l.mu.Lock()
	if c.err != nil { // somebody took over meanwhile
		l.mu.Unlock()
		return Batch{}, false, c.err
	}
	c.pass(batch, last)
	l.unlock(l.settle())
	return batch, false, nil
}

// mustWait reports whether there is nothing to hand out now, or never again. If so it has arranged for a wake-up. The
// log's lock is held.
func (c *Cursor) mustWait() (bool, error) {
	l := c.log
	if c.subscriber != nil {
		// What is gone was acknowledged, perhaps since this stream began: the previous stream has delivered it.
		c.next = max(c.next, l.store.first)
	}
	switch {
	case c.err != nil:
		return false, c.err
	case c.next < l.store.first:
		c.err = &GoneError{Sequence: c.next, Oldest: l.store.first}
		return false, c.err
	case c.next == l.store.next && l.closed:
		return false, io.EOF
	case len(c.underWay) >= maxUnderWay:
		return true, nil // credit wakes it
	case c.next == l.store.next:
		if !c.parked {
			c.parked = true
			l.parked = append(l.parked, c)
		}
		return true, nil
	}
	return false, nil
}

// pass moves the cursor beyond the event last; the batch is what the filter has left of the events up to there. The log's lock
// is held, and if there is a filter, settle must follow.
func (c *Cursor) pass(batch Batch, last uint64) {
	if s := c.subscriber; s != nil {
		s.sent = max(s.sent, last)
		if batch.Count > 0 {
			c.skip(batch.First - 1)
			c.delivered = batch.Last
			if s.mode == Acknowledging && batch.Last > s.acked {
				c.underWay = append(c.underWay, batch.Last)
			}
		}
		c.skip(last)
	}
	c.next = last + 1
}

// skip acknowledges events that were filtered out, up to the given one, if everything that was handed out before them is
// acknowledged. The subscriber never does that, and the log would keep them. The log's lock is held.
func (c *Cursor) skip(last uint64) {
	s := c.subscriber
	if c.types != 0 && s.acked >= c.delivered && s.acked < last {
		s.acked = last
		s.position = c.log.store.position(last + 1)
	}
}

// credit takes note of an acknowledgement. The log's lock is held.
func (c *Cursor) credit() {
	for len(c.underWay) > 0 && c.underWay[0] <= c.subscriber.acked {
		c.underWay = slices.Delete(c.underWay, 0, 1)
		c.signal()
	}
	c.skip(c.next - 1)
}

// Sent says that the batch was written to the stream, which acknowledges it for a [Durable] subscriber. For others it does
// nothing.
func (c *Cursor) Sent(b Batch) {
	l := c.log
	l.mu.Lock()
	s := c.subscriber
	if s == nil || s.cursor != c || s.mode != Durable {
		l.mu.Unlock()
		return
	}
	l.acknowledge(s, b.Last)
	l.unlock(l.settle())
}

// Close ends the cursor; Next returns [ErrCursorClosed] from then on. A durable subscriber's grace time begins.
func (c *Cursor) Close() {
	l := c.log
	l.mu.Lock()
	if s := c.subscriber; s != nil && s.cursor == c {
		s.cursor = nil
		l.beginAbsence(s)
	}
	l.observers = slices.DeleteFunc(l.observers, func(other *Cursor) bool { return other == c })
	c.end(ErrCursorClosed)
	l.unlock(l.settle())
}

// end makes Next return the error. The log's lock is held.
func (c *Cursor) end(err error) {
	if c.err != nil {
		return
	}
	c.err = err
	if c.parked {
		c.parked = false
		c.log.parked = slices.DeleteFunc(c.log.parked, func(other *Cursor) bool { return other == c })
	}
	c.signal()
}

// signal wakes Next, now or when it waits next.
func (c *Cursor) signal() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}
