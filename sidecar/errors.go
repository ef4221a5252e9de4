package sidecar

// The one place where errors become what callers see: a gRPC code, a stable reason for programs, and a message for people
// that says what happened and what to do. Unary calls and streams carry it as a status with details, the Commands stream
// as a CommandFailure.

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strconv"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/protoadapt"

	pb "github.com/pengbridge/pengbridge/api/pengbridge/v1"
	"github.com/pengbridge/pengbridge/core/endpoint"
	"github.com/pengbridge/pengbridge/core/packet"
	"github.com/pengbridge/pengbridge/core/wire"
	"github.com/pengbridge/pengbridge/sidecar/eventlog"
)

// errorDomain is the ErrorInfo domain of every reason here.
const errorDomain = "pengbridge"

// What the sidecar itself answers, without core.
var (
	errNoToken         = errors.New("the call carries no valid token: send metadata \"authorization: Bearer <token>\"")
	errReadOnly        = errors.New("the token is read-only: it may only get info, list, and subscribe as an observer")
	errUnknownEndpoint = errors.New("no such endpoint: it has ended, belongs to another token's owner, or was made before a restart of the sidecar")
	errDraining        = errors.New("the sidecar is shutting down: connect to a new one")
	errSenderTakenOver = errors.New("the same sender opened another Commands stream: go on there")
	errPanic           = errors.New("internal error: the sidecar's log has the details")
)

// failure is an error as callers see it.
type failure struct {
	code     codes.Code
	reason   string // in capitals; its meaning never changes
	message  string
	field    string            // the request's field, for INVALID_ARGUMENT
	metadata map[string]string // more for programs, for some reasons
}

func (f *failure) Error() string { return f.message }

// GRPCStatus is what gRPC sends.
func (f *failure) GRPCStatus() *status.Status {
	details := []protoadapt.MessageV1{&errdetails.ErrorInfo{
		Reason:   f.reason,
		Domain:   errorDomain,
		Metadata: f.metadata,
	}}
	if f.field != "" {
		details = append(details, &errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{
			{Field: f.field, Description: f.message, Reason: f.reason},
		}})
	}
	s := status.New(f.code, f.message)
	if detailed, err := s.WithDetails(details...); err == nil {
		return detailed
	}
	return s
}

// commandFailure is what the Commands stream sends.
func (f *failure) commandFailure(number uint64) *pb.CommandFailure {
	return &pb.CommandFailure{Number: number, Code: uint32(f.code), Message: f.message, Reason: f.reason}
}

// translated returns err as callers see it, and nil for nil.
func translated(err error) error {
	if err == nil {
		return nil
	}
	return translate(err)
}

// translate returns what callers see of an error, which must not be nil.
func translate(err error) *failure {
	if known, ok := errors.AsType[*failure](err); ok {
		return known
	}
	if invalid, ok := errors.AsType[*packet.InvalidError](err); ok {
		return &failure{code: codes.InvalidArgument, reason: "INVALID_FIELD", message: err.Error(), field: invalid.Field}
	}
	if handshake, ok := errors.AsType[*endpoint.HandshakeError](err); ok {
		f := &failure{code: codes.FailedPrecondition, reason: "HANDSHAKE_FAILED", message: err.Error()}
		if handshake.Reason != nil {
			f.metadata = map[string]string{"close_reason": *handshake.Reason}
		}
		return f
	}
	if gone, ok := errors.AsType[*eventlog.GoneError](err); ok {
		return &failure{
			code: codes.OutOfRange, reason: "SEQUENCE_GONE", message: err.Error(), metadata: oldest(gone.Oldest),
		}
	}
	if beyond, ok := errors.AsType[*eventlog.RangeError](err); ok {
		return &failure{
			code: codes.OutOfRange, reason: "SEQUENCE_NOT_REACHED", message: err.Error(), metadata: oldest(beyond.Oldest),
		}
	}
	if other, ok := errors.AsType[*eventlog.OtherModeError](err); ok {
		return &failure{
			code: codes.FailedPrecondition, reason: "SUBSCRIBER_IN_OTHER_MODE", message: err.Error(),
			metadata: map[string]string{"mode": other.Mode.String()},
		}
	}
	if errors.Is(err, context.DeadlineExceeded) {
		advice := ": allow a longer timeout, or find out what keeps the peer"
		return &failure{code: codes.DeadlineExceeded, reason: "TIMED_OUT", message: err.Error() + advice}
	}
	for _, s := range sentinels {
		if errors.Is(err, s.err) {
			return &failure{code: s.code, reason: s.reason, message: err.Error()}
		}
	}
	if s, ok := status.FromError(err); ok { // gRPC's own, of a stream that broke
		return &failure{code: s.Code(), reason: "STREAM_BROKEN", message: s.Message()}
	}
	return &failure{code: codes.Internal, reason: "INTERNAL", message: "internal error: " + err.Error()}
}

// oldest tells a program from where on it can subscribe.
func oldest(sequence uint64) map[string]string {
	return map[string]string{"oldest": strconv.FormatUint(sequence, 10)}
}

// sentinels says what the errors without data of their own mean. It never changes.
var sentinels = [...]struct {
	err    error
	code   codes.Code
	reason string
}{
	{errNoToken, codes.Unauthenticated, "NO_TOKEN"},
	{errTooManyStrangers, codes.ResourceExhausted, "TOO_MANY_STRANGERS"},
	{errReadOnly, codes.PermissionDenied, "READ_ONLY_TOKEN"},
	{errUnknownEndpoint, codes.NotFound, "UNKNOWN_ENDPOINT"},
	{errDraining, codes.Unavailable, "DRAINING"},
	{errSenderTakenOver, codes.Aborted, "SENDER_TAKEN_OVER"},
	{errPanic, codes.Internal, "INTERNAL"},
	{packet.ErrUnknown, codes.NotFound, "UNKNOWN_PACKET"},
	{packet.ErrExists, codes.AlreadyExists, "ALREADY_REGISTERED"},
	{packet.ErrMalformedBody, codes.InvalidArgument, "MALFORMED_BODY"},
	{wire.ErrTooLarge, codes.InvalidArgument, "PACKET_TOO_LARGE"},
	{endpoint.ErrUnknownConn, codes.NotFound, "UNKNOWN_CONNECTION"},
	{endpoint.ErrStopped, codes.FailedPrecondition, "ENDPOINT_STOPPED"},
	{endpoint.ErrNotActive, codes.FailedPrecondition, "CONNECTION_NOT_ACTIVE"},
	{endpoint.ErrNotServer, codes.FailedPrecondition, "NOT_A_SERVER"},
	{endpoint.ErrRefused, codes.FailedPrecondition, "REFUSED_BY_RULE"},
	{endpoint.ErrQueueFull, codes.ResourceExhausted, "SEND_QUEUE_FULL"},
	{endpoint.ErrLogFull, codes.ResourceExhausted, "EVENT_LOG_FULL"},
	{endpoint.ErrAddressInUse, codes.AlreadyExists, "ADDRESS_IN_USE"},
	{endpoint.ErrAddressNotHere, codes.Unavailable, "ADDRESS_NOT_HERE"},
	{endpoint.ErrConnectRefused, codes.Unavailable, "CONNECT_REFUSED"},
	{endpoint.ErrUnknownHost, codes.Unavailable, "UNKNOWN_HOST"},
	{eventlog.ErrTakenOver, codes.Aborted, "SUBSCRIBER_TAKEN_OVER"},
	{eventlog.ErrResumed, codes.Unavailable, "SUBSCRIPTION_RESUMED"},
	{eventlog.ErrUnknownSubscriber, codes.NotFound, "UNKNOWN_SUBSCRIBER"},
	{fs.ErrPermission, codes.PermissionDenied, "NOT_PERMITTED"},
	{context.Canceled, codes.Canceled, "CANCELED"},
}

// invalid says that a field of the request makes no sense. field is its path, as the proto spells it.
func invalid(field, format string, args ...any) error {
	return &packet.InvalidError{Field: field, Problem: fmt.Sprintf(format, args...)}
}

// within puts the field that err names, if any, inside an outer one: whatever made err knows only its own part of a request.
func within(outer string, err error) error {
	if inner, ok := errors.AsType[*packet.InvalidError](err); ok {
		return &packet.InvalidError{Field: outer + "." + inner.Field, Problem: inner.Problem}
	}
	return err
}
