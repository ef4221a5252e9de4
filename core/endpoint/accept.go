package endpoint

import (
	"errors"
	"net"
	"time"
)

// acceptLoop accepts connections until the listener is closed. When the system is out of resources it waits, up to 1 s, and
// tries again.
func (e *Endpoint) acceptLoop(l *net.TCPListener) {
	var backoff time.Duration
	for {
		tcp, err := l.AcceptTCP()
		if err == nil {
			backoff = 0
			e.accept(tcp)
			continue
		}
		if errors.Is(err, net.ErrClosed) {
			return
		}
		e.counters.acceptErrors.Add(1)
		backoff = min(max(2*backoff, 5*time.Millisecond), time.Second)
		e.logger.Warn("cannot accept a connection; trying again", "error", err, "in", backoff)
		select {
		case <-time.After(backoff):
		case <-e.ending:
			return
		}
	}
}

// accept takes a connection in, if the limits allow it.
func (e *Endpoint) accept(tcp *net.TCPConn) {
	c := e.newConn(tcp)
	out := output()
	defer release(out)
	c.mu.Lock() // until the accept event is reported: a concurrent Stop must not report the close before it
	why := e.admit(c)
	if why == "" {
		c.sess.Accepted(time.Now(), c.peer, c.local(), out)
		c.carryOut(out)
	}
	c.mu.Unlock()
	if why != "" {
		e.counters.refused[why].Add(1)
		e.logger.Debug("refused a connection", "peer", joinAddr(c.peer), "why", string(why))
		_ = tcp.Close() // it was never used, so an error means nothing
		return
	}
	e.working.Go(c.serve)
}

// admit numbers a connection and takes it into the books, or says why not.
func (e *Endpoint) admit(c *conn) (why Refusal) {
	e.mu.Lock()
	defer e.mu.Unlock()
	perHost := e.limits.MaxConnectionsPerAddress
	switch {
	case e.phase != Running:
		return RefusedStopping
	case len(e.live) >= e.limits.MaxConnections:
		return RefusedConnections
	case perHost > 0 && e.perHost[c.peer.Host] >= perHost:
		return RefusedAddress
	}
	e.lastID++
	c.number(e.lastID)
	e.enter(c)
	return ""
}

// enter takes a connection into the books. e.mu is held.
func (e *Endpoint) enter(c *conn) {
	e.conns[c.id] = c
	e.ordered.Store(nil)
	e.live[c] = struct{}{}
	e.perHost[c.peer.Host]++
	e.counters.connections.Add(1)
}
