package pengbridge

import (
	"context"
	"sync"

	"google.golang.org/grpc/codes"

	pb "github.com/pengbridge/pengbridge/api/pengbridge/v1"
)

const (
	// maxUnanswered bounds the commands that are not answered, and maxUnansweredBytes their size; a single one is always taken.
	maxUnanswered      = 1 << 16
	maxUnansweredBytes = 32 << 20
)

// commandQueue holds the commands that are not answered yet, encoded, so that they can be sent again. Its methods may be called
// concurrently.
type commandQueue struct {
	onFailure func(*CommandError) // may be nil
	closing   chan struct{}       // closed by close

	mu      sync.Mutex
	changed chan struct{} // closed and replaced when something below has changed
	awaited bool          // somebody waits for changed
	store   commandStore
	unsent  uint64              // the number of the first command that did not go out over the present stream
	asked   uint64              // the last command whose answer somebody waits for
	urged   uint64              // the sidecar knows that the answers up to this command are wanted now
	closed  bool                // no more commands are taken
	err     error               // why there will be no more answers
	waiting map[uint64]*outcome // by the number of the command
}

// outcome is where a command's failure is put for whoever waits for it.
type outcome struct{ failure *CommandError }

func newCommandQueue(onFailure func(*CommandError)) *commandQueue {
	return &commandQueue{
		onFailure: onFailure,
		closing:   make(chan struct{}),
		changed:   make(chan struct{}),
		store:     commandStore{first: 1, next: 1},
		unsent:    1,
		waiting:   map[uint64]*outcome{},
	}
}

// notify wakes everybody who waits. The caller holds mu.
func (q *commandQueue) notify() {
	if q.awaited {
		close(q.changed)
		q.changed = make(chan struct{})
		q.awaited = false
	}
}

// until waits, with mu held, until ready says so or ctx ends. mu is released while waiting.
func (q *commandQueue) until(ctx context.Context, ready func() bool) error {
	for !ready() {
		changed := q.changed
		q.awaited = true
		q.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
		}
		q.mu.Lock()
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
	return nil
}

// push appends commands, waiting for room for each, and returns the last one's number. If o is not nil, the last one's
// failure goes there.
func (q *commandQueue) push(ctx context.Context, o *outcome, commands []*pb.Command) (last uint64, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	defer q.notify()
	for _, command := range commands {
		e := newElement(command)
		if err := q.add(ctx, &e); err != nil {
			return 0, err
		}
	}
	last = q.store.next - 1
	if o != nil && len(commands) > 0 {
		q.waiting[last] = o
		q.asked = last
	}
	return last, nil
}

// pushPackets does the same for commands that send packets.
func (q *commandQueue) pushPackets(ctx context.Context, packets []Packet) (last uint64, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	defer q.notify()
	for i := range packets {
		e := packetElement(packets[i])
		if err := q.add(ctx, &e); err != nil {
			return 0, err
		}
	}
	return q.store.next - 1, nil
}

// add appends a command, waiting for room. The caller holds mu.
func (q *commandQueue) add(ctx context.Context, e *element) error {
	if err := q.awaitRoom(ctx, e.length()); err != nil {
		return err
	}
	return q.store.add(e)
}

// awaitRoom waits until a command of size bytes may be added. The caller holds mu.
func (q *commandQueue) awaitRoom(ctx context.Context, size int) error {
	for {
		switch {
		case q.err != nil:
			return q.err
		case q.closed:
			return ErrClosed
		case q.room(size):
			return nil
		}
		q.notify() // what was added before is to be sent meanwhile
		if err := q.until(ctx, func() bool { return q.closed || q.err != nil || q.room(size) }); err != nil {
			return err
		}
	}
}

func (q *commandQueue) room(size int) bool {
	held := q.store.next - q.store.first
	return held == 0 || held < maxUnanswered && q.store.bytes+size <= maxUnansweredBytes
}

// rewind makes everything unanswered unsent, for a new stream, and returns the first one's number.
func (q *commandQueue) rewind() (first uint64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.unsent = q.store.first
	q.urged = q.unsent - 1
	return q.unsent
}

// next waits for unsent commands and returns some of them, or none if it only has to ask for an answer that somebody waits for.
// ok is false when the queue is closed and everything is sent, or when ctx has ended.
func (q *commandQueue) next(ctx context.Context) (commands encodedCommands, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	err := q.until(ctx, func() bool { return q.unsent < q.store.next || q.mustUrge() || q.closed })
	if err != nil || q.unsent == q.store.next && !q.mustUrge() {
		return encodedCommands{}, false
	}
	commands.first = q.unsent
	if q.unsent < q.store.next {
		commands.elements, q.unsent = q.store.from(q.unsent)
	}
	commands.answerLater = !q.mustUrge()
	if !commands.answerLater {
		q.urged = q.unsent - 1
	}
	return commands, true
}

// mustUrge reports whether somebody waits for the answer to a command that was sent, and the sidecar has yet to be told. The
// caller holds mu.
func (q *commandQueue) mustUrge() bool { return q.urged < q.asked && q.asked < q.unsent }

// answered takes note of an answer: it forgets the commands, and passes on their failures.
func (q *commandQueue) answered(response *pb.CommandsResponse) {
	for _, failure := range q.take(response) {
		if q.onFailure != nil {
			q.onFailure(failure)
		}
	}
}

// take removes what is answered and returns the failures that nobody waits for.
func (q *commandQueue) take(response *pb.CommandsResponse) (unclaimed []*CommandError) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, f := range response.GetRecentFailures() {
		if f.GetNumber() >= q.store.first { // else it was passed on before the connection broke
			unclaimed = q.claim(f, unclaimed)
		}
	}
	for _, f := range response.GetFailures() {
		unclaimed = q.claim(f, unclaimed)
	}
	if applied := min(response.GetAppliedNumber(), q.store.next-1); applied >= q.store.first {
		q.store.drop(applied + 1)
		q.unsent = max(q.unsent, q.store.first)
		q.urged = max(q.urged, applied)
		q.notify()
	}
	return unclaimed
}

// claim gives a failure to whoever waits for it, or adds it to unclaimed.
func (q *commandQueue) claim(f *pb.CommandFailure, unclaimed []*CommandError) []*CommandError {
	failure := &CommandError{f.GetNumber(), codes.Code(f.GetCode()), f.GetMessage(), f.GetReason()}
	if o := q.waiting[failure.Number]; o != nil {
		o.failure = failure
		return unclaimed
	}
	return append(unclaimed, failure)
}

// await waits until the command with this number is answered.
func (q *commandQueue) await(ctx context.Context, number uint64) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.asked = max(q.asked, min(number, q.store.next-1))
	q.notify()
	if err := q.until(ctx, func() bool { return q.store.first > number || q.err != nil }); err != nil {
		return err
	}
	if q.store.first > number {
		return nil
	}
	return q.err
}

// result returns what became of a command that was awaited.
func (q *commandQueue) result(o *outcome) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if o.failure == nil {
		return nil
	}
	return o.failure
}

// forget stops waiting for a command's failure.
func (q *commandQueue) forget(number uint64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(q.waiting, number)
}

// close makes the queue take no more commands.
func (q *commandQueue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.closed {
		q.closed = true
		close(q.closing)
	}
	q.notify()
}

// spent reports whether the queue is closed and everything is answered.
func (q *commandQueue) spent() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.closed && q.store.first == q.store.next
}

// finish says that there will be no more answers, and why.
func (q *commandQueue) finish(err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.err = err
	q.notify()
}

// end returns the error that finish was given, or nil.
func (q *commandQueue) end() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.err
}
