//go:build full && linux

package main

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	client "github.com/pengbridge/pengbridge/clients/go"
)

// nobody is a user that owns nothing.
const nobody = 65534

// TestOtherUsersAreRefused: a program of another user gets no answer over a Unix socket, whatever the socket's mode and the
// token say. It takes root, to be another user.
func TestOtherUsersAreRefused(t *testing.T) {
	require.Zero(t, os.Getuid(), "this test has to become another user: run it as root")
	folder, err := os.MkdirTemp("", "pengbridge-test-") // short enough for a socket, and open to everybody on the way
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	require.NoError(t, os.Chmod(folder, 0o755))
	binary := filepath.Join(folder, "pengbridge")
	copyProgram(t, program(t, "pengbridge"), binary)

	socket := filepath.Join(folder, "s")
	a := serve(t, "--listen", "unix:"+socket)
	require.NoError(t, os.Chmod(socket, 0o666))
	require.NoError(t, os.Chmod(a.tokens, 0o600))
	stolen := filepath.Join(folder, "tokens")
	data, err := os.ReadFile(a.tokens)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(stolen, data, 0o600))
	require.NoError(t, os.Chown(stolen, nobody, nobody))

	as := func(user uint32, args ...string) (string, error) {
		command := exec.CommandContext(timeout(t), binary, args...)
		command.Dir = folder
		command.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: user, Gid: user}}
		out, err := command.CombinedOutput()
		return string(out), err
	}
	out, err := as(0, "health", "unix:"+socket)
	require.NoError(t, err, out)
	for _, args := range [][]string{
		{"health", "unix:" + socket},
		{"tail", "unix:" + socket, "--token-file", stolen},
	} {
		out, err = as(nobody, args...)
		require.Error(t, err, out)
		require.NotContains(t, out, "permission denied", "the socket's mode is not what is tested")
		require.NotContains(t, out, "there is no endpoint", "that would be the sidecar's answer")
	}
	sidecar, err := client.Attach(timeout(t), "unix:"+socket, client.AttachOptions{TokenFile: a.tokens})
	require.NoError(t, err, "our own user still gets in")
	require.NoError(t, sidecar.Close())
	a.end(t)
}

func copyProgram(t *testing.T, from, to string) {
	t.Helper()
	source, err := os.Open(from)
	require.NoError(t, err)
	defer source.Close()
	target, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY, 0o755)
	require.NoError(t, err)
	_, err = io.Copy(target, source)
	require.NoError(t, err)
	require.NoError(t, target.Close())
}
