// The log: appending, what is kept, and the endpoint's view of it.

package eventlog

import (
	"slices"
	"sync"
	"time"

	"github.com/pengbridge/pengbridge/core/event"
)

// Defaults of [Options].
const (
	DefaultGrace         = 30 * time.Second
	DefaultBacklogBytes  = 64 << 20
	DefaultBacklogEvents = 1 << 20
	DefaultRingBytes     = 4 << 20
)

// Options are for New. The zero value makes a ring with the default limits. Negative values are not allowed.
type Options struct {
	// Expected names the durable subscriber for whom everything is kept from the first event on. "": none.
	Expected string
	// Grace is how long a durable subscriber may be away before it is forgotten. 0: 30 s. The clock for the expected one
	// starts with the log.
	Grace time.Duration
	// OnLost is called with the name of a subscriber that was forgotten, once, from a goroutine of its own. No call begins
	// after Close, but one may still be running when Close returns. It may call the log. nil: nothing is called.
	OnLost func(name string)
	// OnPause is called when the gate has closed (true) and when it has opened again (false), one call at a time and in order,
	// from Append or an acknowledgement: it must be quick, and must not do either. A change that is undone before it could be
	// reported is left out. nil: nothing is called.
	OnPause func(paused bool)
	// OnMemory is called with the number of bytes by which the log's memory (Stats.MemoryBytes) has grown, or shrunk if it is
	// negative. That does not happen with every event. It is called with the log's lock held, so it must be quick and must not
	// call the log. nil: nothing is called.
	OnMemory func(delta int)
	// BacklogBytes is how many bytes of encoded events may wait for the slowest durable subscriber. 0: 64 MiB.
	BacklogBytes int
	// BacklogEvents is how many events may wait for it. 0: 1,048,576.
	BacklogEvents int
	// RingBytes is how many bytes of encoded events are kept that no durable subscriber needs; the last event always is.
	// 0: 4 MiB.
	RingBytes int
	// OmitPacketNames leaves Event.packet empty.
	OmitPacketNames bool
}

// Log is an endpoint's log of events, and the gate of its sockets. All methods may be called concurrently. It has no
// goroutines of its own, only timers, one for each durable subscriber that is away, which end by themselves.
type Log struct {
	options Options
	gate    gate
	drafts  sync.Pool     // of *drafts
	drained chan struct{} // see Drained; closed by settle

	telling    sync.Mutex // held while OnPause is called
	toldPaused bool       // what it was last called with

	mu        sync.Mutex
	store     store
	told      int // how many bytes OnMemory knows of
	closed    bool
	hasty     bool          // Hasten was called
	durable   []*subscriber // of either kind, in the order in which they came
	observers []*Cursor
	parked    []*Cursor // those that wait for events
	lost      []lostSubscriber
}

var _ event.Gate = (*Log)(nil)

// New makes an empty log, and starts the grace clock of the expected subscriber.
func New(options Options) *Log {
	if options.Grace == 0 {
		options.Grace = DefaultGrace
	}
	if options.BacklogBytes == 0 {
		options.BacklogBytes = DefaultBacklogBytes
	}
	if options.BacklogEvents == 0 {
		options.BacklogEvents = DefaultBacklogEvents
	}
	if options.RingBytes == 0 {
		options.RingBytes = DefaultRingBytes
	}
	l := &Log{options: options, drained: make(chan struct{}), store: store{first: 1, next: 1}}
	l.drafts.New = func() any { return new(drafts) }
	l.gate.init(options.BacklogBytes, options.BacklogEvents)
	l.mu.Lock()
	defer l.mu.Unlock()
	if options.Expected != "" {
		l.beginAbsence(l.addSubscriber(options.Expected, 0))
	}
	l.settle()
	return l
}

// Append gives the events their sequences and puts them into the log. It never waits for a subscriber and never
// refuses: limiting the log is up to its gate. Of the events' memory it keeps only large bodies that the events own. After
// Close it does nothing.
func (l *Log) Append(events []event.Event) {
	d := l.drafts.Get().(*drafts)
	d.encode(events, l.options.OmitPacketNames)
	l.mu.Lock()
	if !l.closed {
		l.store.add(d)
		l.wakeParked()
	}
	l.unlock(l.settle())
	d.reset()
	l.drafts.Put(d)
}

// Close says that the endpoint has reported its last event. Subscribers get the rest, and then io.EOF; those that are away have
// the grace time to come back for it, but OnLost is not called any more.
func (l *Log) Close() {
	l.mu.Lock()
	l.closed = true
	l.wakeParked()
	l.unlock(l.settle())
}

// Hasten says that the process ends: from now on, [Log.Drained] does not wait for subscribers that have
// departed ([Log.Depart]) and are away.
func (l *Log) Hasten() {
	l.mu.Lock()
	l.hasty = true
	l.unlock(l.settle())
}

// Uncount tells OnMemory that the log takes no memory any more, and never calls it again: the log's owner forgets the log, though
// subscribers that still read it may keep it alive for a while.
func (l *Log) Uncount() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tellMemory(0)
	l.options.OnMemory = nil
}

// tellMemory tells OnMemory how much memory there is now. l.mu is held.
func (l *Log) tellMemory(now int) {
	if now != l.told && l.options.OnMemory != nil {
		l.options.OnMemory(now - l.told)
		l.told = now
	}
}

// Drained returns a channel that is closed when, after Close, every durable subscriber has acknowledged the last event or
// was lost, or, after Hasten, has departed.
func (l *Log) Drained() <-chan struct{} { return l.drained }

// TryEnter reports whether one read of at most 64 KiB may be made now and its events appended; if so, Leave must follow.
// It costs one atomic operation.
func (l *Log) TryEnter() bool { return l.gate.tryEnter() }

// Enter does the same, but waits in line until there is room for the read. It returns false, and needs no Leave, when done
// is closed first.
func (l *Log) Enter(done <-chan struct{}) bool { return l.gate.enter(done) }

// Leave ends what TryEnter or Enter began.
func (l *Log) Leave() { l.gate.leave() }

// Full reports whether the backlog has reached its limit, so that a send event must not be added.
func (l *Log) Full() bool { return l.gate.full.Load() }

// Paused returns how long the gate has been closed in total, including the present closure.
func (l *Log) Paused() time.Duration {
	_, _, paused := l.gate.state()
	return paused
}

// settle follows every change of the log or its subscribers: it frees what nobody needs any more, opens or closes the gate, and
// closes drained when all is done. It reports whether the gate has turned, which is for unlock. l.mu is held.
func (l *Log) settle() (turned bool) {
	acked, position := l.slowest()
	keep := acked + 1
	if l.hasRing() {
		keep = min(keep, l.store.fitting(l.options.RingBytes))
	}
	l.store.drop(keep)
	l.tellMemory(l.store.memory)
	turned = l.gate.update(l.store.end-position, int64(l.store.last()-acked), len(l.durable) > 0)
	if l.closed && !l.isDrained() && (acked == l.store.last() || l.hasty && !l.isAwaited()) {
		close(l.drained)
		for _, s := range l.durable {
			s.endAbsence()
		}
	}
	return turned
}

// isAwaited reports whether a durable subscriber that has not read the log to its end can be expected to. l.mu is held.
func (l *Log) isAwaited() bool {
	return slices.ContainsFunc(l.durable, func(s *subscriber) bool {
		return s.acked < l.store.last() && (s.cursor != nil || !s.leaving)
	})
}

func (l *Log) isDrained() bool {
	select {
	case <-l.drained:
		return true
	default:
		return false
	}
}

// slowest returns how far the slowest durable subscriber has acknowledged, as a sequence and as a position. l.mu is held.
func (l *Log) slowest() (acked uint64, position int64) {
	acked, position = l.store.last(), l.store.end
	for _, s := range l.durable {
		if s.acked < acked {
			acked, position = s.acked, s.position
		}
	}
	return acked, position
}

// hasRing reports whether somebody may want events that every durable subscriber has acknowledged. l.mu is held.
func (l *Log) hasRing() bool {
	if len(l.durable) == 0 || len(l.observers) > 0 {
		return true
	}
	for _, s := range l.durable {
		if s.mode == Durable {
			return true
		}
	}
	return false
}

// wakeParked wakes every cursor that waits for events. l.mu is held.
func (l *Log) wakeParked() {
	for i, c := range l.parked {
		c.parked = false
		c.signal()
		l.parked[i] = nil
	}
	l.parked = l.parked[:0]
}

// unlock releases l.mu, and then calls OnPause if the gate has turned.
func (l *Log) unlock(turned bool) {
	l.mu.Unlock()
	if !turned || l.options.OnPause == nil {
		return
	}
	l.telling.Lock()
	defer l.telling.Unlock()
	if closed, _, _ := l.gate.state(); closed != l.toldPaused {
		l.toldPaused = closed
		l.options.OnPause(closed)
	}
}
