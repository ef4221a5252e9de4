package endpoint

import (
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/pengbridge/pengbridge/core/event"
	"github.com/pengbridge/pengbridge/core/session"
)

// conn is one connection. Its reader goroutine (serve, then serveActive) owns the socket and closes it; a writer goroutine exists
// only while the peer is slower than we are. A conn has 568 bytes, just within one of the allocator's size classes: one more
// field costs every idle connection 64 bytes.
type conn struct {
	e     *Endpoint
	id    uint64
	tcp   *net.TCPConn
	nc    net.Conn        // tcp, or TLS over it
	raw   syscall.RawConn // for single non-blocking reads and writes; nil where they are not possible (TLS, Windows)
	peer  event.Addr
	since time.Time

	inbound session.Inbound // the reader's
	reading attempt         // the reader's
	filled  bool            // the reader's: its last blocking read filled the buffer
	joined  bool            // the reader's: the connection has become active
	// inflates is the reader's: it has a permit to inflate; see awaitInflating.
	inflates bool
	// identified says that a client has shown the server a certificate. It is set before the reader runs.
	identified bool
	pace       *pace         // the reader's; nil without limits
	began      time.Duration // on the endpoint's clock: when the handshake time began

	closing chan struct{} // closed when the end is decided: the reader waits for nothing any more
	active  chan struct{} // closed when a client's connection becomes active; nil on servers

	// mu orders everything that happens to the connection: what the session decides, its events, and its bytes.
	mu        sync.Mutex
	sess      *session.Session
	queue     sendQueue
	writing   bool          // a writer goroutine is at work
	broken    bool          // the socket takes no more bytes; the reader will find out why
	decided   bool          // closing is closed
	delivered bool          // everything queued was written before the end
	pins      int32         // broadcasts under way that have reported the connection as a target: its close waits for them
	deadline  time.Duration // on the endpoint's wall clock: when a closing connection is cut
	waiters   []flushWaiter
	queued    uint64 // bytes ever queued
	flushed   uint64 // bytes ever written
	groups    map[string]struct{}

	// Read by the janitor without the lock.
	heard   atomic.Int64 // when bytes last came, on the endpoint's clock
	partial atomic.Int64 // what the beginning of a frame takes, as counted by the budget; 0: there is none

	packetsReceived, packetsSent atomic.Uint64
	bytesReceived, bytesSent     atomic.Uint64
}

// newConn makes a connection from a TCP socket. It has no number and no goroutine yet.
func (e *Endpoint) newConn(tcp *net.TCPConn) *conn {
	c := &conn{
		e: e, tcp: tcp, nc: tcp,
		peer: addrOf(tcp.RemoteAddr()), since: time.Now(),
		closing: make(chan struct{}),
		pace:    newPace(e.limits),
		queue:   sendQueue{budget: e.budget},
	}
	c.beginTiming()
	if e.tls == nil {
		c.raw = rawConn(tcp)
	}
	c.inbound.BeforeInflate = c.awaitInflating
	c.reading.init(readOnce)
	return c
}

// local returns our end's address. It is seldom asked for, and ten thousand copies of it would take 800 KiB.
func (c *conn) local() event.Addr { return addrOf(c.tcp.LocalAddr()) }

// beginTiming starts the handshake time. It must not be called any more when the janitor runs.
func (c *conn) beginTiming() {
	c.began = c.e.clock()
	c.heard.Store(int64(c.began))
}

// number gives the connection its id, and the session that reports under it.
func (c *conn) number(id uint64) {
	c.id, c.sess = id, session.New(&c.e.cfg, id)
}

// outputs are reused: a session's decisions are carried out before its lock is released.
var outputs = sync.Pool{New: func() any { return new(session.Output) }}

func output() *session.Output { return outputs.Get().(*session.Output) }

func release(out *session.Output) {
	out.Shrink(chunkSize)
	outputs.Put(out)
}

// carryOut reports and writes what the session decided. c.mu is held.
func (c *conn) carryOut(out *session.Output) {
	if len(out.Events) > 0 {
		c.e.sink.Append(out.Events)
	}
	if len(out.Frames) > 0 {
		c.countSent(out.Sent)
		if c.fits(len(out.Frames)) || c.sess.Closing() { // there is always room for the reason
			c.write(frame{bytes: out.Frames})
		} else { // the peer asks, but does not read the answers
			c.abandon(session.ReasonSendQueueFull, deaf)
		}
	}
	out.Reset()
	if c.sess.Closing() {
		c.conclude(out)
	}
}

// ending reports whether the end is decided.
func (c *conn) ending() bool {
	select {
	case <-c.closing:
		return true
	default:
		return false
	}
}

func (c *conn) countSent(packets int) {
	c.packetsSent.Add(uint64(packets))
	c.e.counters.packetsSent.Add(uint64(packets))
}

// update lets f change the session, and carries out what it decides.
func (c *conn) update(f func(s *session.Session, now time.Time, out *session.Output)) {
	out := output()
	defer release(out)
	c.mu.Lock()
	defer c.mu.Unlock()
	f(c.sess, time.Now(), out) // in the lock: the times of a connection's events do not go back
	c.carryOut(out)
}
