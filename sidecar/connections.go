package sidecar

// Connections of gRPC clients: how many there may be.

import (
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
)

// boundedListener closes connections beyond a number at once instead of leaving them in the system's queue, which an attacker
// could fill as well.
type boundedListener struct {
	net.Listener
	most    int64
	logger  *slog.Logger
	open    atomic.Int64
	refused atomic.Uint64
}

// Accept returns the next connection within the bound.
func (l *boundedListener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if l.open.Add(1) <= l.most {
			return &boundedConn{Conn: conn, listener: l}, nil
		}
		l.open.Add(-1)
		if l.refused.Add(1) == 1 {
			l.logger.Warn("too many gRPC connections: the first one was refused, further ones are only counted", "limit", l.most)
		}
		_ = conn.Close() // it was never used, so an error means nothing
	}
}

// boundedConn counts as open until it is closed.
type boundedConn struct {
	net.Conn
	listener *boundedListener
	closed   sync.Once
}

// Close closes the connection. The first time makes room for another one.
func (c *boundedConn) Close() error {
	c.closed.Do(func() { c.listener.open.Add(-1) })
	return c.Conn.Close()
}

// NetConn returns the connection itself, for what has to know its socket (launch.PeerCredentials).
func (c *boundedConn) NetConn() net.Conn { return c.Conn }
