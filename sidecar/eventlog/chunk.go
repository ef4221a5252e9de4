// Storage: chunks of encoded events.

package eventlog

import "sort"

const (
	minChunk = 4 << 10
	maxChunk = 256 << 10
	// entryGuess is the size of an entry for which a chunk's table of ends is laid out; smaller ones make it grow.
	entryGuess = 96
)

// chunk is a stretch of the log. Bytes and ends are only ever appended, within the capacity that buf was made with, so
// whoever has a slice of them may read it without the log's lock.
type chunk struct {
	first uint64 // sequence of the first event
	start int64  // the log's position where buf begins; positions count the bytes of all entries ever appended
	buf   []byte
	ends  []uint32 // where in buf each event ends
}

func newChunk(first uint64, start int64, size int) *chunk {
	return &chunk{first: first, start: start, buf: make([]byte, 0, size), ends: make([]uint32, 0, size/entryGuess+1)}
}

// last returns the sequence of the last event.
func (c *chunk) last() uint64 { return c.first + uint64(len(c.ends)) - 1 }

// room returns how many bytes fit in.
func (c *chunk) room() int { return cap(c.buf) - len(c.buf) }

// memory returns how many bytes the chunk occupies.
func (c *chunk) memory() int { return cap(c.buf) + 4*cap(c.ends) }

// offset returns where in buf the event begins; for the sequence behind the last one, where it would.
func (c *chunk) offset(sequence uint64) int {
	if sequence == c.first {
		return 0
	}
	return int(c.ends[sequence-c.first-1])
}

// span returns the events from the given one on: as many as the limits allow, and at least one.
func (c *chunk) span(from uint64, maxEvents, maxBytes int) Batch {
	begin := c.offset(from)
	ends := c.ends[from-c.first:]
	ends = ends[:min(len(ends), maxEvents)]
	n := len(ends)
	if int(ends[n-1])-begin > maxBytes {
		n = max(1, sort.Search(n, func(i int) bool { return int(ends[i])-begin > maxBytes }))
	}
	return Batch{Data: c.buf[begin:ends[n-1]:ends[n-1]], First: from, Last: from + uint64(n) - 1, Count: n}
}
