package session

import (
	"errors"
	"fmt"
	"sync"

	"github.com/pengbridge/pengbridge/core/packet"
	"github.com/pengbridge/pengbridge/core/wire"
)

// Packet is one received packet: its id and its body, inflated and checked to be exactly one MessagePack value.
type Packet struct {
	ID    uint32
	Owned bool // nobody else uses Body's memory: it may be kept
	Body  []byte
}

// Inbound turns received bytes into packets. It belongs to the connection's reader and needs no lock, so that inflating
// and checking a large body does not hold up sends.
type Inbound struct {
	// BeforeInflate is called before the first body is inflated after a Settle: it can wait while too many other connections
	// inflate. nil: nothing is called.
	BeforeInflate func()

	decoder  wire.Decoder
	inflated *[]byte // bodies inflated since the last Settle, one after the other; nil if there are none
	err      error   // why nothing more can be read
}

// Feed takes the next bytes of the stream. They must not change until Next has returned ok false or an error. Packets returned
// before are no longer valid. After an error, bytes are thrown away.
func (in *Inbound) Feed(p []byte) {
	if in.err == nil {
		in.decoder.Feed(p)
	}
}

// Room returns memory for the next bytes if a large frame is pending, else none. Bytes that are read to its beginning are
// passed by Filled, not by Feed. It is valid until the next call.
func (in *Inbound) Room() []byte {
	if in.err != nil {
		return nil
	}
	return in.decoder.Room()
}

// Filled takes bytes that were read to what Room has returned. Otherwise it is like Feed.
func (in *Inbound) Filled(n int) { in.decoder.Filled(n) }

// Next returns the next packet whose body has at most limit bytes, as received and inflated; ok is false when more bytes
// are needed. The packet is valid until the next Feed or Settle, unless it is Owned. After an error, which wraps
// wire.ErrTooLarge, wire.ErrMalformed or packet.ErrMalformedBody, nothing more can be read: Next keeps returning it.
func (in *Inbound) Next(limit int) (p Packet, ok bool, err error) {
	if in.err != nil {
		return Packet{}, false, in.err
	}
	p, ok, in.err = in.next(limit)
	return p, ok, in.err
}

func (in *Inbound) next(limit int) (p Packet, ok bool, err error) {
	in.decoder.SetLimit(limit + growth(limit))
	frame, ok, err := in.decoder.Next()
	if !ok || err != nil {
		return Packet{}, false, err
	}
	body, owned := frame.Body, frame.Owned
	switch {
	case frame.Flags&wire.FlagCompressed != 0:
		owned = false
		if body, err = in.inflate(body, limit); err != nil {
			return Packet{}, false, err
		}
	case len(body) > limit:
		return Packet{}, false, fmt.Errorf("%w: body of %d bytes, the limit is %d", wire.ErrTooLarge, len(body), limit)
	}
	if err := packet.Check(body); err != nil {
		return Packet{}, false, err
	}
	return Packet{ID: frame.ID, Body: body, Owned: owned}, true, nil
}

// growth is how many bytes compression can add to a body of n bytes: zlib adds 5 to each 64 KiB that it cannot compress, and a
// few at both ends. Peers send the compressed form even then.
func growth(n int) int { return n>>12 + 64 }

// Pending returns how many bytes of an incomplete frame are held.
func (in *Inbound) Pending() int { return in.decoder.Pending() }

// Held returns how many bytes of memory an incomplete frame takes, unused room included; 0 if there is none.
func (in *Inbound) Held() int { return in.decoder.Held() }

// inflate returns a compressed body's content. Bodies of one read share a pooled buffer; when it has to grow, those already
// in the old one stay where they are.
func (in *Inbound) inflate(body []byte, limit int) ([]byte, error) {
	if in.inflated == nil {
		if in.BeforeInflate != nil {
			in.BeforeInflate()
		}
		in.inflated = inflatePool.Get().(*[]byte)
	}
	start := len(*in.inflated)
	buf, err := wire.Inflate(*in.inflated, body, limit)
	if err != nil {
		return nil, err
	}
	*in.inflated = buf
	return buf[start:len(buf):len(buf)], nil
}

// Inflated returns how many bytes of bodies were inflated since the last Settle.
func (in *Inbound) Inflated() int {
	if in.inflated == nil {
		return 0
	}
	return len(*in.inflated)
}

// Settle gives back the memory of the packets returned so far, which are no longer valid.
func (in *Inbound) Settle() {
	in.decoder.Settle()
	if in.inflated == nil {
		return
	}
	if cap(*in.inflated) <= maxPooledInflate {
		*in.inflated = (*in.inflated)[:0]
		inflatePool.Put(in.inflated)
	}
	in.inflated = nil
}

// Release gives back all memory. The inbound must not be used afterwards.
func (in *Inbound) Release() {
	in.Settle()
	in.decoder.Release()
}

// maxPooledInflate keeps the rare huge body from staying in memory for ever.
const maxPooledInflate = 1 << 20

var inflatePool = sync.Pool{New: func() any { return new([]byte) }}

// malformedReason returns the reason a peer gets for bytes that Next refused.
func malformedReason(err error) string {
	if errors.Is(err, wire.ErrTooLarge) {
		return ReasonPacketTooLarge
	}
	return ReasonMalformed
}
