package endpoint_test

import (
	"context"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pengbridge/pengbridge/core/endpoint"
	"github.com/pengbridge/pengbridge/core/event"
	"github.com/pengbridge/pengbridge/core/packet"
	"github.com/pengbridge/pengbridge/core/session"
)

// TestDialErrors: why there is no client, as an error that tells what to do (defects 19 and 36).
func TestDialErrors(t *testing.T) {
	server, _ := listen(t)
	where := address(server.Addr())
	var invalid *packet.InvalidError
	for field, opts := range map[string]endpoint.ClientOptions{
		"conntype":            {Conntype: "app:undeclared"},
		"wait":                {WaitHandshake: true, Options: endpoint.Options{DeferredStart: true}},
		"limits.idle_timeout": {Options: endpoint.Options{Limits: endpoint.Limits{IdleTimeout: -1}}},
		"packets[0].name":     {Options: endpoint.Options{Packets: []packet.Type{{}}}},
		"conntypes[0].name":   {Options: endpoint.Options{Conntypes: []session.Conntype{{}}}},
	} {
		_, err := endpoint.Dial(t.Context(), where, opts)
		require.ErrorAs(t, err, &invalid)
		require.Equal(t, field, invalid.Field)
	}
	_, err := endpoint.Dial(t.Context(), "host:port", endpoint.ClientOptions{})
	require.ErrorAs(t, err, &invalid)
	over, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = endpoint.Dial(over, where, endpoint.ClientOptions{})
	require.ErrorIs(t, err, context.Canceled)

	_, err = endpoint.Dial(t.Context(), where, endpoint.ClientOptions{WaitHandshake: true})
	var handshake *endpoint.HandshakeError
	require.ErrorAs(t, err, &handshake)
	require.Equal(t, "packetregmismatch", text(handshake.Reason))
}

// TestWaitHandshake: a server that never greets, or refuses, ends the wait (defect 19).
func TestWaitHandshake(t *testing.T) {
	t.Parallel()
	silent := listenRaw(t)
	over, cancel := contextFor(t, 50*time.Millisecond)
	defer cancel()
	_, err := endpoint.Dial(over, silent.Addr().String(), endpoint.ClientOptions{WaitHandshake: true})
	require.ErrorIs(t, err, context.DeadlineExceeded)
	_, err = endpoint.Dial(t.Context(), silent.Addr().String(), endpoint.ClientOptions{
		WaitHandshake: true, Options: endpoint.Options{Limits: endpoint.Limits{HandshakeTimeout: 50 * time.Millisecond}},
	})
	var handshake *endpoint.HandshakeError
	require.ErrorAs(t, err, &handshake)
	require.Equal(t, "handshaketimeout", text(handshake.Reason))
	require.ErrorContains(t, err, "handshaketimeout")
}

// TestListenErrors name the field, or what else is wrong.
func TestListenErrors(t *testing.T) {
	var invalid *packet.InvalidError
	_, err := endpoint.Listen(t.Context(), "host:port", endpoint.ServerOptions{})
	require.ErrorAs(t, err, &invalid)
	require.Equal(t, "address", invalid.Field)
	for name, cause := range map[string]error{"nosuchhost.invalid:0": endpoint.ErrUnknownHost, "203.0.113.1:0": endpoint.ErrAddressNotHere} {
		_, err := endpoint.Listen(t.Context(), name, endpoint.ServerOptions{})
		require.ErrorIs(t, err, cause, name)
	}
	for _, data := range [][]byte{{0xc1}, {1}, filler(100 << 10)} {
		_, err := endpoint.Listen(t.Context(), "127.0.0.1:0", endpoint.ServerOptions{Ping: &session.PingAnswer{Data: data}})
		require.ErrorAs(t, err, &invalid)
		require.Equal(t, "ping.data", invalid.Field)
	}
}

// TestPing asks again and again, and leaves no goroutine, file or connection behind (defect 12).
func TestPing(t *testing.T) {
	server, record := listen(t, func(opts *endpoint.ServerOptions) {
		opts.Ping = &session.PingAnswer{Data: []byte("\x81\xa4motd\xa2hi")}
	})
	goroutines, files := runtime.NumGoroutine(), openFiles()
	for id := uint64(1); id <= 10; id++ {
		result, err := endpoint.Ping(t.Context(), address(server.Addr()), endpoint.PingOptions{Data: []byte("\x81\xa3who\x07")})
		require.NoError(t, err)
		require.Contains(t, string(result.Body), "\xa6oldmsg\x82\xa3who\x07\xa4time\xcb")
		require.Contains(t, string(result.Body), "\xa4motd\xa2hi")
		require.Positive(t, result.Delay)
		require.Less(t, result.Delay, patience)
		require.False(t, result.Received.IsZero())
		require.Equal(t, "pingcomplete", text(record.await(t, event.ServerClose, id).Reason), "defect 23")
	}
	require.Eventually(t, func() bool {
		own := 1 // what this function runs in
		return runtime.NumGoroutine() <= goroutines+own && openFiles() <= files
	}, patience, time.Millisecond)
	var invalid *packet.InvalidError
	for _, data := range [][]byte{{0xc1}, {1}} {
		_, err := endpoint.Ping(t.Context(), address(server.Addr()), endpoint.PingOptions{Data: data})
		require.ErrorAs(t, err, &invalid)
	}
}

// openFiles returns how many files this process has open, where the system tells: elsewhere always the same.
func openFiles() int {
	entries, _ := os.ReadDir("/proc/self/fd")
	return len(entries)
}

// TestPingFails: every way in which there is no answer ends with why, soon, and with nothing left behind.
func TestPingFails(t *testing.T) {
	plain, _ := listen(t)
	for range 20 { // the refusal may come before or after the request is sent
		_, err := endpoint.Ping(t.Context(), address(plain.Addr()), endpoint.PingOptions{})
		var handshake *endpoint.HandshakeError
		require.ErrorAs(t, err, &handshake)
		require.Equal(t, "unknownconntype", text(handshake.Reason))
		require.Contains(t, err.Error(), "the server does not answer pings")
	}
	gone := listenRaw(t)
	require.NoError(t, gone.Close())
	_, err := endpoint.Ping(t.Context(), gone.Addr().String(), endpoint.PingOptions{})
	require.ErrorIs(t, err, endpoint.ErrConnectRefused)

	byApplication, _ := listen(t, func(opts *endpoint.ServerOptions) { opts.Ping = &session.PingAnswer{Application: true} })
	over, cancel := contextFor(t, 50*time.Millisecond)
	defer cancel()
	_, err = endpoint.Ping(over, address(byApplication.Addr()), endpoint.PingOptions{})
	require.ErrorIs(t, err, context.DeadlineExceeded)
}

// TestPingByApplication: the application answers with packet 65, whatever it has registered under that id.
func TestPingByApplication(t *testing.T) {
	server, record := listen(t, func(opts *endpoint.ServerOptions) { opts.Ping = &session.PingAnswer{Application: true} })
	answered := make(chan error, 1)
	go func() {
		record.count(t, event.ServerRecv, 2)
		answered <- server.Send(1, packet.ID(packet.IDPong), []byte{0x80})
	}()
	result, err := endpoint.Ping(t.Context(), address(server.Addr()), endpoint.PingOptions{})
	require.NoError(t, err)
	require.NoError(t, <-answered)
	require.Equal(t, []byte{0x80}, result.Body)
}
