package endpoint

import (
	"context"
	"crypto/tls"
	"fmt"
	"time"

	"github.com/pengbridge/pengbridge/core/packet"
	"github.com/pengbridge/pengbridge/core/session"
)

// protect does what comes before the first packet: a server reports the connection and agrees on TLS, then the session
// begins. It returns false if the connection has ended already.
func (c *conn) protect() bool {
	if c.e.cfg.Side == packet.ServerSide {
		c.update(func(s *session.Session, now time.Time, out *session.Output) { s.Accepted(now, c.peer, c.local, out) })
		if err := c.acceptTLS(); err != nil {
			reason := session.ReasonTLSFailed
			c.cut(&reason, err.Error())
			return false
		}
	}
	c.update(func(s *session.Session, now time.Time, out *session.Output) {
		if !s.Closing() {
			s.Begin(now, c.tlsLevel(), out)
		}
	})
	return true
}

// acceptTLS shakes hands with a client, in the connection's own goroutine: a peer that stalls stalls nobody else (defect 6).
func (c *conn) acceptTLS() error {
	if c.e.tls == nil {
		return nil
	}
	server := tls.Server(c.tcp, c.e.tls)
	ctx, cancel := context.WithTimeout(context.Background(), c.e.limits.HandshakeTimeout)
	defer cancel()
	if err := server.HandshakeContext(ctx); err != nil {
		return fmt.Errorf("TLS: %w", err)
	}
	c.setTLS(server)
	return nil
}

// dialTLS shakes hands with a server.
func (c *conn) dialTLS(ctx context.Context, host string) error {
	if c.e.tls == nil {
		return nil
	}
	config := c.e.tls
	if config.ServerName == "" && !config.InsecureSkipVerify {
		config = config.Clone()
		config.ServerName = host
	}
	client := tls.Client(c.tcp, config)
	if err := client.HandshakeContext(ctx); err != nil {
		reason := session.ReasonTLSFailed
		return &HandshakeError{Reason: &reason, Detail: err.Error()}
	}
	c.setTLS(client)
	return nil
}

func (c *conn) setTLS(t *tls.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.nc = t
}

// tlsLevel says how well the connection is protected.
func (c *conn) tlsLevel() packet.TLSLevel {
	t, ok := c.nc.(*tls.Conn)
	if !ok {
		return packet.TLSNone
	}
	peerVerified := len(t.ConnectionState().VerifiedChains) > 0
	switch {
	case peerVerified && (c.e.cfg.Side == packet.ServerSide || len(c.e.tls.Certificates) > 0 || c.e.tls.GetClientCertificate != nil):
		return packet.TLSBothAuth
	case c.e.cfg.Side == packet.ClientSide && peerVerified:
		return packet.TLSServerAuth
	default:
		return packet.TLSEncrypted
	}
}
