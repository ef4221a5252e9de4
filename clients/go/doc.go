// Package pengbridge is the Go client of the pengbridge sidecar, which runs the peng3dnet network stack in a process of its
// own. (A Go program that wants no second process imports core/endpoint instead.)
//
// [Spawn] starts a sidecar that lives as long as this process; [Attach] talks to one that runs already. Either returns a
// [Sidecar], whose API field is the whole gRPC service. Two helpers do what is easy to get wrong:
//
//   - [Sidecar.Subscribe] delivers an endpoint's events in order, each once: it acknowledges, resumes after a broken
//     connection, and says so if an event was lost.
//   - [Sidecar.Commands] sends commands in batches without waiting for answers, and sends them again after a broken
//     connection without anything happening twice.
//
// Servers and clients are made with API.Bind and API.Connect. Name the subscriber there (EventOptions.expected_subscriber), and
// no event is lost before it subscribes. An endpoint goes on until it is stopped: a client, too, when its connection has ended.
// examples/echo/goserver is a whole program. The binary that Spawn starts is built with
//
//	go build ./cmd/pengbridge
//
// For speed, a program omits the events that it does not use (EventOptions.omit_types), sends many packets with one call of
// [Commands.SendPackets], and lets its subscription acknowledge over the same Commands and reuse its memory
// ([SubscribeOptions]).
//
// Files: sidecar and dial (starting, attaching, connecting), retry (when to give up), subscription and event_wire (events in),
// commands, commandqueue, commandstore and command_wire (commands out), codec (what gRPC does not encode itself).
package pengbridge
