// Package sidecar is the gRPC service over core: it hosts peng3dnet endpoints for applications that live in other
// processes. What each call does, and which errors it has, is in api/pengbridge/v1.
//
// # What is where
//
//   - sidecar.go makes the gRPC server, and drains it. Every call passes connections.go, strangers.go, interceptors.go and
//     auth.go before it reaches a handler.
//   - Handlers come one file per act (bind, connect, send, list, subscribe, commands, ...) and are thin: find the endpoint,
//     convert, call core, translate the error. What a unary call and a command have in common is in actions.go.
//   - endpoints.go keeps an endpoint (hosted.go) from the call that makes it until its last event was read; readlogs.go
//     remembers a while longer that it was.
//   - Protobuf types stop at the files that convert them: packets, limits, limitpolicy, endpoint_options, body, tls.
//   - errors.go alone decides what callers see of an error.
//   - Package eventlog is the log of an endpoint's events, jsonbody the JSON form of bodies, tlsfile TLS from PEM files, and
//     launch how a sidecar is started, found, and ended.
//
// # Where an event goes out
//
// Core appends events to the endpoint's [eventlog.Log], which encodes each once and gives it its sequence. The handler of
// Subscribe (subscribe.go, deliver) takes the next stretch of the log from its [eventlog.Cursor], and codec.go hands those
// bytes to gRPC as they are; only for JSON are they decoded first. What the subscriber acknowledges comes back as a call or
// a command (actions.go, acknowledge): the log forgets it, and if it was full, the endpoint reads its sockets again.
//
// # Where a command comes in
//
// codec.go leaves the inside of a Commands message as it came, and command_wire.go cuts it into commands. The goroutine of
// the stream (commands.go) applies them in order; packets go into an [endpoint.Batch], which writes them together. What there
// is to answer collects in answers.go, at the client's pace. senders.go remembers how far each sender got, so that commands
// which are sent again after a break are not applied again.
package sidecar
