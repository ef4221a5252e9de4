//go:build !windows

package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/tinylib/msgp/msgp"

	pb "github.com/pengbridge/pengbridge/api/pengbridge/v1"
	client "github.com/pengbridge/pengbridge/clients/go"
	"github.com/pengbridge/pengbridge/sidecar/launch"
)

// attachTo connects to a spawned sidecar at an address of the test's choice.
func attachTo(t *testing.T, process *launch.Process, address string) *client.Sidecar {
	t.Helper()
	tokens := filepath.Join(t.TempDir(), "tokens")
	require.NoError(t, launch.WriteTokenFile(tokens, launch.Token{Secret: process.Token, Owner: "app"}))
	sidecar, err := client.Attach(timeout(t), address, client.AttachOptions{TokenFile: tokens})
	require.NoError(t, err)
	t.Cleanup(func() { _ = sidecar.Close() })
	return sidecar
}

// bind makes a server that knows one packet, for one durable subscriber or, if it has no name, for none.
func bind(t *testing.T, sidecar *client.Sidecar, subscriber string) *pb.BindResponse {
	t.Helper()
	server, err := sidecar.API.Bind(timeout(t), &pb.BindRequest{Address: "127.0.0.1:0", Options: options(subscriber)})
	require.NoError(t, err)
	return server
}

// connect makes a client of a server, and waits for the handshake.
func connect(t *testing.T, sidecar *client.Sidecar, server *pb.BindResponse) *pb.ConnectResponse {
	t.Helper()
	peer, err := sidecar.API.Connect(timeout(t), &pb.ConnectRequest{
		Address: fmt.Sprintf("127.0.0.1:%d", server.GetAddress().GetPort()),
		Options: options(""),
		Wait:    pb.ConnectWait_CONNECT_WAIT_HANDSHAKE,
	})
	require.NoError(t, err)
	return peer
}

// TestNothingIsLostOrDoubledWhenConnectionsBreak sends numbers from a client endpoint to a server endpoint, both of one
// sidecar, while the application's own connection to the sidecar breaks again and again.
func TestNothingIsLostOrDoubledWhenConnectionsBreak(t *testing.T) {
	const total, cuts = 3000, 10
	process := start(t, launch.Command{})
	between := startProxy(t, process.Ready.Address)
	sidecar := attachTo(t, process, between.address())
	server := bind(t, sidecar, "app")
	peer := connect(t, sidecar, server)

	ctx := timeout(t)
	sent := make(chan error, 1)
	go func() { sent <- sendCounting(ctx, sidecar, peer.GetEndpointId(), total) }()

	events := sidecar.Subscribe(ctx, client.SubscribeOptions{EndpointID: server.GetEndpointId(), Subscriber: "app"})
	defer events.Close()
	next := 0
	for e, err := range events.Events() {
		require.NoError(t, err)
		if e.GetPacket() != "test:count" {
			continue
		}
		got, _, err := msgp.ReadIntBytes(e.GetMsgpack())
		require.NoError(t, err)
		require.Equal(t, next, got)
		if next++; next == total {
			break
		}
		if next%(total/cuts) == 0 {
			between.cut()
		}
	}
	require.NoError(t, receive(t, sent))
}

func sendCounting(ctx context.Context, sidecar *client.Sidecar, endpoint string, total int) error {
	commands := sidecar.Commands(ctx, client.CommandsOptions{EndpointID: endpoint})
	for n := range total {
		number, err := commands.Send(ctx, count(0, n))
		if err != nil {
			return err
		}
		if n%50 == 0 { // so that many batches go out
			if err := commands.Wait(ctx, number); err != nil {
				return err
			}
		}
	}
	return commands.Close(ctx)
}

// TestDrainDeliversTheLastEvents ends a sidecar under its application: the stream ends with the endpoint's last event.
func TestDrainDeliversTheLastEvents(t *testing.T) {
	process := start(t, launch.Command{})
	sidecar := attachTo(t, process, process.Ready.Address)
	server := bind(t, sidecar, "app")
	events := sidecar.Subscribe(timeout(t), client.SubscribeOptions{EndpointID: server.GetEndpointId(), Subscriber: "app"})
	defer events.Close()
	first, err := events.Next()
	require.NoError(t, err)
	assert.Equal(t, pb.EventType_EVENT_TYPE_SERVER_INITIALIZE, first[0].GetType())

	closed := make(chan error, 1)
	go func() { closed <- process.Close() }()
	last := first
	for err == nil {
		var batch []*pb.Event
		if batch, err = events.Next(); err == nil {
			last = batch
		}
	}
	require.ErrorIs(t, err, io.EOF)
	assert.Equal(t, pb.EventType_EVENT_TYPE_SERVER_SHUTDOWN, last[len(last)-1].GetType())
	require.NoError(t, receive(t, closed), "everything was delivered, so it ended well")
}

func TestTailShowsEvents(t *testing.T) {
	tool := filepath.Join(t.TempDir(), "tool")
	process := start(t, launch.Command{ReadOnlyTokenFile: tool})
	sidecar := attachTo(t, process, process.Ready.Address)
	server := bind(t, sidecar, "")
	peer := connect(t, sidecar, server)
	tail := func(args ...string) *exec.Cmd {
		args = append([]string{"tail", process.Ready.Address, "--token-file", tool}, args...)
		return exec.CommandContext(timeout(t), program(t, "pengbridge"), args...)
	}
	out, err := tail().CombinedOutput()
	require.Error(t, err)
	assert.Contains(t, string(out), "choose one with --endpoint:\n  "+server.GetEndpointId())
	assert.Contains(t, string(out), peer.GetEndpointId())

	require.NoError(t, sendCounting(t.Context(), sidecar, peer.GetEndpointId(), 1))
	command := tail("--endpoint", peer.GetEndpointId(), "--from", "2")
	stdout, err := command.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, command.Start())
	lines := bufio.NewScanner(stdout)
	require.True(t, lines.Scan())
	assert.Regexp(t, `^2 \d\d:\d\d:\d\d\.\d{6} peng3dnet:client\.connect address=127\.0\.0\.1:\d+$`, lines.Text())
	for lines.Scan() && !strings.Contains(lines.Text(), `"test:count" body`) {
	}
	assert.Regexp(t, `^\d+ \S+ peng3dnet:client\.send packet=64:"test:count" body=0$`, lines.Text())

	_, err = sidecar.API.Shutdown(timeout(t), &pb.ShutdownRequest{
		EndpointId: peer.GetEndpointId(), Shutdown: &pb.EndpointShutdown{Reason: new("enough"), Join: true},
	})
	require.NoError(t, err)
	closed := ""
	for lines.Scan() {
		if strings.Contains(lines.Text(), "client.close") {
			closed = lines.Text()
		}
	}
	assert.Contains(t, closed, `peng3dnet:client.close reason="enough"`)
	require.NoError(t, command.Wait(), "it ends with the endpoint")
}
