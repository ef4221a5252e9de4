package sidecar

// What surrounds every call: a log line, the check of its token, the end of streams when the sidecar drains, and, innermost, an
// error instead of a crash when a handler panics.

import (
	"context"
	"log/slog"
	"runtime/debug"
	"slices"
	"sync/atomic"

	middleware "github.com/grpc-ecosystem/go-grpc-middleware/v2"
	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors"
	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors/auth"
	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors/logging"
	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors/recovery"
	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors/selector"
	"golang.org/x/time/rate"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/pengbridge/pengbridge/sidecar/launch"
)

// intercept returns the server options that put the interceptors around every call. When ending is done, the contexts of
// all streams are done for the same cause.
func intercept(ending context.Context, tokens *launch.Tokens, logger *slog.Logger) []grpc.ServerOption {
	notHealth := selector.MatchFunc(func(_ context.Context, call interceptors.CallMeta) bool {
		return call.Service != healthpb.Health_ServiceDesc.ServiceName
	})
	lines := []logging.Option{
		logging.WithLogOnEvents(logging.FinishCall), // the payload events would log bodies
		logging.WithLevels(levelOf),
		logging.WithDisableLoggingFields(logging.SystemTag[0], logging.ComponentFieldKey), // the same in every line
	}
	line := logTo(logger)
	who := authenticate(tokens)
	recovered := recoverTo(logger)
	return []grpc.ServerOption{
		grpc.ChainUnaryInterceptor(
			selector.UnaryServerInterceptor(logging.UnaryServerInterceptor(line, lines...), notHealth),
			selector.UnaryServerInterceptor(auth.UnaryServerInterceptor(who), notHealth),
			recovery.UnaryServerInterceptor(recovered),
		),
		grpc.ChainStreamInterceptor(
			selector.StreamServerInterceptor(logging.StreamServerInterceptor(line, lines...), notHealth),
			selector.StreamServerInterceptor(auth.StreamServerInterceptor(who), notHealth),
			endStreams(ending),
			recovery.StreamServerInterceptor(recovered),
		),
	}
}

func recoverTo(logger *slog.Logger) recovery.Option {
	return recovery.WithRecoveryHandler(func(p any) error { return panicked(logger, p) })
}

// panicked logs a panic with its stack and returns what the caller sees of it.
func panicked(logger *slog.Logger, p any) error {
	logger.Error("a call panicked", "panic", p, "stack", string(debug.Stack()))
	return translate(errPanic)
}

// Strangers must not be able to fill a disk with refusals. They are logged as core logs peers that break rules: some at once,
// and then one a second, which says how many were left out.
const (
	refusalsAtOnce    = 20
	refusalsPerSecond = 1
)

// logTo returns the function that writes the line of a call. All calls share it, and with it the limit for refusals.
func logTo(logger *slog.Logger) logging.LoggerFunc {
	limiter := rate.NewLimiter(refusalsPerSecond, refusalsAtOnce)
	var unlogged atomic.Int64 // refusals left out since the last line
	return func(ctx context.Context, level logging.Level, message string, fields ...any) {
		if level == logging.LevelWarn {
			if !limiter.Allow() {
				unlogged.Add(1)
				return
			}
			fields = append(slices.Clip(fields), "others_unlogged", unlogged.Swap(0))
		}
		logger.Log(ctx, slog.Level(level), message, fields...)
	}
}

// levelOf keeps the log for what an operator should see: callers hear of their own mistakes by the answer.
func levelOf(code codes.Code) logging.Level {
	switch code {
	case codes.Internal, codes.Unknown, codes.DataLoss:
		return logging.LevelError
	case codes.Unauthenticated, codes.PermissionDenied, codes.ResourceExhausted:
		return logging.LevelWarn
	default:
		return logging.LevelDebug
	}
}

// endStreams ends the context of every stream when ending is done. A stream that nobody ends would keep the server from
// stopping gracefully.
func endStreams(ending context.Context) grpc.StreamServerInterceptor {
	return func(srv any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
		ctx, cancel := context.WithCancelCause(stream.Context())
		defer cancel(nil)
		stop := context.AfterFunc(ending, func() { cancel(context.Cause(ending)) })
		defer stop()
		wrapped := middleware.WrapServerStream(stream)
		wrapped.WrappedContext = ctx
		return handler(srv, wrapped)
	}
}
