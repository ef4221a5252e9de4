package sidecar

// The gRPC server: what it is made of, how it serves, and how it ends in good order.

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc"
	channelz "google.golang.org/grpc/channelz/service"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/reflection"

	pb "github.com/pengbridge/pengbridge/api/pengbridge/v1"
	"github.com/pengbridge/pengbridge/sidecar/launch"
)

// DefaultMaxMessageBytes is how large a message may be by default: the largest packet that endpoints accept by default, and
// room for what surrounds it.
const DefaultMaxMessageBytes = 16<<20 + 1<<20

// DefaultMaxConnections is how many gRPC connections there may be by default. A program has one; in Python, two more for each
// endpoint.
const DefaultMaxConnections = 10_000

// DefaultMemoryBudget is how many bytes the sidecar may hold for peers and in event logs by default.
const DefaultMemoryBudget = 1 << 30

// HTTP/2's windows have a fixed size here. To size them by itself, from 64 KiB up, gRPC sends a ping and a new window for
// nearly every message, and the answers wake it once more: that took a tenth of the sidecar's processor time with 100 echoes
// under way, and a quarter with one.
const (
	streamWindow     = 1 << 20 // how much a call may have under way that nobody reads; a larger message passes when it is waited for
	connectionWindow = 4 << 20 // the same for all calls of a connection
)

const (
	bufferBytes   = 128 << 10        // per direction and connection; the default of 32 KiB cuts batches of events into pieces
	maxStreams    = 10_000           // per client connection: every endpoint needs two
	maxHeaders    = 16 << 10         // per call; a token has 64 bytes
	greetingTime  = 10 * time.Second // from connecting to a working connection, TLS included
	idleTime      = 10 * time.Minute // after it, a connection without calls is closed; clients open another when they need one
	clientPing    = 5 * time.Second  // clients may ask this often whether we live
	serverPing    = time.Minute      // finds clients on other machines that vanished without a word
	serverPingFor = 20 * time.Second
	lookersOn     = 100 * time.Millisecond // for observers to read that the sidecar ends, when the application is gone
)

// Options make a sidecar.
type Options struct {
	// Version is the build's, such as "0.1.0".
	Version string
	// Tokens says who may call. Required: there is no mode without tokens.
	Tokens *launch.Tokens
	// Logger takes log lines. nil: nothing is logged.
	Logger *slog.Logger
	// MaxMessageBytes is the largest message received over gRPC. 0: DefaultMaxMessageBytes.
	MaxMessageBytes int
	// MaxConnections is how many gRPC connections there may be at once; further ones are closed. 0: DefaultMaxConnections.
	MaxConnections int
	// MemoryBudget is how many bytes all endpoints together hold of unfinished frames, packets that peers have not read and
	// logs of events. Beyond it the connection that holds most is closed with the reason "overload"; see endpoint.Budget.
	// 0: DefaultMemoryBudget.
	MemoryBudget int64
	// Limits has the defaults and the bounds for the limits of endpoints, which applications set.
	Limits LimitPolicy
	// Reflection serves the API's description, Channelz gRPC's own figures. Both want a token like everything else.
	Reflection, Channelz bool
	// Credentials protect gRPC connections. nil: nothing does, which is for local sockets only.
	Credentials credentials.TransportCredentials
	// Gone is closed when the one application that the sidecar serves has ended: from then on Drain waits for no subscriber.
	// nil: the sidecar serves any number of applications.
	Gone <-chan struct{}
	// Metrics takes the sidecar's collectors. nil: there are none.
	Metrics prometheus.Registerer

	greeting time.Duration // in tests, another greetingTime
}

// Sidecar is a gRPC server with its endpoints. Serve and Drain may be called concurrently; Drain must be called in the end,
// and does nothing the second time.
type Sidecar struct {
	server      *grpc.Server
	health      *health.Server
	service     *service
	connections boundedListener
	strangers   strangers
	gone        <-chan struct{}
	end         context.CancelCauseFunc // ends the contexts of all streams
}

// New returns a sidecar that does not listen yet.
func New(o Options) (*Sidecar, error) {
	if o.Tokens == nil {
		return nil, errors.New("sidecar: Options.Tokens is required")
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.MaxMessageBytes == 0 {
		o.MaxMessageBytes = DefaultMaxMessageBytes
	}
	if o.MaxConnections == 0 {
		o.MaxConnections = DefaultMaxConnections
	}
	if o.MemoryBudget == 0 {
		o.MemoryBudget = DefaultMemoryBudget
	}
	if err := o.Limits.check(); err != nil {
		return nil, fmt.Errorf("sidecar: %w", err)
	}
	ending, end := context.WithCancelCause(context.Background())
	s := &Sidecar{
		health:      health.NewServer(),
		service:     newService(&o),
		connections: boundedListener{most: int64(o.MaxConnections), logger: o.Logger},
		gone:        o.Gone,
		end:         end,
	}
	options := s.options(&o)
	if o.Metrics != nil {
		counted, err := measure(o.Metrics, s)
		if err != nil {
			return nil, fmt.Errorf("sidecar: registering metrics: %w", err)
		}
		options = append(options, counted...)
	}
	options = append(options, intercept(ending, o.Tokens, o.Logger)...)
	s.server = grpc.NewServer(options...)
	pb.RegisterSidecarServiceServer(s.server, s.service)
	healthpb.RegisterHealthServer(s.server, s.health)
	s.health.SetServingStatus("", healthpb.HealthCheckResponse_NOT_SERVING) // until Serve
	if o.Channelz {
		channelz.RegisterChannelzServiceToServer(s.server)
	}
	if o.Reflection {
		reflection.RegisterV1(s.server)
	}
	return s, nil
}

func (s *Sidecar) options(o *Options) []grpc.ServerOption {
	options := []grpc.ServerOption{
		grpc.ForceServerCodecV2(newCodec()),
		grpc.ReadBufferSize(bufferBytes),
		grpc.WriteBufferSize(bufferBytes),
		grpc.StaticStreamWindowSize(streamWindow),
		grpc.StaticConnWindowSize(connectionWindow),
		grpc.MaxRecvMsgSize(o.MaxMessageBytes),
		grpc.MaxConcurrentStreams(maxStreams),
		grpc.MaxHeaderListSize(maxHeaders),
		grpc.ConnectionTimeout(cmp.Or(o.greeting, greetingTime)),
		grpc.InTapHandle(s.strangers.tap(o.Tokens)),
		grpc.WaitForHandlers(true), // nothing of a call outlives Drain
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: clientPing, PermitWithoutStream: true}),
		grpc.KeepaliveParams(keepalive.ServerParameters{
			Time: serverPing, Timeout: serverPingFor, MaxConnectionIdle: idleTime,
		}),
	}
	if o.Credentials != nil {
		options = append(options, grpc.Creds(o.Credentials))
	}
	return options
}

// Serve accepts clients on the listener, which it closes in the end. It returns nil after Drain. It may be called once.
func (s *Sidecar) Serve(listener net.Listener) error {
	s.health.SetServingStatus("", healthpb.HealthCheckResponse_SERVING)
	s.health.SetServingStatus(pb.SidecarService_ServiceDesc.ServiceName, healthpb.HealthCheckResponse_SERVING)
	s.connections.Listener = listener
	return s.server.Serve(&s.connections)
}

// Drain ends everything in order: health says NOT_SERVING and nothing new begins; endpoints tell their peers why and end;
// subscribers read the last events; streams end; gRPC stops. When ctx ends first, what is left is cut, and the error is
// ctx's. Of the time until ctx's deadline, peers get half and subscribers all but a tenth.
func (s *Sidecar) Drain(ctx context.Context) error {
	s.health.Shutdown()
	patience, cancel, forPeers := shares(ctx)
	defer cancel()
	s.service.endpoints.drain(patience, s.gone, forPeers)
	s.service.endpoints.close()
	s.end(errDraining)

	err := s.stop(ctx)
	s.service.working.Wait()
	return err
}

// stop ends gRPC: in good order, or at once when ctx ends, whose error it returns then. No connection has streams any more, but
// gRPC waits until each client has read that. When the application has ended, a fork of it may hold the socket and never read;
// only observers may still be there, and get a moment.
func (s *Sidecar) stop(ctx context.Context) error {
	stopped := make(chan struct{})
	go func() {
		s.server.GracefulStop()
		close(stopped)
	}()
	gone := s.gone
	var late <-chan time.Time
	for {
		var err error
		select {
		case <-stopped:
			return nil
		case <-gone:
			gone, late = nil, time.After(lookersOn)
			continue
		case <-late:
		case <-ctx.Done():
			err = ctx.Err()
		}
		s.server.Stop() // makes GracefulStop return, too
		<-stopped
		return err
	}
}

// shares divides the time until ctx's deadline between subscribers and peers. Without a deadline, core's own timeout holds for
// peers.
func shares(ctx context.Context) (subscribers context.Context, cancel context.CancelFunc, peers time.Duration) {
	deadline, ok := ctx.Deadline()
	if !ok {
		subscribers, cancel = context.WithCancel(ctx)
		return subscribers, cancel, 0
	}
	whole := max(time.Until(deadline), 0)
	subscribers, cancel = context.WithTimeout(ctx, whole*9/10)
	return subscribers, cancel, max(whole/2, time.Millisecond)
}
