//go:build unix

package faults

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
)

// schedule is what happens in a run. It follows from its seed.
type schedule struct {
	seed     uint64
	peers    int
	size     int    // of packets, in bytes
	network  string // over which the application reaches the sidecar: tcp or unix
	process  bool   // whether the application is a process of its own
	python   string // the interpreter, if it is a program in Python
	simple   bool   // whether the application acknowledges nothing
	watched  bool   // whether somebody observes the log besides
	narrow   bool   // whether the sockets of peers hold little
	recorded bool   // whether sends are logged
	backlog  uint64 // of the log, in bytes; it is smaller than what the peers send, if fills is set
	fills    bool   // whether the log is filled
	ring     uint32 // how much the log holds that nobody needs any more, in bytes
	steps    []step
	end      end
}

// step lets the peers send, and breaks something in the middle of it.
type step struct {
	packets int     // each peer may send more
	after   float64 // which part of them the application has seen when the fault comes
	fault   fault
	peer    int // which peer it hits, if it hits one
	bytes   int // when it hits, for faults in the middle of a message
}

// fault is one thing that breaks.
type fault uint8

const (
	nothing fault = iota

	// The application and its connection to the sidecar.
	resetAPI         // RST
	closeAPI         // both ends get an end of stream
	resetBatch       // RST in the middle of what the sidecar sends
	closeBatch       // the same with an end of stream
	resetCommands    // RST in the middle of what the application sends
	crumbleAPI       // bytes come a few at a time
	stallAPI         // no byte passes for a while
	takeOver         // the same subscriber comes again
	crash            // the application forgets everything and comes back
	leaveAndReturn   // the application says goodbye and comes back
	holdApplication  // the application does not read for a while
	fillLog          // the same, until the endpoint pauses
	freezeSidecar    // SIGSTOP and SIGCONT
	freezeAndReset   // the same, and the application's connection breaks meanwhile
	freezeAndCutPeer // the same, and a peer's does
	outrunWatcher    // the watcher does not read, until the log no longer holds what it has not seen

	// A peer and its connection.
	resetPeer     // RST
	closePeer     // end of stream in both directions
	halfClosePeer // the sidecar sees an end of stream in the middle of whatever the peer sends
	tearFrame     // RST in the middle of a frame
	crumblePeer   // bytes come a few at a time
	stallPeer     // no byte passes for a while
	deafPeer      // the peer does not read for a while
	partPeer      // the peer says goodbye
	finPeer       // the peer ends its stream
	kickPeer      // the application closes the connection
	chokePeer     // the peer does not read, and is sent more than its queue holds

	faultCount
)

// String names the fault.
func (f fault) String() string {
	return [...]string{
		"nothing", "reset API", "close API", "reset in a batch", "close in a batch", "reset in commands", "crumble API", "stall API",
		"take over", "crash", "leave and return", "hold application", "fill log", "freeze sidecar", "freeze sidecar and reset API",
		"freeze sidecar and reset peer", "outrun watcher", "reset peer", "close peer", "half-close peer", "tear frame", "crumble peer", "stall peer",
		"deaf peer", "peer says goodbye", "peer ends its stream", "kick peer", "choke peer",
	}[f]
}

// disconnects reports whether the application's connection breaks, or may.
func (f fault) disconnects() bool {
	switch f {
	case resetAPI, closeAPI, resetBatch, closeBatch, resetCommands, crash, leaveAndReturn, freezeAndReset:
		return true
	}
	return false
}

// end is how a run is brought to its end.
type end uint8

const (
	stopQuiet       end = iota // Stop, when everything has arrived
	shutdownQuiet              // Shutdown, the same
	stopBusy                   // Stop in the middle of traffic
	shutdownBusy               // Shutdown in the middle of traffic
	shutdownCommand            // the same as a command
	shutdownFull               // Shutdown while the application does not read and the log is full
	drain                      // SIGTERM to the sidecar in the middle of traffic
	absent                     // the application stays away beyond its grace time
	killed                     // SIGKILL to the sidecar in the middle of traffic

	endCount
)

// String names the end.
func (e end) String() string {
	return [...]string{
		"stop", "shutdown", "stop in traffic", "shutdown in traffic", "shutdown by command", "shutdown with a full log", "drain",
		"absence", "kill",
	}[e]
}

// inPython makes the application a program in Python. It does not leave an endpoint in good order that goes on: our library
// ends what it lets go of.
func (s *schedule) inPython(interpreter string) {
	s.python, s.process = interpreter, true
	for i := range s.steps {
		if f := &s.steps[i].fault; *f == leaveAndReturn {
			*f = crash
		}
	}
	s.reconcile()
}

// outlived makes the end one that the sidecar outlives.
func (s *schedule) outlived() {
	switch s.end {
	case drain:
		s.end = shutdownBusy
	case killed:
		s.end = stopBusy
	}
}

// newSchedule makes the schedule of a seed.
func newSchedule(seed uint64) schedule {
	r := rand.New(rand.NewPCG(seed, 4))
	s := schedule{
		seed:     seed,
		peers:    1 + r.IntN(4),
		size:     8 + r.IntN(200),
		process:  r.IntN(8) == 0,
		watched:  r.IntN(3) == 0,
		narrow:   r.IntN(3) == 0,
		recorded: r.IntN(3) > 0,
		backlog:  64 << 20,
		ring:     64 << 20,
		end:      end(r.IntN(int(endCount))),
		network:  []string{"tcp", "unix"}[r.IntN(2)],
		simple:   r.IntN(4) == 0,
	}
	for range 1 + r.IntN(5) {
		s.steps = append(s.steps, step{
			packets: 10 + r.IntN(90),
			after:   r.Float64(),
			fault:   fault(r.IntN(int(faultCount))),
			peer:    r.IntN(s.peers),
			bytes:   r.IntN(2000),
		})
	}
	s.reconcile()
	return s
}

// reconcile makes the parts of a schedule fit.
func (s *schedule) reconcile() {
	// If an application forgets what it has done, only a log of what was sent tells it.
	s.recorded = s.recorded || s.process || s.has(crash)
	// An application that acknowledges nothing relies on the ring, which must be small for the watcher to be outrun.
	outruns := s.has(outrunWatcher)
	s.simple = s.simple && !s.process && !outruns
	if outruns {
		s.watched, s.ring, s.size = true, 16<<10, 2000
	}
	for i := range s.steps {
		f := &s.steps[i].fault
		if s.end == absent && f.disconnects() { // its grace time is short: once away, always away
			*f = nothing
		}
		switch *f {
		case fillLog:
			s.fills = true
		case chokePeer:
			if s.recorded { // it would fill the log first
				*f = deafPeer
			}
		}
	}
	if s.fills || s.end == shutdownFull {
		s.backlog, s.size = 256<<10, 2000
	}
}

// has reports whether a fault is among the steps.
func (s *schedule) has(f fault) bool {
	return slices.ContainsFunc(s.steps, func(s step) bool { return s.fault == f })
}

// String shows the schedule, for finding out what went wrong.
func (s schedule) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "seed %d: %d peers, packets of %d bytes, backlog %d KiB; ends with %v\n",
		s.seed, s.peers, s.size, s.backlog>>10, s.end)
	fmt.Fprintf(&b, "  application a process: %v %s, over %s; acknowledges nothing: %v; log watched: %v; narrow sockets: %v; sends recorded: %v\n",
		s.process, s.python, s.network, s.simple, s.watched, s.narrow, s.recorded)
	for i, step := range s.steps {
		fmt.Fprintf(&b, "  %d. of %d packets a peer, after %.0f%%: %v (peer %d, byte %d)\n",
			i+1, step.packets, 100*step.after, step.fault, step.peer, step.bytes)
	}
	return b.String()
}
