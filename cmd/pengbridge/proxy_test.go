package main

import (
	"io"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// proxy stands between a client and a sidecar, and can break every connection that goes through it.
type proxy struct {
	listener net.Listener
	target   string // of gRPC: "unix:/path" or "host:port"
	wg       sync.WaitGroup

	mu    sync.Mutex
	conns []net.Conn
}

// startProxy listens until the test ends.
func startProxy(t *testing.T, target string) *proxy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	p := &proxy{listener: listener, target: target}
	p.wg.Go(p.accept)
	t.Cleanup(func() {
		_ = listener.Close()
		p.cut()
		p.wg.Wait()
	})
	return p
}

func (p *proxy) address() string { return p.listener.Addr().String() }

func (p *proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		server, err := p.dial()
		if err != nil {
			_ = client.Close()
			continue
		}
		p.mu.Lock()
		p.conns = append(p.conns, client, server)
		p.mu.Unlock()
		p.wg.Go(func() { relay(client, server) })
		p.wg.Go(func() { relay(server, client) })
	}
}

func (p *proxy) dial() (net.Conn, error) {
	if path, ok := strings.CutPrefix(p.target, "unix:"); ok {
		return net.Dial("unix", path)
	}
	return net.Dial("tcp", p.target)
}

// relay copies until either end is gone, and then both are.
func relay(from, to net.Conn) {
	_, _ = io.Copy(to, from)
	_ = from.Close()
	_ = to.Close()
}

// cut breaks every connection. New ones go through.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, conn := range p.conns {
		_ = conn.Close()
	}
	p.conns = nil
}
