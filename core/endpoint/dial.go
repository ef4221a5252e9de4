package endpoint

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/pengbridge/pengbridge/core/event"
	"github.com/pengbridge/pengbridge/core/packet"
	"github.com/pengbridge/pengbridge/core/session"
)

// Client is an endpoint with one connection, to a server. Its id is 0.
type Client struct {
	*Endpoint
	// Local and Remote are the two ends of the connection.
	Local, Remote event.Addr
	// TLS is how well the connection is protected.
	TLS packet.TLSLevel

	conn *conn
}

// dialFarewell is how long a connection that has not become active may take to end.
const dialFarewell = 100 * time.Millisecond

// Dial connects to a server at address (see ParseAddress; host "" and 0.0.0.0 mean this machine). It returns when the TCP
// connection is established, with TLS if asked for; with WaitHandshake, when it is active. After an error no endpoint is left.
// Errors: *packet.InvalidError, packet.ErrExists, ErrConnectRefused, ErrUnknownHost, *HandshakeError, those of ctx.
func Dial(ctx context.Context, address string, opts ClientOptions) (*Client, error) {
	addr, err := ParseAddress(address)
	if err != nil {
		return nil, err
	}
	e, err := newEndpoint(packet.ClientSide, &opts.Options)
	if err != nil {
		return nil, err
	}
	if err := e.configureClient(&opts); err != nil {
		return nil, err
	}
	e.addr = addr
	e.report(event.Event{Type: event.ClientInitialize})
	tcp, err := dialTCP(ctx, dialAddress(addr))
	if err != nil {
		return nil, dialError(ctx, addr, err)
	}
	c := e.newConn(tcp)
	c.number(0)
	c.active = make(chan struct{})
	if err := c.dialTLS(ctx, addr.Host); err != nil {
		_ = c.nc.Close() // the TLS error is the one that matters
		return nil, err
	}
	e.enter(c)
	e.report(event.Event{Type: event.ClientConnect, Addr: addr, Remote: c.peer, Local: c.local()})
	e.begin = func() {
		c.beginTiming() // anew, if the start was deferred
		e.working.Go(c.serve)
	}
	e.unlisten = func() {}
	client := &Client{Endpoint: e, Local: c.local(), Remote: c.peer, TLS: c.tlsLevel(), conn: c}
	if opts.DeferredStart {
		return client, nil
	}
	if err := e.Start(); err != nil {
		return nil, err
	}
	if opts.WaitHandshake {
		if err := client.waitActive(ctx); err != nil {
			e.end(ending{timeout: dialFarewell})
			<-e.done
			return nil, err
		}
	}
	return client, nil
}

func (e *Endpoint) configureClient(opts *ClientOptions) error {
	e.cfg.Conntype = opts.Conntype
	fill(&e.cfg.Conntype, session.ConntypeClassic)
	e.cfg.Missing = opts.Missing
	e.cfg.KeepIDs = opts.DisableRegistrySync
	if _, known := e.cfg.Lookup(e.cfg.Conntype); !known {
		return &packet.InvalidError{Field: "conntype", Problem: fmt.Sprintf("%q is neither built in nor declared in options.conntypes", e.cfg.Conntype)}
	}
	if opts.WaitHandshake && opts.DeferredStart {
		return &packet.InvalidError{Field: "wait", Problem: "the handshake cannot be waited for when the start is deferred"}
	}
	return nil
}

func dialError(ctx context.Context, addr event.Addr, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("connecting to %s: %w", joinAddr(addr), ctx.Err())
	}
	if host := unknownHost(err); host != nil {
		return host
	}
	if op, ok := errors.AsType[*net.OpError](err); ok {
		err = op.Err // the rest is the address, which our message has already
	}
	if call, ok := errors.AsType[*os.SyscallError](err); ok {
		err = call.Err
	}
	return fmt.Errorf("%w to %s: %v: check the address, and that the server runs", ErrConnectRefused, joinAddr(addr), err)
}

// unknownHost returns ErrUnknownHost, with the name and why it has no address, if that is what err says; nil otherwise.
func unknownHost(err error) error {
	lookup, ok := errors.AsType[*net.DNSError](err)
	if !ok {
		return nil
	}
	return fmt.Errorf("%w %q: %s: check the name, or give the address in numbers", ErrUnknownHost, lookup.Name, lookup.Err)
}

// waitActive waits until the connection is active or has ended.
func (cl *Client) waitActive(ctx context.Context) error {
	c := cl.conn
	select {
	case <-c.active:
		return nil
	case <-c.closing:
	case <-ctx.Done():
		return fmt.Errorf("waiting for the handshake with %s: %w", joinAddr(cl.addr), ctx.Err())
	}
	select {
	case <-c.active: // and has ended since, which the close event reports
		return nil
	default:
	}
	return c.handshakeError()
}

// handshakeError says why the connection ended before it was of use.
func (c *conn) handshakeError() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	reason, detail := c.sess.Reason()
	return &HandshakeError{Reason: reason, Detail: detail}
}
