package endpoint

import (
	"crypto/tls"
	"time"
)

// What is left to settle after the reason was sent: who closes the socket first.

const (
	// peerFirst is how long we let the peer close the socket first, once the reason was sent. The reference's client
	// reports the true reason only if it reads closeconn before it sees the stream end (defect 15).
	peerFirst = 200 * time.Millisecond
	// lingerTimeout is how long we then wait for the end of its stream, so that no reset destroys what it has not read yet. Both
	// together are less than stopTimeout, so that a Stop need not cut a peer which never closes its socket.
	lingerTimeout = time.Second
)

// linger leaves the end of the stream to the peer for a moment, so that it can read what was sent to it, unless it is done
// anyway.
func (c *conn) linger() {
	c.mu.Lock()
	peerDone := c.sess.PeerDone()
	c.mu.Unlock()
	if peerDone {
		return
	}
	awaitPeer(c.tcp, c.endStream)
}

// incoming is what lingering needs of a socket.
type incoming interface {
	Read(p []byte) (int, error)
	SetReadDeadline(t time.Time) error
}

// awaitPeer discards what comes until the peer's stream ends: for peerFirst, and then, after the end of our stream, for
// lingerTimeout.
func awaitPeer(in incoming, endStream func() error) {
	if in.SetReadDeadline(time.Now().Add(peerFirst)) != nil || discard(in) {
		return
	}
	if endStream() != nil || in.SetReadDeadline(time.Now().Add(lingerTimeout)) != nil {
		return
	}
	discard(in)
}

// endStream tells the peer that nothing more comes.
func (c *conn) endStream() error {
	if t, ok := c.nc.(*tls.Conn); ok {
		if err := t.CloseWrite(); err != nil { // TLS's own end, without which the peer must suspect a truncated stream
			return err
		}
	}
	return c.tcp.CloseWrite()
}

// discard reads until the peer's stream ends, which it reports, or the read deadline.
func discard(in incoming) (ended bool) {
	buf := readBuffers.Get().(*[]byte)
	defer readBuffers.Put(buf)
	for {
		if _, err := in.Read(*buf); err != nil {
			return !isTimeout(err)
		}
	}
}
