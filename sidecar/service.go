package sidecar

import (
	"context"
	"log/slog"
	"os"
	"runtime"
	"sync"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	pb "github.com/pengbridge/pengbridge/api/pengbridge/v1"
	"github.com/pengbridge/pengbridge/core/endpoint"
	"github.com/pengbridge/pengbridge/core/packet"
)

// service answers the calls. It embeds the Unsafe interface, so that this does not compile while a call of the API is not
// answered here.
type service struct {
	pb.UnsafeSidecarServiceServer

	version    string
	maxMessage int
	logger     *slog.Logger
	started    time.Time
	endpoints  *endpoints
	working    sync.WaitGroup // goroutines that apply commands beside the handlers of their streams
}

var _ pb.SidecarServiceServer = (*service)(nil)

func newService(o *Options) *service {
	return &service{
		version:    o.Version,
		maxMessage: o.MaxMessageBytes,
		logger:     o.Logger,
		started:    time.Now(),
		endpoints:  newEndpoints(o.Logger, endpoint.NewBudget(o.MemoryBudget), o.Limits),
	}
}

// endpoint returns the caller's endpoint with an id.
func (s *service) endpoint(ctx context.Context, id string) (*hosted, error) {
	return s.endpoints.get(caller(ctx).Owner, id)
}

// GetInfo says what this sidecar is.
func (s *service) GetInfo(ctx context.Context, _ *pb.GetInfoRequest) (*pb.GetInfoResponse, error) {
	scope := "full"
	if caller(ctx).ReadOnly {
		scope = "read-only"
	}
	return &pb.GetInfoResponse{
		Version:           s.version,
		ApiVersions:       []string{"v1"},
		ProtocolVersion:   packet.ProtocolVersion,
		Pid:               uint32(os.Getpid()),
		StartedAt:         timestamppb.New(s.started),
		DefaultLimits:     s.endpoints.policy.defaults(),
		Build:             runtime.Version() + " " + runtime.GOOS + "/" + runtime.GOARCH,
		MaxMessageBytes:   uint32(s.maxMessage),
		Scope:             scope,
		MemoryBudgetBytes: uint64(s.endpoints.budget.Limit()),
		MemoryUsedBytes:   uint64(s.endpoints.budget.Used()),
	}, nil
}
