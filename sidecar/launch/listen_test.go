//go:build !windows

package launch

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestListenUnix(t *testing.T) {
	t.Setenv("TMPDIR", shortDir(t))
	l, err := Listen()
	require.NoError(t, err)
	path, ok := strings.CutPrefix(l.Target(), "unix:")
	require.True(t, ok, l.Target())
	for file, mode := range map[string]os.FileMode{path: 0o600, filepath.Dir(path): 0o700} {
		info, err := os.Stat(file)
		require.NoError(t, err)
		assert.Equal(t, mode, info.Mode().Perm(), file)
	}
	require.NoError(t, l.Close())
	assert.NoDirExists(t, filepath.Dir(path))
	assert.Error(t, l.Close())
}

func TestListenFallsBackToTCP(t *testing.T) {
	long := filepath.Join(t.TempDir(), strings.Repeat("d", MaxSocketPath))
	require.NoError(t, os.Mkdir(long, 0o700))
	for name, dir := range map[string]string{"path too long": long, "no such folder": filepath.Join(long, "none")} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("TMPDIR", dir)
			l, err := Listen()
			require.NoError(t, err)
			assert.Regexp(t, `^127\.0\.0\.1:[1-9]\d*$`, l.Target())
			require.NoError(t, l.Close())
		})
	}
	left, err := os.ReadDir(long)
	require.NoError(t, err)
	assert.Empty(t, left)
}

func TestListenAtSocket(t *testing.T) {
	path := filepath.Join(shortDir(t), "s")
	first, err := ListenAt("unix:"+path, false)
	require.NoError(t, err)
	assert.Equal(t, "unix:"+path, first.Target())
	_, err = ListenAt("unix:"+path, false)
	assert.ErrorIs(t, err, syscall.EADDRINUSE, "somebody listens there")

	first.Listener.(*net.UnixListener).SetUnlinkOnClose(false)
	require.NoError(t, first.Close())
	require.FileExists(t, path)
	second, err := ListenAt("unix:"+path, false)
	require.NoError(t, err, "a socket left behind is replaced")
	require.NoError(t, second.Close())
	assert.NoFileExists(t, path)
	assert.DirExists(t, filepath.Dir(path), "the folder is not ours")

	require.NoError(t, os.WriteFile(path, []byte("precious"), 0o600))
	_, err = ListenAt("unix:"+path, false)
	assert.Error(t, err)
	assert.FileExists(t, path, "an ordinary file is never removed")
}

func TestListenAtTCP(t *testing.T) {
	for _, address := range []string{"127.0.0.1:0", "localhost:0", "[::1]:0"} {
		l, err := ListenAt(address, false)
		if err != nil {
			require.Equal(t, "[::1]:0", address, "%v", err) // a machine may have no IPv6
			continue
		}
		require.NoError(t, l.Close())
	}
	for _, address := range []string{":0", "0.0.0.0:0", "[::]:0", "192.0.2.1:0"} {
		_, err := ListenAt(address, false)
		assert.ErrorIs(t, err, ErrRemote, address)
	}
	_, err := ListenAt("127.0.0.1", true)
	assert.ErrorContains(t, err, "host:port or unix:/path")
}

func TestPeerCredentials(t *testing.T) {
	creds := PeerCredentials(nil).Clone()
	stranger := peerCredentials{creds.(peerCredentials).TransportCredentials, os.Getuid() + 1}
	_, known, err := peerUID(unixPair(t))
	require.NoError(t, err)

	_, info, err := creds.ServerHandshake(unixPair(t))
	require.NoError(t, err)
	assert.Equal(t, "insecure", info.AuthType())
	if _, _, err = stranger.ServerHandshake(unixPair(t)); known {
		assert.ErrorContains(t, err, "only user")
	}
	closed := unixPair(t)
	require.NoError(t, closed.Close())
	if _, _, err = creds.ServerHandshake(closed); known {
		assert.ErrorContains(t, err, "finding out the peer's user")
	}
	end, other := net.Pipe()
	t.Cleanup(func() { _, _ = end.Close(), other.Close() })
	_, _, err = stranger.ServerHandshake(end)
	assert.NoError(t, err, "only Unix sockets know their peer")
}

// unixPair returns the accepted end of a connection that this process made to itself.
func unixPair(t *testing.T) *net.UnixConn {
	t.Helper()
	l, err := net.Listen("unix", filepath.Join(shortDir(t), "s"))
	require.NoError(t, err)
	defer l.Close()
	client, err := (&net.Dialer{}).DialContext(context.Background(), "unix", l.Addr().String())
	require.NoError(t, err)
	server, err := l.Accept()
	require.NoError(t, err)
	t.Cleanup(func() { _, _ = client.Close(), server.Close() })
	return server.(*net.UnixConn)
}

// shortDir returns a folder whose path leaves room for a socket; t.TempDir's may not.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "pb")
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}
