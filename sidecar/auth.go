package sidecar

// Who may do what: every call but a health check carries a token, and a read-only token may only observe.

import (
	"context"

	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors/auth"
	"google.golang.org/grpc"
	reflectionpb "google.golang.org/grpc/reflection/grpc_reflection_v1"

	pb "github.com/pengbridge/pengbridge/api/pengbridge/v1"
	"github.com/pengbridge/pengbridge/sidecar/launch"
)

// principalKey is where a call's context has its launch.Principal.
type principalKey struct{}

// authenticate returns the function that finds out who calls, and refuses callers without a valid token.
func authenticate(tokens *launch.Tokens) auth.AuthFunc {
	return func(ctx context.Context) (context.Context, error) {
		secret, err := bearerToken(ctx)
		if err != nil {
			return nil, translate(errNoToken)
		}
		principal, ok := tokens.Lookup(secret)
		if !ok {
			return nil, translate(errNoToken)
		}
		method, _ := grpc.Method(ctx)
		if principal.ReadOnly && !openToReadOnly(method) {
			return nil, translate(errReadOnly)
		}
		return context.WithValue(ctx, principalKey{}, principal), nil
	}
}

// bearerToken returns the token that a call's metadata carry.
func bearerToken(ctx context.Context) (string, error) { return auth.AuthFromMD(ctx, "bearer") }

// openToReadOnly reports whether a read-only token may call method. Subscribe checks the mode as well.
func openToReadOnly(method string) bool {
	switch method {
	case pb.SidecarService_GetInfo_FullMethodName,
		pb.SidecarService_ListEndpoints_FullMethodName,
		pb.SidecarService_ListConnections_FullMethodName,
		pb.SidecarService_Subscribe_FullMethodName,
		reflectionpb.ServerReflection_ServerReflectionInfo_FullMethodName: // tools that read the API's description
		return true
	}
	return false
}

// caller returns who makes the call: of a call that was not authenticated, the zero Principal, which owns nothing.
func caller(ctx context.Context) launch.Principal {
	principal, _ := ctx.Value(principalKey{}).(launch.Principal)
	return principal
}
