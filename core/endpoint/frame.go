package endpoint

import (
	"encoding/binary"
	"fmt"
	"sync/atomic"

	"github.com/pengbridge/pengbridge/core/packet"
	"github.com/pengbridge/pengbridge/core/wire"
)

// frame is an encoded packet whose id is not known yet: it depends on the connection's registry.
type frame struct {
	bytes  []byte
	memory int           // how much memory bytes keep alive; 0: queues must not keep them, but copy
	queued *atomic.Int64 // in how many queues the frame is kept, if it may be several
}

// ownedFrame returns a frame of bytes that do not change any more, and that queues may keep.
func ownedFrame(b []byte) frame { return frame{bytes: b, memory: cap(b)} }

// encode checks a body and makes a frame of it: a small one in the memory of s, because queues copy small frames. If s is
// nil, the frame may be queued at several connections.
func (e *Endpoint) encode(body []byte, s *sending) (frame, error) {
	if len(body) > e.limits.MaxPacket {
		return frame{}, fmt.Errorf("%w: the body has %d bytes, the limit is %d", wire.ErrTooLarge, len(body), e.limits.MaxPacket)
	}
	if err := packet.Check(body); err != nil {
		return frame{}, err
	}
	compression := e.cfg.Compression.Load()
	if s == nil || len(body) > maxCopied-frameOverhead {
		b, err := compression.AppendPacket(make([]byte, 0, len(body)+frameOverhead), 0, body)
		f := ownedFrame(b)
		if s == nil && f.memory > maxCopied { // or queues will have copies
			f.queued = new(atomic.Int64)
		}
		return f, err
	}
	b, err := compression.AppendPacket(s.frame[:0], 0, body)
	s.frame = b
	return frame{bytes: b}, err
}

// frameOverhead is what a frame adds to its body, with room for a body that grows by compression.
const frameOverhead = 64

// setID fills in the packet's id.
func (f frame) setID(id uint32) {
	binary.BigEndian.PutUint32(f.bytes[wire.LengthSize:], id)
}
