//go:build unix

package endpoint_test

import (
	"net"
	"os"
	"runtime"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pengbridge/pengbridge/core/endpoint"
	"github.com/pengbridge/pengbridge/core/packet"
	"github.com/pengbridge/pengbridge/core/wire"
)

// rawSocket connects to a server with a socket of its own that the runtime's poller does not know, and completes the
// handshake.
func rawSocket(b *testing.B, server *endpoint.Server) socket {
	b.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	require.NoError(b, err)
	to := &syscall.SockaddrInet4{Port: int(server.Addr().Port)}
	copy(to.Addr[:], net.ParseIP(server.Addr().Host).To4())
	require.NoError(b, syscall.Connect(fd, to))
	hello := wire.AppendFrame(nil, packet.IDSettype, 0, packet.AppendSettype(nil, "classic"))
	hello = wire.AppendFrame(hello, packet.IDAccept, 0, packet.AppendAccept(nil))
	_, err = syscall.Write(fd, hello)
	require.NoError(b, err)
	return socket(fd)
}

type socket int

// Close implements io.Closer.
func (s socket) Close() error { return os.NewSyscallError("close", syscall.Close(int(s))) }

// BenchmarkIdleMemory tells what a connection costs that is silent: its structures and its goroutine's stack, which grows
// with the first packet. The peers' sockets are plain files, to be out of the picture.
func BenchmarkIdleMemory(b *testing.B) {
	const peers = 5000
	for _, bc := range []struct {
		name    string
		packets int64 // sent before
	}{{"after the handshake", 0}, {"after a packet", 1}} {
		b.Run(bc.name, func(b *testing.B) {
			for b.Loop() {
				before := memory()
				server, count := benchServer(b)
				sockets := make([]socket, 0, peers)
				for i := range peers {
					sockets = append(sockets, rawSocket(b, server))
					count.wait(&count.shaken, int64(i+1))
				}
				for range bc.packets {
					for _, s := range sockets {
						_, err := syscall.Write(int(s), wire.AppendFrame(nil, echoID, 0, one))
						require.NoError(b, err)
					}
				}
				count.wait(&count.received, bc.packets*peers)
				used := memory() - before
				b.ReportMetric(float64(used)/peers, "B/conn")
				for _, s := range sockets {
					_ = s.Close()
				}
				require.NoError(b, server.Stop())
			}
		})
	}
}

// memory is what heap objects and stacks take.
func memory() uint64 {
	runtime.GC()
	runtime.GC() // what pools kept from the first time
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc + m.StackInuse
}
