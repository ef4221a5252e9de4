package endpoint

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"syscall"

	"github.com/pengbridge/pengbridge/core/event"
	"github.com/pengbridge/pengbridge/core/packet"
	"github.com/pengbridge/pengbridge/core/session"
)

// Server is an endpoint that accepts connections. They are numbered from 1.
type Server struct{ *Endpoint }

// Listen makes a server on address (see ParseAddress; the hosts "" and 0.0.0.0 mean IPv4 only, :: both families; port 0 means
// any free one), and starts it unless the start is deferred. Errors: *packet.InvalidError, packet.ErrExists,
// ErrAddressInUse, ErrAddressNotHere, ErrUnknownHost, fs.ErrPermission, those of ctx.
func Listen(ctx context.Context, address string, opts ServerOptions) (*Server, error) {
	addr, err := ParseAddress(address)
	if err != nil {
		return nil, err
	}
	e, err := newEndpoint(packet.ServerSide, &opts.Options)
	if err != nil {
		return nil, err
	}
	if ping := opts.Ping; ping != nil {
		if ping.Data != nil {
			if err := checkPingData(ping.Data, e.limits.MaxHandshakePacket); err != nil {
				return nil, err
			}
		}
		e.cfg.Ping = &session.PingAnswer{Application: ping.Application, Data: bytes.Clone(ping.Data)}
	}
	var lc net.ListenConfig
	network, where := listenAddress(addr)
	ln, err := lc.Listen(ctx, network, where)
	if err != nil {
		return nil, listenError(where, err)
	}
	l := ln.(*net.TCPListener)
	e.addr = addrOf(l.Addr())
	e.begin = func() { e.working.Go(func() { e.acceptLoop(l) }) }
	e.unlisten = func() { _ = l.Close() } // ends acceptLoop; closing a listener has no error worth knowing
	e.report(event.Event{Type: event.ServerInitialize})
	e.report(event.Event{Type: event.ServerBind, Addr: e.addr})
	if !opts.DeferredStart {
		err = e.Start()
	}
	return &Server{e}, err
}

func listenError(where string, err error) error {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("%s: %w", where, ErrAddressInUse)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return fmt.Errorf("%s: %w", where, ErrAddressNotHere)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("cannot listen on %s: %w (ports below 1024 may need a privilege)", where, err)
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded), errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
		return fmt.Errorf("cannot listen on %s: %w", where, err)
	}
	if host := unknownHost(err); host != nil {
		return host
	}
	return &packet.InvalidError{Field: "address", Problem: "cannot be listened on: " + err.Error()}
}

// checkPingData makes sure that pings can be answered with data of at most limit bytes, so that no small ping has a huge answer.
func checkPingData(data []byte, limit int) error {
	if len(data) > limit {
		return &packet.InvalidError{Field: "ping.data", Problem: fmt.Sprintf("has %d bytes: give at most %d", len(data), limit)}
	}
	if err := packet.Check(data); err != nil {
		return &packet.InvalidError{Field: "ping.data", Problem: err.Error()}
	}
	_, err := packet.AppendPong(nil, []byte{0xc0}, data, "")
	if invalid, ok := errors.AsType[*packet.InvalidError](err); ok {
		return &packet.InvalidError{Field: "ping." + invalid.Field, Problem: invalid.Problem}
	}
	return err
}
