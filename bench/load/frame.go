//go:build linux

package load

import (
	"encoding/binary"
	"fmt"

	"github.com/tinylib/msgp/msgp"

	"github.com/pengbridge/pengbridge/core/wire"
)

// closeConn is the id of the packet by which a server says goodbye.
const closeConn = 16

// counter counts the frames of a stream that comes in pieces, and skips what is in them.
type counter struct {
	head [8]byte // length prefix and packet id of the frame that is being read
	have int     // bytes of head
	rest int     // bytes of the frame behind head that have not come yet
	kept []byte  // the last frame's body, if keep is set
	keep bool
}

// feed takes the next bytes and returns how many frames they completed.
func (c *counter) feed(data []byte) (frames int, err error) {
	for len(data) > 0 || c.complete() {
		if c.complete() {
			c.have = 0
			frames++
			continue
		}
		if c.have < len(c.head) {
			n := copy(c.head[c.have:], data)
			c.have += n
			data = data[n:]
			if c.have == len(c.head) {
				if err := c.begin(); err != nil {
					return frames, err
				}
			}
			continue
		}
		n := min(c.rest, len(data))
		if c.keep {
			c.kept = append(c.kept, data[:n]...)
		}
		c.rest -= n
		data = data[n:]
	}
	return frames, nil
}

// complete reports whether the frame whose head was read has come to its end.
func (c *counter) complete() bool { return c.have == len(c.head) && c.rest == 0 }

// begin looks at a complete head.
func (c *counter) begin() error {
	size, id := binary.BigEndian.Uint32(c.head[:]), binary.BigEndian.Uint32(c.head[wire.LengthSize:])
	if size < wire.HeaderSize {
		return fmt.Errorf("the server sent a frame of %d bytes", size)
	}
	if id == closeConn {
		return fmt.Errorf("the server closed the connection")
	}
	c.rest = int(size) - (len(c.head) - wire.LengthSize)
	c.kept = c.kept[:0]
	return nil
}

// body returns what was kept of the last frame, without its flags.
func (c *counter) body() []byte { return c.kept[2:] }

// source is a frame, many times over, in one piece of memory: any number of them is written with few system calls.
type source struct {
	data  []byte // whole frames
	frame int    // the size of one
	at    int    // where in a frame writing goes on
	owed  int    // bytes still to be written
}

// sourceBytes is how much is written at once. More gains nothing, and leaves the processor's second-level cache.
const sourceBytes = 256 << 10

// repeat returns a source of a frame.
func repeat(frame []byte) source {
	s := source{frame: len(frame)}
	for len(s.data) < len(frame) || len(s.data)+len(frame) <= sourceBytes {
		s.data = append(s.data, frame...)
	}
	return s
}

// next returns bytes to write, as many as there are in one piece.
func (s *source) next() []byte { return s.data[s.at:min(len(s.data), s.at+s.owed)] }

// wrote takes note that n bytes of next went out.
func (s *source) wrote(n int) {
	s.owed -= n
	s.at = (s.at + n) % s.frame
}

// finish owes no more than the rest of the frame that is being written.
func (s *source) finish() {
	s.owed = (s.frame - s.at) % s.frame
}

// Frame returns the frame of a packet that is not compressed.
func Frame(id uint32, body []byte) []byte { return wire.AppendFrame(nil, id, 0, body) }

// Compressed returns the frame of a packet that is.
func Compressed(id uint32, body []byte) ([]byte, error) {
	return wire.Compression{Level: wire.DefaultCompression().Level}.AppendPacket(nil, id, body)
}

// The client's half of the handshake.
var (
	setType = Frame(2, msgp.AppendString(msgp.AppendString(msgp.AppendMapHeader(nil, 1), "conntype"), "classic"))
	accept  = Frame(4, msgp.AppendBool(msgp.AppendString(msgp.AppendMapHeader(nil, 1), "success"), true))
)
