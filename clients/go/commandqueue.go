package pengbridge

import (
	"context"
	"sync"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	pb "github.com/pengbridge/pengbridge/api/pengbridge/v1"
)

const (
	// maxUnanswered bounds the commands on their way; maxUnansweredBytes their size, but one is always taken.
	maxUnanswered      = 1 << 16
	maxUnansweredBytes = 32 << 20
	// maxBatchBytes bounds a batch, so that answers do not wait for too much; but a batch has at least one command.
	maxBatchBytes = 1 << 20
)

// commandQueue holds the commands that are not answered, so that they can be sent again. Its methods may be called
// concurrently.
type commandQueue struct {
	onFailure func(*CommandError) // may be nil

	mu      sync.Mutex
	changed chan struct{} // closed and replaced when something below changed that somebody waits for
	waiters int
	items   []queuedCommand
	first   uint64 // the number of items[0], or of the next command if there is none
	sent    int    // how many of items went out over the present stream
	bytes   int    // of items
	closed  bool   // no more are taken
	err     error  // why there will be no more answers
	waiting map[uint64]*outcome
}

type queuedCommand struct {
	command *pb.Command
	size    int
}

// outcome is where a command's failure is put for whoever waits for it.
type outcome struct{ failure *CommandError }

func newCommandQueue(onFailure func(*CommandError)) *commandQueue {
	return &commandQueue{
		onFailure: onFailure,
		changed:   make(chan struct{}),
		first:     1,
		waiting:   map[uint64]*outcome{},
	}
}

// notify wakes everybody who waits. The caller holds mu.
func (q *commandQueue) notify() {
	if q.waiters == 0 {
		return
	}
	close(q.changed)
	q.changed = make(chan struct{})
}

// until waits, with mu held, until ready says so or ctx ends. mu is released while waiting.
func (q *commandQueue) until(ctx context.Context, ready func() bool) error {
	for !ready() {
		changed := q.changed
		q.waiters++
		q.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
		}
		q.mu.Lock()
		q.waiters--
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
	for i, command := range commands {
		item := queuedCommand{command, proto.Size(command)}
		err := q.until(ctx, func() bool { return q.closed || q.err != nil || q.room(item.size) })
		switch {
		case err != nil:
			return 0, err
		case q.err != nil:
			return 0, q.err
		case q.closed:
			return 0, ErrClosed
		}
		q.items = append(q.items, item)
		q.bytes += item.size
		if o != nil && i == len(commands)-1 {
			q.waiting[q.last()] = o
		}
		q.notify()
	}
	return q.last(), nil
}

func (q *commandQueue) room(size int) bool {
	return len(q.items) == 0 || len(q.items) < maxUnanswered && q.bytes+size <= maxUnansweredBytes
}

// last returns the number of the last command taken.
func (q *commandQueue) last() uint64 { return q.first + uint64(len(q.items)) - 1 }

// rewind makes everything unanswered unsent, for a new stream, and returns the first one's number.
func (q *commandQueue) rewind() (first uint64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.sent = 0
	return q.first
}

// next waits for commands that are not sent and returns a batch of them with the first one's number. The batch is empty when
// the queue is closed and everything is sent, or when ctx ended.
func (q *commandQueue) next(ctx context.Context) (first uint64, batch []*pb.Command) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.until(ctx, func() bool { return q.sent < len(q.items) || q.closed }) != nil {
		return 0, nil
	}
	first = q.first + uint64(q.sent)
	for bytes := 0; q.sent < len(q.items); q.sent++ {
		item := q.items[q.sent]
		if bytes += item.size; bytes > maxBatchBytes && len(batch) > 0 {
			break
		}
		batch = append(batch, item.command)
	}
	return first, batch
}

// answered takes an answer in: commands are done with, and failures go to whoever wants to know.
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
		if f.GetNumber() >= q.first { // else it was told before the connection broke
			unclaimed = q.claim(f, unclaimed)
		}
	}
	for _, f := range response.GetFailures() {
		unclaimed = q.claim(f, unclaimed)
	}
	if applied := response.GetAppliedNumber(); applied >= q.first {
		n := min(int(applied-q.first)+1, len(q.items))
		for i := range q.items[:n] {
			q.bytes -= q.items[i].size
			q.items[i] = queuedCommand{}
		}
		q.items = q.items[n:]
		q.first += uint64(n)
		q.sent = max(q.sent-n, 0)
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
	if err := q.until(ctx, func() bool { return q.first > number || q.err != nil }); err != nil {
		return err
	}
	if q.first > number {
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

// forget ends the interest in a command's failure.
func (q *commandQueue) forget(number uint64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(q.waiting, number)
}

// close takes no more commands.
func (q *commandQueue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.notify()
}

// spent reports whether the queue is closed and everything is answered.
func (q *commandQueue) spent() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.closed && len(q.items) == 0
}

// finish says that there will be no more answers, and why.
func (q *commandQueue) finish(err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.err = err
	q.notify()
}

// end returns what finish was given.
func (q *commandQueue) end() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.err
}
