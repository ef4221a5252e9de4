//go:build unix

package faults

import (
	"context"
	"io"
	"net"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	pb "github.com/pengbridge/pengbridge/api/pengbridge/v1"
	client "github.com/pengbridge/pengbridge/clients/go"
)

// TestASpawnedSidecarIsKilled kills a sidecar under the program that spawned it, with commands unanswered and an event being
// waited for: everybody is told at once, and a new one can be spawned.
func TestASpawnedSidecarIsKilled(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for range 3 {
		sidecar, err := client.Spawn(ctx, client.SpawnOptions{})
		require.NoError(t, err)
		info, err := sidecar.API.GetInfo(ctx, &pb.GetInfoRequest{})
		require.NoError(t, err)
		bound, err := sidecar.API.Bind(ctx, &pb.BindRequest{Address: "127.0.0.1:0", Options: &pb.EndpointOptions{
			Events: &pb.EventOptions{ExpectedSubscriber: subscriber},
		}})
		require.NoError(t, err)
		player, err := net.Dial("tcp", addressOf(bound))
		require.NoError(t, err)
		defer player.Close()

		commands := sidecar.Commands(ctx, client.CommandsOptions{EndpointID: bound.GetEndpointId()})
		flush := &pb.Command{Action: &pb.Command_Flush{Flush: &pb.Flush{}}}
		require.NoError(t, commands.Do(ctx, flush))
		events := sidecar.Subscribe(ctx, client.SubscribeOptions{EndpointID: bound.GetEndpointId(), Subscriber: subscriber})
		_, err = events.Next()
		require.NoError(t, err)
		process, err := os.FindProcess(int(info.GetPid()))
		require.NoError(t, err)
		require.NoError(t, process.Kill())

		for err == nil { // what came before may still be there
			_, err = events.Next()
		}
		require.ErrorIs(t, err, client.ErrSidecarLost)
		require.ErrorIs(t, commands.Do(ctx, flush), client.ErrSidecarLost)
		require.ErrorIs(t, commands.Close(ctx), client.ErrSidecarLost)
		_, err = io.Copy(io.Discard, player) // with an error or without: it ends
		require.NoError(t, ctx.Err(), "the player was not disconnected: %v", err)
		events.Close()
		require.Error(t, sidecar.Close(), "it did not end well")
	}
}
