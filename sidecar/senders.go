package sidecar

// What an endpoint remembers of the senders of commands, so that commands which are sent again after a break are not applied
// again.

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"

	pb "github.com/pengbridge/pengbridge/api/pengbridge/v1"
)

const (
	// maxSenders is how many senders without a stream are remembered.
	maxSenders = 64
	// recentCommands is for how many of the last commands failures are remembered: as many as one message carries, so that a
	// sender with no more than that unanswered learns after a break what became of each.
	recentCommands = maxCommands
	// maxAwayFailures bounds the failures, of about 100 bytes each, that are remembered for senders without a stream. Beyond
	// it, the sender that left first is forgotten; if it comes back, its commands leave a gap, which is an error.
	maxAwayFailures = 2 * recentCommands
)

// senders are the senders of one endpoint. The zero value has none. All methods may be called concurrently.
type senders struct {
	mu     sync.Mutex
	byName map[string]*sender
	away   []*sender // those without a stream, in the order in which they left
}

// sender is a sender with a name, or the nameless one of a single stream.
type sender struct {
	name  string
	claim *claim // the stream that has it; nil: none. senders.mu guards it

	applying sync.Mutex // held while a message is applied; guards what follows
	applied  uint64     // every command up to this number was applied, or has failed
	failed   []*pb.CommandFailure

	remembered atomic.Int64 // how long failed is; may be read without applying
}

// claim is a stream's hold on its sender.
type claim struct {
	*sender
	end context.CancelCauseFunc // ends the stream
}

// claim gives a stream the sender with a name, and ends the stream that had it; with an empty name, the sender is the stream's
// own. The claim must be released when its stream ends; end is called to end it when another stream claims the sender.
func (s *senders) claim(name string, end context.CancelCauseFunc) *claim {
	if name == "" {
		return &claim{&sender{}, end}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	known, ok := s.byName[name]
	if !ok {
		known = &sender{name: name}
		if s.byName == nil {
			s.byName = make(map[string]*sender)
		}
		s.byName[name] = known
	}
	if known.claim != nil {
		known.claim.end(errSenderTakenOver)
	}
	known.claim = &claim{known, end}
	s.away = slices.DeleteFunc(s.away, func(other *sender) bool { return other == known })
	return known.claim
}

// release ends a claim. Its sender is remembered as the last one that left.
func (s *senders) release(c *claim) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.name == "" || c.claim != c {
		return
	}
	c.claim = nil
	s.away = append(s.away, c.sender)
	for len(s.away) > maxSenders || len(s.away) > 1 && s.awayFailures() > maxAwayFailures {
		delete(s.byName, s.away[0].name)
		s.away = slices.Delete(s.away, 0, 1)
	}
}

// awayFailures returns how many failures are remembered for senders without a stream.
func (s *senders) awayFailures() (n int) {
	for _, away := range s.away {
		n += int(away.remembered.Load())
	}
	return n
}

// resume returns how far the sender got, and its recent failures from the first unanswered command on. It waits until the
// sender's previous stream applies nothing any more.
func (s *sender) resume(unanswered uint64) (applied uint64, recent []*pb.CommandFailure) {
	s.applying.Lock()
	defer s.applying.Unlock()
	s.forget(unanswered)
	s.forgetOld()
	return s.applied, slices.Clone(s.failed)
}

// skip returns how many of n commands, numbered from first, were applied before. They must not begin beyond the
// command after the last applied one: a gap means that commands were lost. s.applying is held.
func (s *sender) skip(first uint64, n int) (int, error) {
	switch {
	case n == 0:
		return 0, nil
	case first == 0:
		return 0, invalid("first_number", "is missing: a sender's first command is number 1")
	case first > s.applied+1:
		return 0, invalid("first_number", "leaves a gap: command %d is next", s.applied+1)
	}
	return int(min(s.applied+1-first, uint64(n))), nil
}

// fail remembers a failure. s.applying is held.
func (s *sender) fail(f *pb.CommandFailure) {
	s.failed = append(s.failed, f)
	if len(s.failed) > 2*recentCommands {
		s.forgetOld()
	}
	s.remembered.Store(int64(len(s.failed)))
}

// forgetOld forgets failures that lie too far back. s.applying is held.
func (s *sender) forgetOld() {
	if s.applied >= recentCommands {
		s.forget(s.applied - recentCommands + 1)
	}
}

// forget forgets the failures of commands before the given one. s.applying is held.
func (s *sender) forget(before uint64) {
	s.failed = slices.DeleteFunc(s.failed, func(f *pb.CommandFailure) bool { return f.GetNumber() < before })
	s.remembered.Store(int64(len(s.failed)))
}
