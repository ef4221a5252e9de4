//go:build interop

package interop

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pengbridge/pengbridge/core/endpoint"
	"github.com/pengbridge/pengbridge/core/event"
	"github.com/pengbridge/pengbridge/core/session"
)

// rounds is how often a close is tried: in the reference, its outcome is a race.
const rounds = 20

// Defect 15: a reference client reads the true reason of a reference server's close in about half of all closes.
func TestReferenceClientGetsOurReasonEveryTime(t *testing.T) {
	server := serve(t, endpoint.ServerOptions{}, echo)
	ref := startReference(t)
	for range rounds {
		ref.connect(server.address, command{"packets": []string{echo}})
		ref.await("connected")
		cid := server.await(event.ServerHandshakeComplete).Conn
		require.NoError(t, server.CloseConn(cid, text("kicked")))
		require.Equal(t, text("kicked"), ref.await("closed").Reason)
		require.Equal(t, text("kicked"), server.await(event.ServerClose).Reason)
	}
}

func TestReferenceClientGetsOurShutdownReason(t *testing.T) {
	for name, want := range map[string]struct{ given, seen *string }{
		"given":   {text("maintenance"), text("maintenance")},
		"default": {nil, text(session.ReasonServerShutdown)},
	} {
		t.Run(name, func(t *testing.T) {
			server, ref := serveEcho(t)
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			result, err := server.Shutdown(ctx, endpoint.ShutdownOptions{Reason: want.given, Join: true})
			require.NoError(t, err)
			require.Equal(t, endpoint.ShutdownResult{Delivered: 1}, result)
			require.Equal(t, want.seen, ref.await("closed").Reason)
		})
	}
}

func TestReferenceClientsReasonReachesUs(t *testing.T) {
	for name, reason := range map[string]*string{"text": text("bye, bye"), "none": nil} {
		t.Run(name, func(t *testing.T) {
			server, ref := serveEcho(t)
			ref.do(command{"do": "close", "reason": reason})
			require.Equal(t, reason, server.await(event.ServerClose).Reason)
			// A reference client that closes never sees its own reason (defect 14).
			require.Equal(t, text(session.ReasonSocketClose), ref.await("closed").Reason)
		})
	}
}

func TestReferenceServerGetsOurReason(t *testing.T) {
	c, ref := connectToEcho(t)
	require.NoError(t, c.CloseConn(0, text("bye, bye")))
	require.Equal(t, text("bye, bye"), ref.await("closed").Reason)
	require.Equal(t, text("bye, bye"), c.await(event.ClientClose).Reason)
}

func TestReferenceServersReasonReachesUsEveryTime(t *testing.T) {
	ref := startReference(t)
	address := ref.serve(command{"packets": []string{echo}})
	for range rounds {
		c := connect(t, address, endpoint.ClientOptions{}, echo)
		ref.do(command{"do": "close", "cid": ref.await("connected").Cid, "reason": "kicked"})
		require.Equal(t, text("kicked"), c.await(event.ClientClose).Reason)
		require.Nil(t, ref.await("closed").Reason) // it does not know its own reason (defect 15)
	}
}

func TestReferenceServersShutdownReasonReachesUs(t *testing.T) {
	c, ref := connectToEcho(t)
	ref.await("connected")
	ref.do(command{"do": "shutdown", "reason": "maintenance", "timeout": 5}) // without one it would not wait (defect 16)
	require.Equal(t, text("maintenance"), c.await(event.ClientClose).Reason)
}

func TestPacketsSentBeforeACloseArrive(t *testing.T) {
	server, ref := serveEcho(t)
	cid := server.await(event.ServerHandshakeComplete).Conn
	want := prose(100)
	require.NoError(t, server.Send(cid, echoPacket, want))
	require.NoError(t, server.CloseConn(cid, nil))
	require.Equal(t, want, ref.await("received").Body)
	require.Nil(t, ref.await("closed").Reason)
}

func TestReferenceProcessThatDies(t *testing.T) {
	server, ref := serveEcho(t)
	require.NoError(t, ref.process.Kill())
	closed := server.await(event.ServerClose)
	require.Nil(t, closed.Reason)
	require.NotEmpty(t, closed.Detail)
}

func text(s string) *string { return &s }
