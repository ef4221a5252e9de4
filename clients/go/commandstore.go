package pengbridge

import "sort"

const (
	// The size of a chunk is between these, in bytes, unless it holds one larger command. A message carries at most one chunk, so
	// that its answer does not take long.
	minChunk = 4 << 10
	maxChunk = 256 << 10
)

// commandStore holds encoded commands, oldest first, with consecutive numbers. It is not for concurrent use.
type commandStore struct {
	chunks []*commandChunk
	first  uint64 // the number of the oldest command held; next when there is none
	next   uint64 // the number of the next command
	bytes  int    // of the commands held
}

// commandChunk is a stretch of the store. Bytes are only ever appended, within the capacity that buf was made with, so gRPC
// may keep a slice of it for as long as it likes.
type commandChunk struct {
	first uint64 // the number of the first command
	buf   []byte // elements of CommandsRequest.commands
	ends  []int  // where in buf each of them ends
}

// add encodes a command and puts it at the end.
func (s *commandStore) add(e *element) error {
	c := s.chunkFor(e.length())
	buf, err := e.appendTo(c.buf)
	if err != nil {
		return err
	}
	s.bytes += len(buf) - len(c.buf)
	c.buf = buf
	c.ends = append(c.ends, len(buf))
	s.next++
	return nil
}

// chunkFor returns the newest chunk, or a new one if that has no room for size bytes. The more is held, the larger is a new one,
// so that a program which sends little needs little.
func (s *commandStore) chunkFor(size int) *commandChunk {
	if n := len(s.chunks); n > 0 {
		if c := s.chunks[n-1]; cap(c.buf)-len(c.buf) >= size {
			return c
		}
	}
	capacity := max(size, min(maxChunk, max(minChunk, 4*s.bytes)))
	c := &commandChunk{first: s.next, buf: make([]byte, 0, capacity)}
	s.chunks = append(s.chunks, c)
	return c
}

// from returns the commands from the given one on, as many as go out as one message, and the number after the last of them.
func (s *commandStore) from(number uint64) (elements []byte, behind uint64) {
	c := s.chunks[sort.Search(len(s.chunks), func(i int) bool { return s.chunks[i].behind() > number })]
	return c.buf[c.offset(number):len(c.buf):len(c.buf)], c.behind()
}

// drop forgets the commands before the given one. The newest chunk stays while it has room.
func (s *commandStore) drop(before uint64) {
	for s.first < before {
		c := s.chunks[0]
		until := min(before, c.behind())
		s.bytes -= c.offset(until) - c.offset(s.first)
		s.first = until
		if until == c.behind() && (len(s.chunks) > 1 || len(c.buf) == cap(c.buf)) {
			s.chunks[0] = nil
			s.chunks = s.chunks[1:]
		}
	}
}

// behind returns the number after the chunk's last command.
func (c *commandChunk) behind() uint64 { return c.first + uint64(len(c.ends)) }

// offset returns where in buf a command begins; for the number after the last one, where buf ends.
func (c *commandChunk) offset(number uint64) int {
	if number == c.first {
		return 0
	}
	return c.ends[number-c.first-1]
}
