//go:build unix

package endpoint_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pengbridge/pengbridge/core/endpoint"
	"github.com/pengbridge/pengbridge/core/event"
	"github.com/pengbridge/pengbridge/core/packet"
)

const fewFilesChild = "PENGBRIDGE_TEST_FEW_FILES"

// serveWithFewFiles is the child of TestOutOfFiles: an echo server that may open 40 files. It ends with its stdin.
func serveWithFewFiles() int {
	limit := syscall.Rlimit{Cur: 40, Max: 40}
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		fmt.Println("error:", err)
		return 1
	}
	type request struct {
		conn uint64
		body []byte
	}
	requests := make(chan request, 100)
	server, err := endpoint.Listen(context.Background(), "127.0.0.1:0", endpoint.ServerOptions{Options: endpoint.Options{
		Packets: appTypes,
		Events: event.Func(func(ev event.Event) {
			if ev.Type == event.ServerRecv && ev.PacketID == echoID {
				requests <- request{ev.Conn, append([]byte(nil), ev.Body...)}
			}
		}),
	}})
	if err != nil {
		fmt.Println("error:", err)
		return 1
	}
	go func() {
		for r := range requests {
			_ = server.Send(r.conn, echo, r.body)
		}
	}()
	fmt.Println(address(server.Addr()))
	_, _ = io.Copy(io.Discard, os.Stdin)
	_ = server.Stop()
	return 0
}

// TestOutOfFiles: a server that cannot open more sockets does not spin, serves those it has, and goes on when there is room
// again (defect 11).
func TestOutOfFiles(t *testing.T) {
	t.Parallel()
	child := exec.CommandContext(t.Context(), os.Args[0])
	child.Env = append(os.Environ(), fewFilesChild+"=1")
	stdin, err := child.StdinPipe()
	require.NoError(t, err)
	stdout, err := child.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, child.Start())
	line, err := bufio.NewReader(stdout).ReadString('\n')
	require.NoError(t, err)
	where := strings.TrimSpace(line)
	connect := func() *rawPeer {
		nc, err := net.Dial("tcp", where)
		require.NoError(t, err)
		return newRaw(t, nc)
	}
	first := connect()
	first.shake()
	var others []*rawPeer
	for range 60 {
		others = append(others, connect())
	}
	waiting := connect()
	first.send(echoID, one)
	require.Equal(t, one, first.expect(echoID), "those it has are served")
	for _, p := range others {
		require.NoError(t, p.Close())
	}
	waiting.shake()
	waiting.send(echoID, one)
	require.Equal(t, one, waiting.expect(echoID), "a connection that had to wait is not lost")
	connect().expect(packet.IDHello)
	require.NoError(t, stdin.Close())
	require.NoError(t, child.Wait())
	used := child.ProcessState.UserTime() + child.ProcessState.SystemTime()
	require.Less(t, used, 2*time.Second, "it waited, and did not spin")
}
