//go:build unix

package endpoint

import (
	"net"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestSocketOptions: on both sides small packets leave at once (defect 5), and a peer whose machine died is found out
// (defect 10).
func TestSocketOptions(t *testing.T) {
	server, err := Listen(t.Context(), "127.0.0.1:0", ServerOptions{})
	require.NoError(t, err)
	defer func() { require.NoError(t, server.Stop()) }()
	client, err := Dial(t.Context(), joinAddr(server.Addr()), ClientOptions{WaitHandshake: true})
	require.NoError(t, err)
	defer func() { require.NoError(t, client.Stop()) }()
	for name, c := range map[string]*conn{"server": server.snapshot()[0], "client": client.conn} {
		require.Equal(t, 1, option(t, c.tcp, syscall.IPPROTO_TCP, syscall.TCP_NODELAY), name)
		require.NotZero(t, option(t, c.tcp, syscall.SOL_SOCKET, syscall.SO_KEEPALIVE), name)
	}
}

func option(tb testing.TB, tcp *net.TCPConn, level, name int) (value int) {
	tb.Helper()
	raw, err := tcp.SyscallConn()
	require.NoError(tb, err)
	var failed error
	require.NoError(tb, raw.Control(func(fd uintptr) { value, failed = syscall.GetsockoptInt(int(fd), level, name) }))
	require.NoError(tb, failed)
	return value
}
