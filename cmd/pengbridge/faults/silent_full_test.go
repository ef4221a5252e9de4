//go:build unix && full

package faults

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	pb "github.com/pengbridge/pengbridge/api/pengbridge/v1"
	client "github.com/pengbridge/pengbridge/clients/go"
)

// TestAConnectionThatFallsSilent: nothing passes any more between application and sidecar, and nobody is told. Half a minute
// later the application has found out, and goes on over another connection.
func TestAConnectionThatFallsSilent(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	s, err := startSidecar(ctx, "tcp")
	require.NoError(t, err)
	defer func() { require.NoError(t, s.close()) }()
	between, err := newProxy(s.address, false)
	require.NoError(t, err)
	defer between.close()
	app, err := s.attach(ctx, between.address())
	require.NoError(t, err)
	defer app.Close()
	bound, err := app.API.Bind(ctx, &pb.BindRequest{Address: "127.0.0.1:0"})
	require.NoError(t, err)
	events := app.Subscribe(ctx, client.SubscribeOptions{EndpointID: bound.GetEndpointId(), Subscriber: subscriber})
	defer events.Close()
	last, err := events.Next()
	require.NoError(t, err)

	between.each(func(l *link) { l.stall(true) })
	_, err = s.control.API.Interrupt(ctx, &pb.InterruptRequest{EndpointId: bound.GetEndpointId()})
	require.NoError(t, err)
	for err == nil && last[len(last)-1].GetType() != pb.EventType_EVENT_TYPE_SERVER_INTERRUPT {
		last, err = events.Next()
	}
	require.NoError(t, err)
}
