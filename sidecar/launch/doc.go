// Package launch is the contract between a sidecar and the process that starts it: how they find each other, how a caller
// proves who it is, and how the sidecar's life ends.
//
// The parent runs `pengbridge serve --spawned` with pipes and writes one line of JSON to its stdin, the [Hello]. The child
// listens ([Listen]), and when it serves it writes one line of JSON to its stdout, the [Ready]; or, if it cannot, a line
// {"error": "..."}, and exits with one of the codes in exit.go. Everything else it has to say goes to stderr. From then on
// the parent's only duty is to hold the stdin pipe open: the child ends when the pipe closes or the parent's process ends,
// whichever comes first. (It watches both, because a forked child of the parent can hold the pipe open.) A parent that is
// killed together with its sidecar leaves a socket behind, which the next sidecar to listen removes.
//
// Nothing secret is in the argument list or the environment. Every call carries a token ([Tokens]); on a Unix socket the
// peer's user is checked, too ([PeerCredentials]).
//
// [Start] is the parent's side; [Accept], [Signals] and [LogWriter] are the child's.
package launch
