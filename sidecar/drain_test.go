package sidecar

import (
	"context"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	reflectionpb "google.golang.org/grpc/reflection/grpc_reflection_v1"

	pb "github.com/pengbridge/pengbridge/api/pengbridge/v1"
	"github.com/pengbridge/pengbridge/core/endpoint"
	"github.com/pengbridge/pengbridge/core/event"
)

// drain drains the sidecar within the timeout and returns what Drain says and how long it took.
func (r *running) drain(timeout time.Duration) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	begun := time.Now()
	err := r.Drain(ctx)
	return time.Since(begun), err
}

// TestDrainSaysGoodbye drains with everything open that can be: peers get the reason, subscribers the last event, and every
// stream an end.
func TestDrainSaysGoodbye(t *testing.T) {
	s := start(t, Options{})
	conn := s.dial(t, gameToken)
	client := pb.NewSidecarServiceClient(conn)
	bound := bind(t, client, nil)
	deferred := bind(t, client, &pb.EndpointOptions{DeferredStart: true})
	p := join(t, bound)
	id := bound.GetEndpointId()
	durableLog := subscribe(t, client, &pb.SubscribeRequest{EndpointId: id, Subscriber: "simple", Mode: durable})
	observerLog := subscribe(t, client, &pb.SubscribeRequest{EndpointId: id})
	deferredLog := subscribe(t, client, &pb.SubscribeRequest{EndpointId: deferred.GetEndpointId()})
	commands := openCommands(t, client, id, "python")
	watch, err := healthpb.NewHealthClient(conn).Watch(testContext(t), &healthpb.HealthCheckRequest{})
	require.NoError(t, err)
	requireHealth(t, watch, healthpb.HealthCheckResponse_SERVING)

	took, err := s.drain(patience)
	require.NoError(t, err)
	require.Less(t, took, patience/2, "nothing had to be waited for")

	require.Equal(t, "servershutdown", *p.await(t, event.ClientClose).Reason)
	for _, log := range []*reader{durableLog, observerLog, deferredLog} {
		events := rest(t, log) // ends with OK
		require.Equal(t, pb.EventType_EVENT_TYPE_SERVER_SHUTDOWN, events[len(events)-1].GetType())
	}
	requireFailure(t, streamEnd(commands), codes.Unavailable, "DRAINING")
	requireHealth(t, watch, healthpb.HealthCheckResponse_NOT_SERVING)
	_, err = net.Dial("tcp", "127.0.0.1:"+portOf(bound))
	require.Error(t, err, "defect 13: nobody listens any more")
}

// TestDrainGivesUpInTime drains while a subscriber does not acknowledge and a client does not read.
func TestDrainGivesUpInTime(t *testing.T) {
	s := start(t, Options{})
	client := s.client(t, gameToken)
	bound := bind(t, client, nil)
	log := subscribe(t, client, &pb.SubscribeRequest{EndpointId: bound.GetEndpointId(), Subscriber: "game", Mode: acknowledging})
	for range 2 { // two batches: it gets no more
		_, err := log.next()
		require.NoError(t, err)
		interrupts(t, client, bound.GetEndpointId(), 1)
	}
	log.await(t, pb.EventType_EVENT_TYPE_SERVER_INTERRUPT)
	took, err := s.drain(400 * time.Millisecond)
	require.NoError(t, err, "ending the stream was enough")
	require.GreaterOrEqual(t, took, 300*time.Millisecond, "the subscriber had its time")
	var end error
	for end == nil {
		_, end = log.next()
	}
	requireFailure(t, end, codes.Unavailable, "DRAINING")
}

// TestDrainTellsWhoDidNotRead drains while a peer does not read what waits for it, and a subscriber never comes.
func TestDrainTellsWhoDidNotRead(t *testing.T) {
	log := &lines{}
	s := start(t, Options{Logger: log.logger()})
	client := s.client(t, gameToken)
	options := stuffable()
	options.Events.ExpectedSubscriber = "game"
	id := bind(t, client, options).GetEndpointId()
	events := subscribe(t, client, &pb.SubscribeRequest{EndpointId: id})
	stuff(t, &served{client: client, id: id, events: events})
	_, err := s.drain(400 * time.Millisecond)
	require.NoError(t, err, "it ended in time")
	require.Contains(t, log.String(), "not every peer read in time what was queued for it")
	require.Contains(t, log.String(), "the last events were not read")
}

// TestDrainDoesNotWaitForTheDead drains when the application is gone: the peer gets its goodbye, the subscriber no time.
func TestDrainDoesNotWaitForTheDead(t *testing.T) {
	gone := make(chan struct{})
	s := start(t, Options{Gone: gone})
	bound := bind(t, s.client(t, gameToken), &pb.EndpointOptions{Events: &pb.EventOptions{ExpectedSubscriber: "game"}})
	p := join(t, bound)
	close(gone)
	took, err := s.drain(patience)
	require.NoError(t, err)
	require.Less(t, took, patience/2, "nothing had to be waited for")
	require.Equal(t, "servershutdown", *p.await(t, event.ClientClose).Reason)
}

// TestDrainDoesNotWaitForTheSocketsOfTheDead drains when the application is gone and a fork of it holds its connection, on which
// nobody answers any more.
func TestDrainDoesNotWaitForTheSocketsOfTheDead(t *testing.T) {
	gone := make(chan struct{})
	s := start(t, Options{Gone: gone})
	held := s.callRaw(t)
	held.begin(t, "/no/such", gameToken)
	held.awaitStatus(t) // now it is a connection without streams
	close(gone)
	_, err := s.drain(4 * time.Second) // gRPC itself would wait for 5 s
	require.NoError(t, err)
}

// TestDrainDoesNotWaitForWhoLeft drains when the application has said that it reads no more, though not all was read.
func TestDrainDoesNotWaitForWhoLeft(t *testing.T) {
	s := start(t, Options{})
	client := s.client(t, gameToken)
	bound := bind(t, client, &pb.EndpointOptions{Events: &pb.EventOptions{ExpectedSubscriber: "game"}})
	log := subscribe(t, client, &pb.SubscribeRequest{
		EndpointId: bound.GetEndpointId(), Subscriber: "game", Mode: acknowledging, Session: "one",
	})
	p := join(t, bound)
	_, err := client.Acknowledge(testContext(t), &pb.AcknowledgeRequest{
		EndpointId:      bound.GetEndpointId(),
		Acknowledgement: &pb.Acknowledgement{Subscriber: "game", Session: "one", Leaving: true},
	})
	require.NoError(t, err)
	log.cancel()
	took, err := s.drain(patience)
	require.NoError(t, err)
	require.Less(t, took, patience/2, "nothing had to be waited for")
	require.Equal(t, "servershutdown", *p.await(t, event.ClientClose).Reason)
}

func TestDrainCutsWhatDoesNotEnd(t *testing.T) {
	s := start(t, Options{Reflection: true})
	conn := s.dial(t, gameToken)
	// A reflection stream ends when its client ends it: nobody can make it.
	stream, err := reflectionpb.NewServerReflectionClient(conn).ServerReflectionInfo(testContext(t))
	require.NoError(t, err)
	require.NoError(t, stream.Send(&reflectionpb.ServerReflectionRequest{
		MessageRequest: &reflectionpb.ServerReflectionRequest_ListServices{},
	}))
	listed, err := stream.Recv()
	require.NoError(t, err)
	require.Contains(t, listed.String(), "pengbridge.v1.SidecarService")
	_, err = s.drain(200 * time.Millisecond)
	require.ErrorIs(t, err, context.DeadlineExceeded)
}

// TestNothingBeginsWhileDraining holds the drain up with a subscriber that is away, and tries.
func TestNothingBeginsWhileDraining(t *testing.T) {
	s := start(t, Options{})
	client := s.client(t, gameToken)
	bound := bind(t, client, &pb.EndpointOptions{Events: &pb.EventOptions{ExpectedSubscriber: "game"}})
	drained := make(chan error, 1)
	go func() {
		_, err := s.drain(patience)
		drained <- err
	}()
	require.Eventually(t, func() bool {
		return onlyEndpoint(t, client).GetPhase() == pb.EndpointPhase_ENDPOINT_PHASE_STOPPED
	}, patience, tick)

	_, err := client.Bind(testContext(t), &pb.BindRequest{Address: "127.0.0.1:0"})
	requireFailure(t, err, codes.Unavailable, "DRAINING")
	_, err = client.Connect(testContext(t), &pb.ConnectRequest{Address: "127.0.0.1:" + portOf(bound)})
	requireFailure(t, err, codes.Unavailable, "DRAINING")
	_, err = client.Ping(testContext(t), &pb.PingRequest{Address: "127.0.0.1:" + portOf(bound)})
	requireFailure(t, err, codes.Unavailable, "DRAINING")
	health, err := healthpb.NewHealthClient(s.dial(t, "")).Check(testContext(t), &healthpb.HealthCheckRequest{})
	require.NoError(t, err)
	require.Equal(t, healthpb.HealthCheckResponse_NOT_SERVING, health.GetStatus())

	// The subscriber comes back for the rest, and that is the end.
	events := rest(t, subscribe(t, client, &pb.SubscribeRequest{EndpointId: bound.GetEndpointId(), Subscriber: "game", Mode: durable}))
	require.Equal(t, pb.EventType_EVENT_TYPE_SERVER_SHUTDOWN, events[len(events)-1].GetType())
	require.NoError(t, <-drained)
}

// TestAnEndpointThatBeginsTooLate is made while the drain begins.
func TestAnEndpointThatBeginsTooLate(t *testing.T) {
	s := start(t, Options{})
	e := s.service.endpoints
	_, err := e.host("game", nil, func(options endpoint.Options) (*endpoint.Endpoint, error) {
		server, err := endpoint.Listen(testContext(t), "127.0.0.1:0", endpoint.ServerOptions{Options: options})
		require.NoError(t, err)
		e.drain(context.Background(), nil, 0)
		return server.Endpoint, nil
	})
	require.ErrorIs(t, err, errDraining)
	_, err = s.drain(patience)
	require.NoError(t, err)
}

func TestDrainWithoutServing(t *testing.T) {
	s, err := New(Options{Tokens: testTokens()})
	require.NoError(t, err)
	require.NoError(t, s.Drain(context.Background()))
}

func streamEnd(stream *commandStream) error {
	for {
		if _, err := stream.Recv(); err != nil {
			return err
		}
	}
}

// requireHealth reads from a watch until it says the status.
func requireHealth(t *testing.T, watch healthpb.Health_WatchClient, status healthpb.HealthCheckResponse_ServingStatus) {
	t.Helper()
	for {
		response, err := watch.Recv()
		require.False(t, errors.Is(err, io.EOF))
		require.NoError(t, err)
		if response.GetStatus() == status {
			return
		}
	}
}
