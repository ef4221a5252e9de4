package endpoint

import (
	"runtime"
	"sync"
	"time"

	"github.com/pengbridge/pengbridge/core/session"
)

const (
	// packetsAtOnce is how many packets are handled under one lock, and reported in one call.
	packetsAtOnce = 256
	// inflatedAtOnce is how many bytes of inflated bodies are held before they are handled: a read full of small frames
	// that inflate to the limit must not be in memory all at once (defect 8).
	inflatedAtOnce = 1 << 20
)

// inflaters is how many connections of an endpoint may inflate bodies at a time: on all processors but one, of those that the
// program has when it starts, since it may use fewer for a while.
var inflaters = max(1, runtime.GOMAXPROCS(0)-1)

// batches hold received packets between decoding and deciding. On the stack of its reader, one would make every stack large.
var batches = sync.Pool{New: func() any { return new([packetsAtOnce]session.Packet) }}

// handle lets the session receive what was fed: decoding without the lock, deciding with it. It returns how many packets the
// last turn handled, which are yet to be paced (rest), and an error if the peer's bytes make no sense.
func (c *conn) handle() (packets int, err error) {
	out := output()
	defer release(out)
	batch := batches.Get().(*[packetsAtOnce]session.Packet)
	defer batches.Put(batch)
	for {
		limit, atOnce := c.admits()
		n, more, err := c.decode(batch[:atOnce], limit)
		if n > 0 {
			c.receivePackets(batch[:n], out)
			clear(batch[:n])
			c.inbound.Settle()
		}
		c.doneInflating()
		if !more {
			return n, err
		}
		c.rest(n, 0)
		if n == packetsAtOnce {
			c.makeWay()
		}
		c.reading.queue(c.closing)
	}
}

// makeWay gives up the place at the gate if the log is full. Small packets take several times their size in the log, more than
// was granted for the read: what is left of the read waits in line again.
func (c *conn) makeWay() {
	if gate := c.reading.gate; gate != nil && gate.Full() {
		c.reading.leave()
	}
}

// admits returns how large a body may be, and how many packets may be taken under that limit: only one while the handshake
// goes on, because it may change the limit.
func (c *conn) admits() (limit, atOnce int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.sess.Active() {
		return c.sess.BodyLimit(), c.pace.packetsAtOnce()
	}
	return c.sess.BodyLimit(), 1
}

// decode takes packets from what was fed. more says that it stopped because the batch is full, in number or in size.
func (c *conn) decode(batch []session.Packet, limit int) (n int, more bool, err error) {
	for n < len(batch) && c.inbound.Inflated() < inflatedAtOnce {
		var ok bool
		if batch[n], ok, err = c.inbound.Next(limit); !ok {
			return n, false, err
		}
		n++
	}
	return n, true, nil
}

// awaitInflating waits until the connection may inflate bodies. The gate cannot know what a read of 64 KiB will inflate to:
// many peers that send little at the same moment could put far more into the log than its limit. So the number of connections
// that inflate at a time is limited, which also leaves a processor to the others, and each first makes sure that the log is
// not full. It keeps its permit until its packets are handled.
func (c *conn) awaitInflating() {
	for {
		select {
		case c.e.inflating <- struct{}{}:
		case <-c.closing: // what comes is thrown away
			return
		}
		gate := c.reading.gate
		if gate == nil || !gate.Full() {
			c.inflates = true
			return
		}
		<-c.e.inflating
		c.reading.leave()
		if !c.reading.queue(c.closing) {
			return
		}
	}
}

// doneInflating gives the permit back, if the connection has it.
func (c *conn) doneInflating() {
	if c.inflates {
		c.inflates = false
		<-c.e.inflating
	}
}

func (c *conn) receivePackets(packets []session.Packet, out *session.Output) {
	c.packetsReceived.Add(uint64(len(packets)))
	c.e.counters.packetsReceived.Add(uint64(len(packets)))
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	for _, p := range packets {
		c.sess.Receive(now, p, out)
		if len(out.Frames) >= writeEarly { // many small pings, large answers
			c.carryOut(out)
		}
	}
	c.carryOut(out)
	if c.joined || !c.sess.Active() {
		return
	}
	c.joined = true
	if c.active != nil {
		close(c.active) // tells a Dial that waits for the handshake
	}
}
