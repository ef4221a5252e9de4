package sidecar

// What the tests of the service share: a sidecar on an in-memory listener, clients with tokens, and peers.

import (
	"context"
	"log/slog"
	"net"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/types/known/durationpb"

	pb "github.com/pengbridge/pengbridge/api/pengbridge/v1"
	"github.com/pengbridge/pengbridge/core/endpoint"
	"github.com/pengbridge/pengbridge/core/event"
	"github.com/pengbridge/pengbridge/core/packet"
	"github.com/pengbridge/pengbridge/sidecar/launch"
)

// patience bounds every wait of the tests. It is long, because the machine may be busy.
const patience = time.Minute

// tick is how often a condition is looked at that nothing announces.
const tick = 5 * time.Millisecond

// The tokens of every sidecar in the tests.
const (
	gameToken  = "1111111111111111111111111111111111111111111111111111111111111111"
	toolToken  = "2222222222222222222222222222222222222222222222222222222222222222"
	otherToken = "3333333333333333333333333333333333333333333333333333333333333333"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func testTokens() *launch.Tokens {
	return launch.NewTokens(
		launch.Token{Secret: gameToken, Owner: "game"},
		launch.Token{Secret: toolToken, Owner: "game", ReadOnly: true},
		launch.Token{Secret: otherToken, Owner: "other"},
	)
}

// running is a sidecar that serves.
type running struct {
	*Sidecar
	listener *bufconn.Listener
}

// start runs a sidecar until the test ends, which fails if anything is left behind.
func start(tb testing.TB, options Options) *running {
	tb.Helper()
	leaks := goleak.IgnoreCurrent()
	tb.Cleanup(func() { goleak.VerifyNone(tb, leaks) })
	options.Version = "0.0.1-test"
	if options.Tokens == nil {
		options.Tokens = testTokens()
	}
	if options.Logger == nil {
		options.Logger = slog.New(slog.NewTextHandler(testWriter{tb}, &slog.HandlerOptions{Level: slog.LevelError}))
	}
	s, err := New(options)
	require.NoError(tb, err)
	r := &running{s, bufconn.Listen(1 << 20)}
	served := make(chan error, 1)
	go func() { served <- s.Serve(r.listener) }()
	tb.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = s.Drain(ctx) // what a test left open is cut
		require.NoError(tb, <-served)
	})
	return r
}

// testWriter puts log lines into the test's output.
type testWriter struct{ tb testing.TB }

func (w testWriter) Write(p []byte) (int, error) {
	w.tb.Helper()
	w.tb.Logf("%s", p)
	return len(p), nil
}

// bearer is a token as per-call credentials.
type bearer string

func (b bearer) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return map[string]string{"authorization": "Bearer " + string(b)}, nil
}

func (bearer) RequireTransportSecurity() bool { return false }

// dial returns a connection whose calls carry the token, or none if it is empty.
func (r *running) dial(tb testing.TB, token string) *grpc.ClientConn {
	tb.Helper()
	options := []grpc.DialOption{
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return r.listener.DialContext(ctx) }),
	}
	if token != "" {
		options = append(options, grpc.WithPerRPCCredentials(bearer(token)))
	}
	conn, err := grpc.NewClient("passthrough:///sidecar", options...)
	require.NoError(tb, err)
	tb.Cleanup(func() { require.NoError(tb, conn.Close()) })
	return conn
}

func (r *running) client(tb testing.TB, token string) pb.SidecarServiceClient {
	return pb.NewSidecarServiceClient(r.dial(tb, token))
}

// testContext bounds a test's calls.
func testContext(tb testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	tb.Cleanup(cancel)
	return ctx
}

// bind makes a server on a free port with the packets "echo" (64) and "other" (65).
func bind(tb testing.TB, client pb.SidecarServiceClient, options *pb.EndpointOptions) *pb.BindResponse {
	tb.Helper()
	if options == nil {
		options = &pb.EndpointOptions{}
	}
	options.Packets = append(options.Packets, &pb.Packet{Name: "echo"}, &pb.Packet{Name: "other"})
	bound, err := client.Bind(testContext(tb), &pb.BindRequest{Address: "127.0.0.1:0", Options: options})
	require.NoError(tb, err)
	return bound
}

// peer is a client of an endpoint under test, made with core.
type peer struct {
	*endpoint.Client
	events chan event.Event // those it received; a test that ignores them must not cause more than it holds
}

// join connects a peer to a server that was bound, and waits for its handshake. It knows more packets than the usual ones.
func join(tb testing.TB, bound *pb.BindResponse, more ...string) *peer {
	tb.Helper()
	known := []packet.Type{{Name: "echo"}, {Name: "other"}}
	for _, name := range more {
		known = append(known, packet.Type{Name: name})
	}
	p := &peer{events: make(chan event.Event, 4096)}
	client, err := endpoint.Dial(testContext(tb), bound.GetAddress().GetHost()+":"+portOf(bound), endpoint.ClientOptions{
		Options: endpoint.Options{
			Packets: known,
			Events: event.Func(func(e event.Event) {
				e.Body = append([]byte(nil), e.Body...)
				p.events <- e
			}),
		},
		WaitHandshake: true,
	})
	require.NoError(tb, err)
	p.Client = client
	tb.Cleanup(func() { require.NoError(tb, client.Stop()) })
	return p
}

// await returns the peer's next event of a type.
func (p *peer) await(tb testing.TB, typ event.Type) event.Event {
	tb.Helper()
	timeout := time.After(patience)
	for {
		select {
		case e := <-p.events:
			if e.Type == typ {
				return e
			}
		case <-timeout:
			require.FailNow(tb, "timed out", "the peer waits for %v", typ)
		}
	}
}

// awaitPacket returns the peer's next application packet.
func (p *peer) awaitPacket(tb testing.TB) event.Event {
	tb.Helper()
	for {
		if e := p.await(tb, event.ClientRecv); e.PacketID >= packet.FirstFreeID {
			return e
		}
	}
}

func portOf(bound *pb.BindResponse) string {
	return strconv.Itoa(int(bound.GetAddress().GetPort()))
}

// reader is a stream of events that a test reads one by one.
type reader struct {
	stream grpc.ServerStreamingClient[pb.SubscribeResponse]
	header *pb.SubscribeHeader
	batch  []*pb.Event
	seen   []*pb.Event // all that next has returned
	cancel context.CancelFunc
}

// subscribe opens a stream and reads its header.
func subscribe(tb testing.TB, client pb.SidecarServiceClient, req *pb.SubscribeRequest) *reader {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	tb.Cleanup(cancel)
	stream, err := client.Subscribe(ctx, req)
	require.NoError(tb, err)
	first, err := stream.Recv()
	require.NoError(tb, err)
	require.NotNil(tb, first.GetHeader())
	return &reader{stream: stream, header: first.GetHeader(), cancel: cancel}
}

// subscribeError returns the error of a stream that does not come about.
func subscribeError(tb testing.TB, client pb.SidecarServiceClient, req *pb.SubscribeRequest) error {
	tb.Helper()
	stream, err := client.Subscribe(testContext(tb), req)
	require.NoError(tb, err)
	_, err = stream.Recv()
	return err
}

// next returns the next event, or the error that ends the stream.
func (s *reader) next() (*pb.Event, error) {
	for len(s.batch) == 0 {
		response, err := s.stream.Recv()
		if err != nil {
			return nil, err
		}
		s.batch = response.GetEvents()
	}
	e := s.batch[0]
	s.batch = s.batch[1:]
	s.seen = append(s.seen, e)
	return e, nil
}

// await returns the next event of a type.
func (s *reader) await(tb testing.TB, typ pb.EventType) *pb.Event {
	tb.Helper()
	for {
		e, err := s.next()
		require.NoError(tb, err, "waiting for %v", typ)
		if e.GetType() == typ {
			return e
		}
	}
}

// requireFailure checks what callers see of an error, and returns its message.
func requireFailure(tb testing.TB, err error, code codes.Code, reason string) string {
	tb.Helper()
	s, ok := status.FromError(err)
	require.True(tb, ok, "%v", err)
	require.Equal(tb, code, s.Code(), s.Message())
	require.Equal(tb, reason, infoOf(s).GetReason(), s.Message())
	require.Equal(tb, "pengbridge", infoOf(s).GetDomain())
	require.NotEmpty(tb, s.Message())
	return s.Message()
}

// requireInvalid checks that a field of the request is named as the culprit, and returns the message.
func requireInvalid(tb testing.TB, err error, field string) string {
	tb.Helper()
	message := requireFailure(tb, err, codes.InvalidArgument, "INVALID_FIELD")
	for _, d := range status.Convert(err).Details() {
		if bad, ok := d.(*errdetails.BadRequest); ok {
			require.Len(tb, bad.GetFieldViolations(), 1)
			require.Equal(tb, field, bad.GetFieldViolations()[0].GetField())
			require.Contains(tb, message, field)
			return message
		}
	}
	require.FailNow(tb, "no field is named", message)
	return ""
}

func infoOf(s *status.Status) *errdetails.ErrorInfo {
	for _, d := range s.Details() {
		if info, ok := d.(*errdetails.ErrorInfo); ok {
			return info
		}
	}
	return nil
}

// Bodies.

func msgpackBody(body string) *pb.PacketBody {
	return &pb.PacketBody{Value: &pb.PacketBody_Msgpack{Msgpack: []byte(body)}}
}

func jsonBody(text string) *pb.PacketBody {
	return &pb.PacketBody{Value: &pb.PacketBody_Json{Json: text}}
}

func echo(conn uint64, body *pb.PacketBody) *pb.Message {
	return &pb.Message{ConnectionId: conn, Packet: &pb.Message_Name{Name: "echo"}, Body: body}
}

func seconds(n float64) *durationpb.Duration {
	return durationpb.New(time.Duration(n * float64(time.Second)))
}
