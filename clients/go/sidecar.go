package pengbridge

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"

	pb "github.com/pengbridge/pengbridge/api/pengbridge/v1"
	"github.com/pengbridge/pengbridge/sidecar/launch"
)

// BinaryVariable is the environment variable that says where the sidecar's binary is, unless SpawnOptions do.
const BinaryVariable = "PENGBRIDGE_BINARY"

const (
	// maxReceive is the largest message taken from the sidecar: one event can be the largest packet that peng3dnet has.
	maxReceive = 1<<31 - 1
	// connectTimeout bounds one attempt to connect. It is long for a busy machine, not for the distance.
	connectTimeout = 5 * time.Second
	// silence is how long a connection in use may be silent before the sidecar is pinged, and unanswered how long the answer may
	// take. A connection that was lost silently is given up then, and streams resume over another one.
	silence, unanswered = 10 * time.Second, 20 * time.Second
	// ioBuffer is the size of the transport's buffers.
	ioBuffer = 128 << 10
	// streamWindow and connectionWindow are how many bytes may be under way unread, in one call and in all. They are fixed, as in
	// the sidecar: otherwise gRPC would ping it for nearly every message, to find out how large they should be.
	streamWindow, connectionWindow = 1 << 20, 4 << 20
)

// SpawnOptions say which sidecar to start, and how. The zero value is useful where PENGBRIDGE_BINARY is set.
type SpawnOptions struct {
	// Binary is the absolute path of the pengbridge binary. Empty: what PENGBRIDGE_BINARY says. It is never looked up in PATH
	// or the current folder.
	Binary string
	// Stderr takes the sidecar's log lines. Nil: they are discarded.
	Stderr io.Writer
	// ReadOnlyTokenFile is where the sidecar writes a token with which tools may observe. Empty: nowhere.
	ReadOnlyTokenFile string
	// Drain is how long the sidecar may take to say goodbye to its peers, at most 60 s. 0: 1.5 s.
	Drain time.Duration
}

// AttachOptions say how to reach a running sidecar.
type AttachOptions struct {
	// TokenFile has the token: its first one is used. Nobody else may be able to read it (mode 0600).
	TokenFile string
	// TLS protects the connection. Nil: nothing does, which a sidecar only offers on its own machine.
	TLS *tls.Config
}

// Sidecar is a connection to a sidecar. Its methods, and API's, may be called concurrently.
type Sidecar struct {
	// API is the whole service; api/pengbridge/v1 says what everything means.
	API pb.SidecarServiceClient

	conn    *grpc.ClientConn
	dialer  *dialer
	process *launch.Process // nil if attached
}

// Spawn starts a sidecar and connects to it. ctx bounds the start, which takes 10 s at most; the sidecar lives until Close, or
// until this process ends.
func Spawn(ctx context.Context, o SpawnOptions) (*Sidecar, error) {
	if o.Binary == "" {
		o.Binary = os.Getenv(BinaryVariable)
	}
	if o.Binary == "" {
		return nil, fmt.Errorf("the pengbridge binary is not known: set SpawnOptions.Binary or %s to its absolute path", BinaryVariable)
	}
	process, err := launch.Start(ctx, launch.Command{
		Path: o.Binary, Stderr: o.Stderr, ReadOnlyTokenFile: o.ReadOnlyTokenFile, Drain: o.Drain,
	})
	if err != nil {
		return nil, err
	}
	s, err := connect(process.Ready.Address, process.Token, nil)
	if err != nil {
		return nil, errors.Join(err, process.Close())
	}
	s.process = process
	return s, nil
}

// Attach connects to a running sidecar at "host:port" or "unix:/path", and checks within ctx that it is one, speaks our
// version of the API, and takes our token.
func Attach(ctx context.Context, address string, o AttachOptions) (*Sidecar, error) {
	tokens, err := launch.ReadTokenFile(o.TokenFile)
	if err != nil {
		return nil, err
	}
	s, err := connect(address, tokens[0].Secret, o.TLS)
	if err != nil {
		return nil, err
	}
	if _, err := s.API.GetInfo(ctx, &pb.GetInfoRequest{}); err != nil {
		return nil, errors.Join(fmt.Errorf("attaching to %s: %w", address, err), s.Close())
	}
	return s, nil
}

// connect makes the connection; grpc dials with the first call.
func connect(address, secret string, config *tls.Config) (*Sidecar, error) {
	transport := insecure.NewCredentials()
	if config != nil {
		transport = credentials.NewTLS(config)
	}
	d := new(dialer)
	conn, err := grpc.NewClient(address,
		grpc.WithContextDialer(d.dial),
		grpc.WithTransportCredentials(transport),
		grpc.WithPerRPCCredentials(bearer{secret, config != nil}),
		grpc.WithNoProxy(),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: minPause, Multiplier: 2, Jitter: 0.2, MaxDelay: maxPause},
			MinConnectTimeout: connectTimeout,
		}),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: silence, Timeout: unanswered}),
		grpc.WithReadBufferSize(ioBuffer),
		grpc.WithWriteBufferSize(ioBuffer),
		grpc.WithStaticStreamWindowSize(streamWindow),
		grpc.WithStaticConnWindowSize(connectionWindow),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxReceive), grpc.ForceCodecV2(newCodec())),
	)
	if err != nil {
		return nil, err
	}
	return &Sidecar{API: pb.NewSidecarServiceClient(conn), conn: conn, dialer: d}, nil
}

// Done returns a channel that is closed when a spawned sidecar's process has ended. For an attached one, it is nil: there is no
// way to know.
func (s *Sidecar) Done() <-chan struct{} {
	if s.process == nil {
		return nil
	}
	return s.process.Done()
}

// retry returns what decides for one stream.
func (s *Sidecar) retry() retry {
	return retry{sidecarDone: s.Done(), deserted: s.dialer.deserted.Load}
}

// Conn returns the connection, for services beyond the API: health, reflection.
func (s *Sidecar) Conn() grpc.ClientConnInterface { return s.conn }

// Close ends the sidecar if it was spawned, which says goodbye to its peers first, and closes the connection. An error means
// that the sidecar did not end well.
func (s *Sidecar) Close() error {
	var err error
	if s.process != nil {
		if err = s.process.Close(); err != nil {
			err = fmt.Errorf("the sidecar did not end well: %w", err)
		}
	}
	if closeErr := s.conn.Close(); closeErr != nil {
		err = errors.Join(err, closeErr)
	}
	return err
}

// bearer puts the token into every call.
type bearer struct {
	secret string
	secure bool // gRPC refuses to send it without TLS
}

func (b bearer) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return map[string]string{"authorization": "Bearer " + b.secret}, nil
}

func (b bearer) RequireTransportSecurity() bool { return b.secure }
