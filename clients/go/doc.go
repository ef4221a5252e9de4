// Package pengbridge is the Go client of the pengbridge sidecar, which runs the peng3dnet network stack in a process of its
// own. (A Go program that wants no second process imports core/endpoint instead.)
//
// [Spawn] starts a sidecar that lives as long as this process; [Attach] talks to one that runs already. Either gives a
// [Sidecar], whose API field is the whole gRPC service. Two helpers take over what is easy to get wrong:
//
//   - [Sidecar.Subscribe] delivers an endpoint's events in order, each once: it acknowledges, resumes after a broken
//     connection, and says so if an event was lost.
//   - [Sidecar.Commands] sends commands in batches without waiting for answers, and sends them again after a broken
//     connection without anything happening twice.
//
// A program in a hurry leaves out the events it has no use for (EventOptions.omit_types), collects what it has to send and
// gives it to [Commands.SendPackets], and lets its subscription acknowledge over the same Commands and use its memory again
// ([SubscribeOptions]).
package pengbridge
