package sidecar

// Strangers: callers that show no valid token. What they can make the sidecar hold is bounded before their first byte of
// body is read, because gRPC reads a call's message before any interceptor may refuse it.

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
	// strangerTime is how long such a call may take, a health Watch included.
	strangerTime = 10 * time.Second
)

var errTooManyStrangers = errors.New("too many calls without a valid token are under way: send metadata \"authorization: Bearer <token>\"")

// strangers counts their calls. The zero value has none.
type strangers struct {
	calls   atomic.Int64
	refused atomic.Uint64 // because there were too many
}

// tap returns what looks at every call when its headers have come, before it counts as a stream.
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
