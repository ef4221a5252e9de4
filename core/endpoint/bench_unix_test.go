//go:build unix

package endpoint_test

import (
	"io"
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

// rawSocket connects to a server with a socket of its own that the runtime's poller does not know, completes the handshake
// and sends one packet.
func rawSocket(b *testing.B, server *endpoint.Server) io.Closer {
	b.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	require.NoError(b, err)
	to := &syscall.SockaddrInet4{Port: int(server.Addr().Port)}
	copy(to.Addr[:], net.ParseIP(server.Addr().Host).To4())
	require.NoError(b, syscall.Connect(fd, to))
	hello := wire.AppendFrame(nil, packet.IDSettype, 0, packet.AppendSettype(nil, "classic"))
	hello = wire.AppendFrame(hello, packet.IDAccept, 0, packet.AppendAccept(nil))
	_, err = syscall.Write(fd, wire.AppendFrame(hello, echoID, 0, one))
	require.NoError(b, err)
	return socket(fd)
}

type socket int

// Close implements io.Closer.
func (s socket) Close() error { return os.NewSyscallError("close", syscall.Close(int(s))) }

// BenchmarkIdleMemory tells what a connection costs that has had some traffic and is silent now: its structures and its
// goroutine's stack. The peers' sockets are plain files, to be out of the picture.
func BenchmarkIdleMemory(b *testing.B) {
	const peers = 1000
	for b.Loop() {
		before := memory()
		server, count := benchServer(b)
		files := make([]io.Closer, 0, peers)
		for i := range peers {
			nc := rawSocket(b, server)
			files = append(files, nc)
			count.wait(&count.shaken, int64(i+1))
		}
		count.wait(&count.received, peers)
		used := memory() - before
		b.ReportMetric(float64(used)/peers, "B/conn")
		for _, f := range files {
			_ = f.Close()
		}
		require.NoError(b, server.Stop())
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
