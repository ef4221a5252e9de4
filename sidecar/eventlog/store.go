// Storage: encoded events in chunks, from the oldest one held to the newest.

package eventlog

import (
	"sort"
	"sync"
	"sync/atomic"
)

const (
	// A chunk is between these sizes. Only an event that is larger than a batch may be gets a chunk of its own size.
	minChunk = 4 << 10
	maxChunk = maxBatchBytes
	// entryGuess is the size of an entry for which a chunk's table of ends is laid out; smaller ones make it grow.
	entryGuess = 96
)

// chunk is a stretch of the log. Bytes and ends are only ever appended, within the capacity that buf was made with, so
// whoever has a slice of buf may read it without the log's lock, until it is released.
type chunk struct {
	first uint64 // sequence of the first event
	start int64  // the position where buf begins
	buf   []byte
	body  []byte   // the end of the one event of a chunk that holds a large one; otherwise empty
	ends  []uint32 // where in buf, and body behind it, each event ends

	users atomic.Int32 // the store, while it holds the chunk, and batches that were not released
}

// fullChunks are chunks of the largest size that are not in use. A busy log takes thousands of chunks a second: without reuse,
// clearing and collecting them took a sixth of the sidecar's time.
var fullChunks = sync.Pool{New: func() any {
	return &chunk{buf: make([]byte, 0, maxChunk), ends: make([]uint32, 0, maxChunk/entryGuess+1)}
}}

// release ends the use by one of the users. After the last one, the chunk can be reused, unless it holds a large event.
func (c *chunk) release() {
	if c.users.Add(-1) == 0 && cap(c.buf) == maxChunk && len(c.body) == 0 {
		fullChunks.Put(c)
	}
}

// last returns the sequence of the last event.
func (c *chunk) last() uint64 { return c.first + uint64(len(c.ends)) - 1 }

// memory returns how many bytes the chunk occupies.
func (c *chunk) memory() int { return cap(c.buf) + cap(c.body) + 4*cap(c.ends) }

// room returns how many bytes still fit in.
func (c *chunk) room() int { return cap(c.buf) - len(c.buf) }

// offset returns where in buf the event begins.
func (c *chunk) offset(sequence uint64) int {
	if sequence == c.first {
		return 0
	}
	return int(c.ends[sequence-c.first-1])
}

// span returns the events from the given one on, as many as a batch may have; a chunk has no more bytes than a batch may have.
// The batch must be released.
func (c *chunk) span(from uint64) Batch {
	ends := c.ends[from-c.first:]
	n := min(len(ends), maxBatchEvents)
	begin, end := c.offset(from), int(ends[n-1])-len(c.body)
	c.users.Add(1)
	return Batch{Data: c.buf[begin:end:end], Body: c.body, First: from, Last: from + uint64(n) - 1, Count: n, chunk: c}
}

// store holds the events from first up to, not including, next. Positions count the bytes of all entries ever added, so
// the difference of two is what lies between them. It is not for concurrent use.
type store struct {
	chunks []*chunk // oldest first; the newest takes what comes while there is room
	first  uint64   // the oldest event held; next when there is none
	next   uint64   // the sequence of the next event
	end    int64    // the position after the newest event
	memory int      // bytes that the chunks occupy, including unused room
}

// last returns the sequence of the newest event.
func (s *store) last() uint64 { return s.next - 1 }

// add puts events at the end.
func (s *store) add(d *drafts) {
	begin, large := 0, d.large
	for _, end := range d.ends {
		if end == begin {
			s.addLarge(large[0])
			large = large[1:]
			continue
		}
		s.addSmall(d.buf[begin:end])
		begin = end
	}
}

// addSmall copies an event into a chunk.
func (s *store) addSmall(tail []byte) {
	size := headSize(s.next, len(tail)) + len(tail)
	c := s.chunkFor(size)
	_ = append(appendHead(c.buf, s.next, len(tail)), tail...)
	c.buf = c.buf[:len(c.buf)+size]
	s.added(c, size)
}

// addLarge makes a chunk of an event that has room for its head in front.
func (s *store) addLarge(d largeDraft) {
	tail := len(d.buf) - maxHead + len(d.body)
	entry := d.buf[maxHead-headSize(s.next, tail):]
	appendHead(entry[:0], s.next, tail)
	c := &chunk{buf: entry[:len(entry):len(entry)], body: d.body}
	s.addChunk(c)
	s.added(c, len(entry)+len(d.body))
}

// added takes note of an entry of the given size at the end of the newest chunk.
func (s *store) added(c *chunk, size int) {
	table := cap(c.ends)
	c.ends = append(c.ends, uint32(len(c.buf)+len(c.body)))
	s.memory += 4 * (cap(c.ends) - table) // it may have grown
	s.next++
	s.end += int64(size)
}

// chunkFor returns the newest chunk, or a new one if that has no room for an entry of the given size. The more is held, the
// larger is a new chunk, so that an idle endpoint is cheap and a busy one has few chunks. What a full chunk leaves unused is
// less than the entry that did not fit, so memory is at most about twice what is held.
func (s *store) chunkFor(size int) *chunk {
	if n := len(s.chunks); n > 0 && s.chunks[n-1].room() >= size {
		return s.chunks[n-1]
	}
	held := int(s.end - s.position(s.first))
	capacity := max(size, min(maxChunk, max(minChunk, 4*held)))
	var c *chunk
	if capacity == maxChunk {
		c = fullChunks.Get().(*chunk)
		c.buf, c.ends = c.buf[:0], c.ends[:0]
	} else {
		c = &chunk{buf: make([]byte, 0, capacity), ends: make([]uint32, 0, capacity/entryGuess+1)}
	}
	s.addChunk(c)
	return c
}

func (s *store) addChunk(c *chunk) {
	c.first, c.start = s.next, s.end
	c.users.Store(1)
	s.chunks = append(s.chunks, c)
	s.memory += c.memory()
}

// chunkOf returns the chunk of a held event.
func (s *store) chunkOf(sequence uint64) *chunk {
	return s.chunks[sort.Search(len(s.chunks), func(i int) bool { return s.chunks[i].last() >= sequence })]
}

// position returns where the entry of a held event begins; for the next one, where the log ends.
func (s *store) position(sequence uint64) int64 {
	if sequence == s.next {
		return s.end
	}
	c := s.chunkOf(sequence)
	return c.start + int64(c.offset(sequence))
}

// fitting returns the oldest held event from which on everything fits into the given number of bytes. The newest event
// always counts as fitting.
func (s *store) fitting(bytes int) uint64 {
	oldest := s.end - int64(bytes)
	if s.first == s.next || s.position(s.first) >= oldest {
		return s.first
	}
	c := s.chunks[sort.Search(len(s.chunks), func(i int) bool { return s.chunks[i].start >= oldest })-1]
	n := sort.Search(len(c.ends), func(i int) bool { return c.start+int64(c.ends[i]) >= oldest })
	return min(c.first+uint64(n)+1, s.last())
}

// drop forgets the events before the given one. Memory is freed in whole chunks; the newest stays while it has room.
func (s *store) drop(before uint64) {
	if before <= s.first {
		return
	}
	s.first = before
	n := 0
	for n < len(s.chunks) && s.chunks[n].last() < before && (n < len(s.chunks)-1 || s.chunks[n].room() == 0) {
		s.memory -= s.chunks[n].memory()
		s.chunks[n].release()
		s.chunks[n] = nil
		n++
	}
	s.chunks = s.chunks[n:]
}
