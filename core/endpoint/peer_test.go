package endpoint_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pengbridge/pengbridge/core/endpoint"
	"github.com/pengbridge/pengbridge/core/event"
	"github.com/pengbridge/pengbridge/core/packet"
	"github.com/pengbridge/pengbridge/core/session"
	"github.com/pengbridge/pengbridge/core/wire"
)

var (
	one      = []byte{1}
	appTypes = []packet.Type{{Name: "app:echo"}, {Name: "app:other"}}
	echo     = packet.Name("app:echo")
)

const echoID = 64

// listen starts a server on a free port of the loopback interface, and stops it when the test ends.
func listen(tb testing.TB, change ...func(*endpoint.ServerOptions)) (*endpoint.Server, *recorder) {
	tb.Helper()
	record := newRecorder()
	opts := endpoint.ServerOptions{Options: endpoint.Options{Packets: appTypes, Events: record}}
	for _, f := range change {
		f(&opts)
	}
	server, err := endpoint.Listen(tb.Context(), "127.0.0.1:0", opts)
	require.NoError(tb, err)
	tb.Cleanup(func() { require.NoError(tb, server.Stop()) })
	return server, record
}

// limits sets a server's limits.
func limits(l endpoint.Limits) func(*endpoint.ServerOptions) {
	return func(opts *endpoint.ServerOptions) { opts.Limits = l }
}

// dial connects a client, which is active then, and stops it when the test ends.
func dial(tb testing.TB, server *endpoint.Server, change ...func(*endpoint.ClientOptions)) (*endpoint.Client, *recorder) {
	tb.Helper()
	record := newRecorder()
	opts := endpoint.ClientOptions{Options: endpoint.Options{Packets: appTypes, Events: record}, WaitHandshake: true}
	for _, f := range change {
		f(&opts)
	}
	client, err := endpoint.Dial(tb.Context(), address(server.Addr()), opts)
	require.NoError(tb, err)
	tb.Cleanup(func() { require.NoError(tb, client.Stop()) })
	return client, record
}

func address(a event.Addr) string { return net.JoinHostPort(a.Host, strconv.Itoa(int(a.Port))) }

// rawPeer is the other end of a connection, written by hand: it does nothing by itself.
type rawPeer struct {
	tb testing.TB
	net.Conn
	in     session.Inbound
	buf    []byte
	fed    bool
	opened time.Time
}

func newRaw(tb testing.TB, nc net.Conn) *rawPeer {
	p := &rawPeer{tb: tb, Conn: nc, buf: make([]byte, 64<<10), opened: time.Now()}
	tb.Cleanup(func() { _ = nc.Close(); p.in.Release() })
	require.NoError(tb, nc.SetDeadline(time.Now().Add(patience)))
	return p
}

// connectRaw connects to a server and says nothing.
func connectRaw(tb testing.TB, server *endpoint.Server) *rawPeer {
	tb.Helper()
	nc, err := net.Dial("tcp", address(server.Addr()))
	require.NoError(tb, err)
	return newRaw(tb, nc)
}

// joinRaw connects to a server and completes the handshake, as a client.
func joinRaw(tb testing.TB, server *endpoint.Server) *rawPeer {
	tb.Helper()
	p := connectRaw(tb, server)
	p.shake()
	return p
}

// shake does a client's part of the handshake.
func (p *rawPeer) shake() {
	p.tb.Helper()
	p.expect(packet.IDHello)
	p.send(packet.IDSettype, packet.AppendSettype(nil, "classic"))
	p.expect(packet.IDHandshake)
	p.send(packet.IDAccept, packet.AppendAccept(nil))
}

// send writes one packet.
func (p *rawPeer) send(id uint32, body []byte) {
	p.tb.Helper()
	p.write(wire.AppendFrame(nil, id, 0, body))
}

// write writes bytes; a peer that is gone already is no error.
func (p *rawPeer) write(b []byte) {
	_, _ = p.Write(b)
}

// next reads one packet. It returns an error when the stream ends.
func (p *rawPeer) next() (session.Packet, error) {
	for {
		if p.fed {
			pkt, ok, err := p.in.Next(64 << 20)
			require.NoError(p.tb, err, "what an endpoint writes is well formed")
			if ok {
				return session.Packet{ID: pkt.ID, Body: bytes.Clone(pkt.Body)}, nil
			}
		}
		n, err := p.Read(p.buf)
		if n == 0 && err != nil {
			return session.Packet{}, err
		}
		p.in.Feed(p.buf[:n])
		p.fed = true
	}
}

// expect reads one packet, which must have the id, and returns its body.
func (p *rawPeer) expect(id uint32) []byte {
	p.tb.Helper()
	pkt, err := p.next()
	require.NoError(p.tb, err)
	require.Equal(p.tb, id, pkt.ID)
	return pkt.Body
}

// expectClose reads until closeconn, and returns its reason.
func (p *rawPeer) expectClose() string {
	p.tb.Helper()
	for {
		pkt, err := p.next()
		require.NoError(p.tb, err, "the stream ended without a closeconn")
		if pkt.ID == packet.IDClose {
			return text(packet.ParseClose(pkt.Body))
		}
	}
}

// expectEnd reads until the stream ends, which must not be the test's deadline.
func (p *rawPeer) expectEnd() {
	p.tb.Helper()
	for {
		if _, err := p.next(); err != nil {
			var timeout net.Error
			require.False(p.tb, errors.As(err, &timeout) && timeout.Timeout(), "the connection was not closed")
			return
		}
	}
}

// leaveWhenTold closes the socket when the peer gets a closeconn, as a real one does. Its goroutine ends with the stream.
func (p *rawPeer) leaveWhenTold() {
	go func() {
		for {
			pkt, err := p.next()
			if err != nil || pkt.ID == packet.IDClose {
				_ = p.Close()
				return
			}
		}
	}()
}

// echoes proves that a connection works: what it sends, the application of the server answers.
func (p *rawPeer) echoes(server *endpoint.Server, record *recorder, conn uint64) {
	p.tb.Helper()
	before := len(ofType(record.all(), event.ServerRecv))
	p.send(echoID, one)
	record.count(p.tb, event.ServerRecv, before+1)
	require.NoError(p.tb, server.Send(conn, echo, one))
	require.Equal(p.tb, one, p.expect(echoID))
}

// rawServer accepts one client and plays its server by hand.
type rawServer struct {
	tb testing.TB
	net.Listener
}

func listenRaw(tb testing.TB) *rawServer {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(tb, err)
	tb.Cleanup(func() { _ = l.Close() })
	return &rawServer{tb, l}
}

// connect dials an endpoint's client to the raw server, and returns both.
func (s *rawServer) connect(change ...func(*endpoint.ClientOptions)) (*endpoint.Client, *recorder, *rawPeer) {
	s.tb.Helper()
	record := newRecorder()
	opts := endpoint.ClientOptions{Options: endpoint.Options{Packets: appTypes, Events: record}}
	for _, f := range change {
		f(&opts)
	}
	client, err := endpoint.Dial(context.Background(), s.Addr().String(), opts)
	require.NoError(s.tb, err)
	s.tb.Cleanup(func() { require.NoError(s.tb, client.Stop()) })
	nc, err := s.Accept()
	require.NoError(s.tb, err)
	return client, record, newRaw(s.tb, nc)
}

// greet does a server's part of the handshake.
func (p *rawPeer) greet() {
	p.tb.Helper()
	p.send(packet.IDHello, packet.AppendHello(nil, "0.2.0"))
	p.expect(packet.IDSettype)
	table, _, err := packet.NewTable().Add(appTypes...)
	require.NoError(p.tb, err)
	p.send(packet.IDHandshake, packet.AppendHandshake(nil, "0.2.0", table.AddInternal().InOrder()))
	p.expect(packet.IDAccept)
}

// filler is a body of n bytes that does not compress away.
func filler(n int) []byte {
	b := append(make([]byte, 0, n), 0xc6, byte((n-5)>>24), byte((n-5)>>16), byte((n-5)>>8), byte(n-5))
	random := rand.NewChaCha8([32]byte{})
	_, _ = random.Read(b[5:n])
	return b[:n]
}

// plainOnly switches compression off.
func plainOnly() *wire.Compression {
	c := wire.DefaultCompression()
	c.Disabled = true
	return &c
}

// discard reads everything until the stream ends. It runs in a goroutine that ends then.
func discard(r io.Reader) <-chan int64 {
	total := make(chan int64, 1)
	go func() {
		n, _ := io.Copy(io.Discard, r)
		total <- n
	}()
	return total
}

// contextFor returns a context that is over after a while.
func contextFor(tb testing.TB, d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(tb.Context(), d)
}
