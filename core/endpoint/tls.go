package endpoint

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"time"

	"github.com/pengbridge/pengbridge/core/packet"
	"github.com/pengbridge/pengbridge/core/session"
)

// protect does what comes before the first packet: a server agrees on TLS (a client did so when it dialled), then the
// session begins. It returns false if the connection has ended already.
func (c *conn) protect() bool {
	if err := c.acceptTLS(); err != nil {
		reason := session.ReasonTLSFailed
		c.cut(&reason, err.Error())
		return false
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
	if c.e.tls == nil || c.e.cfg.Side == packet.ClientSide {
		return nil
	}
	server := tls.Server(c.tcp, c.e.tls)
	ctx, cancel := context.WithTimeout(context.Background(), c.e.limits.HandshakeTimeout)
	defer cancel()
	if err := server.HandshakeContext(ctx); err != nil {
		return tlsError(err)
	}
	c.setTLS(server)
	return nil
}

// dialTLS shakes hands with a server. It takes no longer than a handshake may.
func (c *conn) dialTLS(ctx context.Context, host string) error {
	if c.e.tls == nil {
		return nil
	}
	config := c.e.tls.Clone()
	if config.ServerName == "" {
		config.ServerName = host
	}
	config.GetClientCertificate = c.identify(c.e.tls)
	client := tls.Client(c.tcp, config)
	limited, cancel := context.WithTimeout(ctx, c.e.limits.HandshakeTimeout)
	defer cancel()
	if err := client.HandshakeContext(limited); err != nil {
		if ctx.Err() != nil {
			return fmt.Errorf("TLS: %w", ctx.Err())
		}
		reason := session.ReasonTLSFailed
		return &HandshakeError{Reason: &reason, Detail: tlsError(err).Error()}
	}
	c.setTLS(client)
	return nil
}

// tlsError adds what a failed handshake most likely means, where Go's error alone does not tell.
func tlsError(err error) error {
	switch noTLS, ok := errors.AsType[tls.RecordHeaderError](err); {
	case ok && noTLS.Conn != nil:
		return fmt.Errorf("TLS: the peer does not speak TLS: %w", err)
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("TLS: the handshake took too long, or the peer waits for us and does not speak TLS: %w", err)
	default:
		return fmt.Errorf("TLS: %w", err)
	}
}

// identify returns a function that chooses our certificate when the server asks for one, and takes note whether it got one:
// otherwise the server does not know us, whatever certificates we have.
func (c *conn) identify(config *tls.Config) func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
	choose := config.GetClientCertificate
	if choose == nil {
		choose = func(asked *tls.CertificateRequestInfo) (*tls.Certificate, error) {
			for i := range config.Certificates {
				if asked.SupportsCertificate(&config.Certificates[i]) == nil {
					return &config.Certificates[i], nil
				}
			}
			return new(tls.Certificate), nil // none
		}
	}
	return func(asked *tls.CertificateRequestInfo) (*tls.Certificate, error) {
		certificate, err := choose(asked)
		c.identified = err == nil && len(certificate.Certificate) > 0
		return certificate, err
	}
}

func (c *conn) setTLS(t *tls.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.nc = t
}

// tlsLevel returns how well the connection is protected. What the other side has checked cannot be known for sure: a server
// assumes that its clients check, and a client that a server which asked for its certificate did.
func (c *conn) tlsLevel() packet.TLSLevel {
	t, ok := c.nc.(*tls.Conn)
	if !ok {
		return packet.TLSNone
	}
	peerVerified := len(t.ConnectionState().VerifiedChains) > 0
	switch {
	case peerVerified && (c.e.cfg.Side == packet.ServerSide || c.identified):
		return packet.TLSBothAuth
	case peerVerified:
		return packet.TLSServerAuth
	default:
		return packet.TLSEncrypted
	}
}
