//go:build !windows

package launch

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/credentials"
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
	long := filepath.Join(t.TempDir(), strings.Repeat("d", maxSocketPath))
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

func TestPeerCredentials(t *testing.T) {
	creds := PeerCredentials().Clone()
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
		assert.ErrorContains(t, err, "who is the peer")
	}
	end, other := net.Pipe()
	t.Cleanup(func() { _, _ = end.Close(), other.Close() })
	_, _, err = stranger.ServerHandshake(end)
	assert.NoError(t, err, "only Unix sockets know their peer")
	var _ credentials.TransportCredentials = creds
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
