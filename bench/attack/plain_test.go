//go:build full && linux

package attack

import (
	"bufio"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pengbridge/pengbridge/core/packet"
	"github.com/pengbridge/pengbridge/core/wire"
)

// plainName makes a process a plain server instead of an attacker.
const plainName = "plain server"

// bePlain is the main function of a server that does nothing but send back what it gets: what peers notice of an attack
// on it is the machine's share, and that of making the attack.
func bePlain() int {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 1
	}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		_ = l.Close()
	}()
	if _, err := io.WriteString(os.Stdout, l.Addr().String()+"\n"); err != nil {
		return 1
	}
	hello := wire.AppendFrame(nil, packet.IDHandshake, 0, []byte{0xc0})
	for {
		nc, err := l.Accept()
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return 0
			}
			continue
		}
		go func() {
			defer nc.Close()
			if _, err := nc.Write(hello); err == nil {
				_, _ = io.Copy(struct{ io.Writer }{nc}, struct{ io.Reader }{nc})
			}
		}()
	}
}

// startPlain starts one, which ends with the test, and returns its address.
func startPlain(t *testing.T) string {
	t.Helper()
	cmd := exec.Command(os.Args[0]) // ends with its stdin, at the latest with this process
	cmd.Env = append(os.Environ(), attackVariable+"="+plainName)
	stdin, err := cmd.StdinPipe()
	require.NoError(t, err)
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = stdin.Close()
		require.NoError(t, cmd.Wait())
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	require.NoError(t, err)
	return strings.TrimSpace(line)
}
