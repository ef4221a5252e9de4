package endpoint

import (
	"crypto/tls"
	"time"
)

// After the reason, the last thing between us and a peer is who closes the socket.

const (
	// peerFirst is how long we leave it to the peer to close the socket after it got the reason. The reference's client
	// reports the true reason only if it reads closeconn before it sees the stream end (defect 15).
	peerFirst = 200 * time.Millisecond
	// lingerTimeout is how long we then wait for the end of its stream, so that no reset destroys what it has not read. A peer
	// that never closes its socket holds up Stop for both together, which is less than stopTimeout: so it is not cut there.
	lingerTimeout = time.Second
)

// linger leaves the end of the stream to the peer for a moment, so that it can read what was sent to it.
func (c *conn) linger() {
	c.mu.Lock()
	byPeer := c.sess.EndedByPeer()
	c.mu.Unlock()
	if byPeer { // it said so itself: nobody waits for anything
		return
	}
	awaitPeer(c.tcp, c.endStream)
}

// incoming is what lingering needs of a socket.
type incoming interface {
	Read(p []byte) (int, error)
	SetReadDeadline(t time.Time) error
}

// awaitPeer throws away what comes until the peer's stream ends: for peerFirst, and then, behind the end of ours, for
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
		if err := t.CloseWrite(); err != nil { // TLS's own end, without which the peer has to suspect an attack
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
