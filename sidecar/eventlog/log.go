// The log: appending, what is kept, and the endpoint's view of it.

package eventlog

import (
	"sort"
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

// Options make a log. The zero value is a ring with the default limits. Negative values are not allowed.
type Options struct {
	// Expected names the durable subscriber for whom everything is kept from the first event on. "": none.
	Expected string
	// Grace is how long a durable subscriber may be away before it is forgotten. 0: 30 s. The clock for the expected one
	// starts with the log.
	Grace time.Duration
	// OnLost is told the name of a subscriber that was forgotten, once, from a goroutine of its own, before Close only: the
	// last call may still be running when Close returns. It may call the log. nil: nobody is told.
	OnLost func(name string)
	// OnPause is told when the gate has closed (true) and when it has opened again. It is called one at a time, in order,
	// from the goroutines that append and acknowledge: it must be quick. A change that is undone before it was told may be
	// left out. nil: nobody is told.
	OnPause func(paused bool)
	// BacklogBytes is how many bytes of encoded events may wait for the slowest durable subscriber. 0: 64 MiB.
	BacklogBytes int
	// BacklogEvents is how many events may wait for it. 0: 1,048,576.
	BacklogEvents int
	// RingBytes is how many bytes of encoded events are kept for those for whom nothing has to be kept; the last event
	// always is. 0: 4 MiB.
	RingBytes int
	// OmitPacketNames leaves Event.packet empty.
	OmitPacketNames bool
}

// Log is an endpoint's log of events, and the gate of its sockets. All methods may be called concurrently. It has no
// goroutines; only the grace clocks of subscribers that are away call it from outside, and each of them ends by itself.
type Log struct {
	options Options
	gate    gate
	drained chan struct{} // closed by settle

	telling    sync.Mutex // held while OnPause is called
	toldPaused bool       // what it was told last

	mu        sync.Mutex
	chunks    []*chunk // oldest first; the last one takes what comes while there is room
	memory    int      // what the chunks occupy
	first     uint64   // the oldest event held; next when there is none
	next      uint64   // the sequence of the next event
	end       int64    // the position behind the last event
	closed    bool
	durable   []*subscriber // in the order in which they came
	observers []*Cursor
	parked    []*Cursor // those who wait for events
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
	l := &Log{options: options, drained: make(chan struct{}), first: 1, next: 1}
	l.gate.init(options.BacklogBytes, options.BacklogEvents)
	l.mu.Lock()
	defer l.mu.Unlock()
	if options.Expected != "" {
		l.startGrace(l.addSubscriber(options.Expected, 0))
	}
	l.settle()
	return l
}

// Append gives the events their sequences and puts them into the log. It never waits for a subscriber and never refuses:
// holding back is the gate's business. Nothing of the events is kept. After Close it does nothing.
func (l *Log) Append(events []event.Event) {
	l.mu.Lock()
	if l.closed || len(events) == 0 {
		l.mu.Unlock()
		return
	}
	for i := range events {
		l.add(&events[i])
	}
	l.wakeParked()
	l.unlock(l.settle())
}

// Close says that the endpoint has reported its last event. Subscribers get the rest, and then io.EOF. From now on nobody
// is told of lost subscribers; those that are away have the grace time to come back for the rest.
func (l *Log) Close() {
	l.mu.Lock()
	l.closed = true
	l.wakeParked()
	l.unlock(l.settle())
}

// Drained returns a channel that is closed when, after Close, every durable subscriber has acknowledged the last event or
// was lost.
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

// Paused returns how long the gate has been closed altogether, now included.
func (l *Log) Paused() time.Duration {
	_, _, paused := l.gate.state()
	return paused
}

// add encodes one event at the end of the log. l.mu is held.
func (l *Log) add(e *event.Event) {
	packet := e.Packet
	if l.options.OmitPacketNames {
		packet = ""
	}
	tail := tailSize(e, packet)
	size := headSize(l.next, tail) + tail
	c := l.tail()
	if c == nil || c.room() < size {
		c = l.addChunk(size)
	}
	c.buf = appendTail(appendHead(c.buf, l.next, tail), e, packet)
	c.ends = append(c.ends, uint32(len(c.buf)))
	l.next++
	l.end += int64(size)
}

// tail returns the newest chunk, or nil.
func (l *Log) tail() *chunk {
	if len(l.chunks) == 0 {
		return nil
	}
	return l.chunks[len(l.chunks)-1]
}

// addChunk adds a chunk with room for an entry of the given size. It grows with what the log holds, so that an idle
// endpoint is cheap and a busy one has few chunks. An entry that fills more than the largest chunk gets one to itself.
func (l *Log) addChunk(size int) *chunk {
	held := int(l.end - l.position(l.first))
	c := newChunk(l.next, l.end, max(size, min(maxChunk, max(minChunk, 4*held))))
	l.chunks = append(l.chunks, c)
	l.memory += c.memory()
	return c
}

// chunkOf returns the index of the chunk that has the event, which must be held.
func (l *Log) chunkOf(sequence uint64) int {
	return sort.Search(len(l.chunks), func(i int) bool { return l.chunks[i].last() >= sequence })
}

// position returns where the entry of a held event begins; for the next one, where the log ends.
func (l *Log) position(sequence uint64) int64 {
	if sequence >= l.next {
		return l.end
	}
	c := l.chunks[l.chunkOf(sequence)]
	return c.start + int64(c.offset(sequence))
}

// settle draws the conclusions from a change of the log or its subscribers: what is freed, whether the gate is open,
// whether all is done. It reports whether the gate was opened or closed. l.mu is held.
func (l *Log) settle() (turned bool) {
	acked, position := l.slowest()
	l.free(acked + 1)
	turned = l.gate.update(l.end-position, int64(l.next-1-acked), len(l.durable) > 0)
	if l.closed && acked == l.next-1 {
		select {
		case <-l.drained:
		default:
			close(l.drained)
		}
	}
	return turned
}

// slowest returns how far the slowest durable subscriber has acknowledged, as a sequence and as a position. l.mu is held.
func (l *Log) slowest() (acked uint64, position int64) {
	acked, position = l.next-1, l.end
	for _, s := range l.durable {
		if s.acked < acked {
			acked, position = s.acked, s.position
		}
	}
	return acked, position
}

// free forgets events that nobody needs: those before keep, except what the ring holds. l.mu is held.
func (l *Log) free(keep uint64) {
	if l.hasRing() {
		keep = min(keep, l.ringStart())
	}
	if keep <= l.first {
		return
	}
	l.first = keep
	n := 0
	for n < len(l.chunks) && l.chunks[n].last() < keep && (n < len(l.chunks)-1 || l.chunks[n].room() == 0) {
		l.memory -= l.chunks[n].memory()
		l.chunks[n] = nil
		n++
	}
	l.chunks = l.chunks[n:]
}

// hasRing reports whether anybody may want events that no durable subscriber needs any more.
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

// ringStart returns the oldest held event from which on everything fits into the ring.
func (l *Log) ringStart() uint64 {
	oldest := l.end - int64(l.options.RingBytes)
	if l.first == l.next || l.position(l.first) >= oldest {
		return l.first
	}
	i := sort.Search(len(l.chunks), func(i int) bool { return l.chunks[i].start >= oldest }) - 1
	c := l.chunks[i]
	n := sort.Search(len(c.ends), func(i int) bool { return c.start+int64(c.ends[i]) >= oldest })
	return min(c.first+uint64(n)+1, l.next-1)
}

// wakeParked wakes everybody who waits for events. l.mu is held.
func (l *Log) wakeParked() {
	for i, c := range l.parked {
		c.parked = false
		c.signal()
		l.parked[i] = nil
	}
	l.parked = l.parked[:0]
}

// unlock releases l.mu, and then tells of a gate that has turned.
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
