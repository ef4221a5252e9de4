//go:build unix

package faults

import (
	"errors"
	"fmt"
	"hash/fnv"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	pb "github.com/pengbridge/pengbridge/api/pengbridge/v1"
)

// oracle hears from everybody what they did and saw, and knows what must not be. What is wrong at once is kept as a
// complaint; what can only be judged in the end is in verdict_test.go. All methods may be called concurrently.
type oracle struct {
	mu           sync.Mutex
	complaints   []error
	digests      []uint64          // of the events, the first one's in front
	observed     map[uint64]uint64 // the same by sequence, as the watcher sees them
	observedNext uint64            // what it is to see next; 0: whatever is the oldest one held
	phase        phase
	ending       string // what peers are told because the endpoint was told to end, if it was
	ended        bool
	endedAt      time.Time
	patient      bool // whether peers have the time to read it
	conns        map[uint64]*connection
	lives        map[uint32]*record
	commands     map[commandKey]*command
}

// phase is how far the endpoint itself got, as its events tell.
type phase uint8

const (
	unborn phase = iota
	initialized
	bound
	started
	stopped
	interrupted // as the last thing but one
	shutDown
)

// commandKey is a command's number in the life of one application.
type commandKey struct {
	generation int
	number     uint64
}

// command is one packet that the application sent.
type command struct {
	key    commandKey
	life   uint32
	number uint32
	reason string // why it failed; empty: it did not
	open   bool   // whether nobody was told what became of it
}

func newOracle() *oracle {
	return &oracle{
		observed: make(map[uint64]uint64), conns: make(map[uint64]*connection),
		lives: make(map[uint32]*record), commands: make(map[commandKey]*command),
	}
}

// complain keeps what is wrong. o.mu is held.
func (o *oracle) complain(format string, args ...any) {
	if len(o.complaints) < 20 {
		o.complaints = append(o.complaints, fmt.Errorf(format, args...))
	}
}

// err returns what is wrong so far.
func (o *oracle) err() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return errors.Join(o.complaints...)
}

// ends says that the endpoint is told to end, what peers are told, and whether all who read get to know it.
func (o *oracle) ends(reason string, patient bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.ending, o.ended, o.endedAt, o.patient = reason, true, time.Now(), patient
}

// isEnded reports whether the endpoint was told to end.
func (o *oracle) isEnded() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.ended
}

// next returns the sequence of the next event that is new.
func (o *oracle) next() uint64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	return uint64(len(o.digests)) + 1
}

// seen takes an event that the application got, over whichever stream. Each is new once, and the same every time.
func (o *oracle) seen(e *pb.Event) (fresh bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	digest := o.digest(e)
	next := uint64(len(o.digests)) + 1
	switch {
	case e.GetSequence() > next:
		o.complain("event %d comes where %d is due: a gap", e.GetSequence(), next)
		return false
	case e.GetSequence() == 0:
		o.complain("an event without a sequence")
		return false
	case e.GetSequence() < next:
		if o.digests[e.GetSequence()-1] != digest {
			o.complain("event %d is another one the second time: %v", e.GetSequence(), e)
		}
		return false
	}
	o.digests = append(o.digests, digest)
	o.follow(e)
	return true
}

// digest stands for everything that an event says. o.mu is held.
func (o *oracle) digest(e *pb.Event) uint64 {
	encoded, err := proto.MarshalOptions{Deterministic: true}.Marshal(e)
	if err != nil {
		o.complain("event %d: %w", e.GetSequence(), err)
	}
	sum := fnv.New64a()
	_, _ = sum.Write(encoded)
	return sum.Sum64()
}

// watched takes an event that the watcher got.
func (o *oracle) watched(e *pb.Event) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.observedNext != 0 && e.GetSequence() != o.observedNext {
		o.complain("the watcher got event %d where %d was due", e.GetSequence(), o.observedNext)
	}
	o.observed[e.GetSequence()] = o.digest(e)
	o.observedNext = e.GetSequence() + 1
}

// outrun says that the watcher was told that it is too late for its next event, and which one is the oldest held.
func (o *oracle) outrun(oldest uint64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if oldest <= o.observedNext {
		o.complain("the watcher was told that it is too late for event %d, and that event %d is held", o.observedNext, oldest)
	}
	o.observedNext = 0
}

// follow looks at a new event. o.mu is held.
func (o *oracle) follow(e *pb.Event) {
	next, ok := map[pb.EventType]phase{
		pb.EventType_EVENT_TYPE_SERVER_INITIALIZE: initialized,
		pb.EventType_EVENT_TYPE_SERVER_BIND:       bound,
		pb.EventType_EVENT_TYPE_SERVER_START:      started,
		pb.EventType_EVENT_TYPE_SERVER_STOP:       stopped,
		pb.EventType_EVENT_TYPE_SERVER_INTERRUPT:  interrupted,
		pb.EventType_EVENT_TYPE_SERVER_SHUTDOWN:   shutDown,
	}[e.GetType()]
	switch {
	case !ok:
		o.followConnection(e)
	case next == interrupted && o.phase == started: // somebody called Interrupt
	case next != o.phase+1:
		o.complain("event %d: %v does not come behind phase %d", e.GetSequence(), e.GetType(), o.phase)
	default:
		o.phase = next
	}
	if o.phase >= stopped && !o.ended {
		o.complain("event %d: the endpoint ended by itself", e.GetSequence())
		o.ended = true
	}
}

// connection returns what is known of a connection. o.mu is held.
func (o *oracle) connection(e *pb.Event, id uint64) *connection {
	c := o.conns[id]
	if c == nil {
		c = &connection{id: id}
		o.conns[id] = c
	}
	return c
}

func (o *oracle) followConnection(e *pb.Event) {
	if o.phase != started {
		o.complain("event %d: %v does not belong into phase %d", e.GetSequence(), e.GetType(), o.phase)
	}
	ids := e.GetConnectionIds()
	if len(ids) == 0 {
		ids = []uint64{e.GetConnectionId()}
	}
	for _, id := range ids {
		c := o.connection(e, id)
		if err := c.follow(e); err != nil {
			o.complain("event %d of connection %d (%v): %w", e.GetSequence(), id, e.GetType(), err)
		}
		if c.known {
			o.life(c.life).conn = c
		}
	}
}

// packets returns how many numbered packets of peers the application has seen.
func (o *oracle) packets() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	n := 0
	for _, c := range o.conns {
		n += int(c.received)
	}
	return n
}

// commanded says that the application sent a packet, as the command with this key.
func (o *oracle) commanded(key commandKey, conn uint64, life, number uint32) {
	o.mu.Lock()
	defer o.mu.Unlock()
	c := &command{key: key, life: life, number: number}
	if early := o.commands[key]; early != nil { // its failure was quicker
		c.reason = early.reason
	}
	o.commands[key] = c
	o.conns[conn].commands = append(o.conns[conn].commands, c)
}

// failed says that the application was told of a command's failure.
func (o *oracle) failed(key commandKey, reason string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	c := o.commands[key]
	if c == nil {
		c = &command{key: key}
		o.commands[key] = c
	}
	if c.reason != "" {
		o.complain("command %v failed twice: %s, %s", key, c.reason, reason)
	}
	c.reason = reason
}

// succeeded says that another process is the application from now on.
func (o *oracle) succeeded() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, c := range o.conns {
		c.former = c.received
	}
}

// unanswered says that an application crashed before it learned what became of its commands from this number on.
func (o *oracle) unanswered(generation int, from uint64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for key, c := range o.commands {
		c.open = c.open || key.generation == generation && key.number >= from && c.reason == ""
	}
}
