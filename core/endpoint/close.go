package endpoint

import (
	"time"
	"unicode/utf8"

	"github.com/pengbridge/pengbridge/core/packet"
	"github.com/pengbridge/pengbridge/core/session"
)

// closeTimeout is how long a peer may take to read what is queued before our close.
const closeTimeout = 5 * time.Second

// MaxReason is the longest reason, in bytes.
const MaxReason = 1024

// CloseConn ends a connection: what is queued goes out first, then the reason, then the close. reason nil is the reference's
// None. It does not wait: the close event reports the end. Errors: ErrUnknownConn, ErrStopped, *packet.InvalidError.
func (e *Endpoint) CloseConn(id uint64, reason *string) error {
	if err := checkReason(reason); err != nil {
		return err
	}
	c, err := e.find(id)
	if err != nil {
		return err
	}
	return c.close(reason, "closed by the application")
}

func checkReason(reason *string) error {
	if reason != nil && (len(*reason) > MaxReason || !utf8.ValidString(*reason)) {
		return &packet.InvalidError{Field: "reason", Problem: "must be UTF-8 of at most 1024 bytes"}
	}
	return nil
}

// close decides the end of the connection from our side.
func (c *conn) close(reason *string, detail string) (err error) {
	c.update(func(s *session.Session, now time.Time, out *session.Output) {
		if s.Closing() {
			err = ErrUnknownConn
			return
		}
		s.Close(now, reason, detail, out)
	})
	return err
}

// cut ends the connection at once: what is queued is lost. c.mu is not held.
func (c *conn) cut(reason *string, detail string) {
	c.update(func(s *session.Session, _ time.Time, _ *session.Output) {
		s.Cut(reason, detail)
		c.giveUp()
	})
	_ = c.tcp.Close() // wakes the reader, which closes it again; the error says nothing new
}

// giveUp forgets what is queued. c.mu is held.
func (c *conn) giveUp() {
	c.broken = true
	c.queue.drop()
	c.wakeFlushers()
}

// conclude reports the close of a closing connection when nothing is left to write. It is called whenever the last obstacle may
// have gone. c.mu is held.
func (c *conn) conclude(out *session.Output) {
	if !c.decided {
		c.decided = true
		c.deadline = time.Since(c.e.created) + closeTimeout
		close(c.closing)
	}
	if c.sess.PeerDone() && c.queue.size > 0 { // including what a writer is writing
		c.giveUp()
	}
	unwritten := c.queue.size > 0 || c.writing
	if c.sess.Closed() || c.pins > 0 || unwritten && !c.broken {
		return
	}
	c.delivered = !c.broken
	c.e.counters.closed[c.sess.Cause()].Add(1)
	c.sess.End(time.Now(), out)
	c.e.forget(c)
	if len(out.Events) > 0 {
		c.e.sink.Append(out.Events)
	}
	out.Reset()
	c.wakeFlushers()
	// The reader may be waiting for bytes: this wakes it, to release its memory and to linger. An error means that the socket
	// is closed already, which has woken it.
	_ = c.tcp.SetReadDeadline(time.Now())
}

// forget makes a connection whose close was reported unknown: it cannot be addressed any more.
func (e *Endpoint) forget(c *conn) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.conns, c.id)
	e.ordered.Store(nil)
	for name := range c.groups {
		e.leave(name, c)
	}
}

// retire stops counting a connection whose goroutine ends.
func (e *Endpoint) retire(c *conn) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.live, c)
	if e.perHost[c.peer.Host]--; e.perHost[c.peer.Host] <= 0 {
		delete(e.perHost, c.peer.Host)
	}
}
