package sidecar

// Strangers: callers without a valid token. What they can make the sidecar hold is bounded before a byte of their messages is
// read, because gRPC reads a unary call's message before any interceptor can refuse it.

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/tap"

	"github.com/pengbridge/pengbridge/sidecar/launch"
)

const (
	// maxStrangers is how many calls without a valid token there may be at once: health checks, and mistakes.
	maxStrangers = 32
	// strangerTime is how long such a call may take, even a health Watch.
	strangerTime = 10 * time.Second
)

var errTooManyStrangers = errors.New("too many calls without a valid token are under way: send metadata \"authorization: Bearer <token>\"")

// strangers counts their calls. The zero value has none. It may be used concurrently.
type strangers struct {
	calls   atomic.Int64
	refused atomic.Uint64 // because there were too many
}

// tap returns the function that gRPC calls when the headers of a call have come, before the call counts as a stream.
func (s *strangers) tap(tokens *launch.Tokens) tap.ServerInHandle {
	return func(call context.Context, info *tap.Info) (context.Context, error) {
		if _, known := tokens.Lookup(secretIn(info.Header)); known {
			return call, nil
		}
		if s.calls.Add(1) > maxStrangers {
			s.calls.Add(-1)
			s.refused.Add(1)
			return nil, translate(errTooManyStrangers)
		}
		limited, cancel := context.WithTimeout(call, strangerTime)
		context.AfterFunc(call, func() { // gRPC ends a call's context with the call
			cancel()
			s.calls.Add(-1)
		})
		return limited, nil
	}
}

// secretIn returns the token that headers carry, or "".
func secretIn(headers metadata.MD) string {
	secret, err := bearerToken(metadata.NewIncomingContext(context.Background(), headers))
	if err != nil {
		return ""
	}
	return secret
}
