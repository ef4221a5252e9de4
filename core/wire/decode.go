package wire

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// Decoder cuts a stream of bytes into frames. Its zero value is ready, with [DefaultMaxBody] for a limit.
//
// It works on the memory that Feed gets. Only the beginning of a frame whose rest has not come is copied, into pooled
// buffers that grow as bytes come and never on the word of a length; the rest of a large frame can be read into them without a
// copy (Room). With nothing pending, and settled, it holds no memory.
//
// After an error it stays dead and returns the same error for ever. It is not for concurrent use.
type Decoder struct {
	limit   int     // 0: DefaultMaxBody
	input   []byte  // what is left of the bytes that Feed got; the caller's memory
	partial *buffer // the beginning of a frame, while its rest is missing
	lent    *buffer // holds the body of the frame that was last put together from pieces, unless that is owned
	err     error
}

// SetLimit sets the size of the largest body accepted, in bytes as received: 1 to [MaxBody], anything less means
// [DefaultMaxBody]. It holds for every frame that Next has not returned yet.
func (d *Decoder) SetLimit(body int) {
	d.limit = min(max(body, 0), MaxBody)
}

// Feed hands over the next bytes of the stream. They must stay untouched until Next has returned false or an error, and
// Feed must not be called again before that. Frames returned so far become invalid, as by Settle.
func (d *Decoder) Feed(p []byte) {
	if len(d.input) > 0 {
		panic("wire: Decoder.Feed before Next returned false")
	}
	d.Settle()
	if d.err == nil {
		d.input = p
	}
}

// Room returns memory for the next bytes of the stream if Next has returned false in the middle of a large frame, else none.
// Reading them to its beginning, and calling Filled instead of Feed, saves a copy. It is valid until the next Feed, Filled or
// Release.
func (d *Decoder) Room() []byte {
	if d.partial == nil {
		return nil
	}
	need, err := d.need(d.partial.start())
	if err != nil { // the limit is lower now: Next will return the error
		return nil
	}
	return d.partial.room(need)
}

// Filled says that the next n bytes of the stream were read to the beginning of Room. Otherwise it is like Feed.
func (d *Decoder) Filled(n int) {
	d.Settle()
	d.partial.bytes = d.partial.bytes[:len(d.partial.bytes)+n]
	if need, err := d.need(d.partial.start()); err == nil {
		d.partial = d.partial.goOn(need)
	}
}

// Settle gives back the memory of a frame that was put together from pieces; frames returned so far become invalid. Call
// it when they are done with, lest a silent connection holds its last large packet.
func (d *Decoder) Settle() {
	d.lent.release()
	d.lent = nil
}

// Next returns the next frame, or false when more bytes are needed. The frame's body is valid until the next Feed,
// Settle or Release unless it is Owned, and must not be changed. Errors wrap [ErrTooLarge] or [ErrMalformed].
func (d *Decoder) Next() (Frame, bool, error) {
	if d.err != nil {
		return Frame{}, false, d.err
	}
	if d.partial != nil {
		return d.nextInPieces()
	}
	need, err := d.need(d.input)
	if err != nil {
		return Frame{}, false, d.fail(err)
	}
	if len(d.input) < need {
		d.fill(need)
		return Frame{}, false, nil
	}
	frame := d.input[:need]
	d.input = d.input[need:]
	return d.parse(frame, false)
}

// nextInPieces is Next for a frame whose beginning came earlier.
func (d *Decoder) nextInPieces() (Frame, bool, error) {
	for {
		need, err := d.need(d.partial.start())
		if err != nil {
			return Frame{}, false, d.fail(err)
		}
		if d.partial.len() == need {
			break
		}
		if !d.fill(need) {
			return Frame{}, false, nil
		}
	}
	whole := d.partial.join()
	d.partial = nil
	if whole.pooled() {
		d.lent = whole
		return d.parse(whole.bytes, false)
	}
	return d.parse(whole.bytes, true)
}

// need returns how many bytes of a frame that begins with p have to be there before there is something to do: the length
// prefix, and once that is there, the whole frame.
func (d *Decoder) need(p []byte) (int, error) {
	if len(p) < LengthSize {
		return LengthSize, nil
	}
	length := binary.BigEndian.Uint32(p)
	if length <= HeaderSize {
		return 0, fmt.Errorf("%w: frame length %d, but header and body take %d at least", ErrMalformed, length, HeaderSize+1)
	}
	limit := d.limit
	if limit == 0 {
		limit = DefaultMaxBody
	}
	if length-HeaderSize > uint32(limit) {
		return 0, fmt.Errorf("%w: body of %d bytes, the limit is %d%s", ErrTooLarge, length-HeaderSize, limit, resemblance(p))
	}
	return LengthSize + int(length), nil
}

// resemblance says what the beginning of a frame may be instead: other protocols look like a frame of a huge length.
func resemblance(p []byte) string {
	const handshakeRecord, version = 0x16, 0x03 // of TLS
	switch {
	case p[0] == handshakeRecord && p[1] == version:
		return " (it looks like TLS)"
	case bytes.HasPrefix(p, []byte("GET ")), bytes.HasPrefix(p, []byte("POST")), bytes.HasPrefix(p, []byte("PRI ")):
		return " (it looks like HTTP)"
	default:
		return ""
	}
}

// fill moves bytes from the input to the partial frame until it has need of them, and reports whether it has.
func (d *Decoder) fill(need int) bool {
	if len(d.input) == 0 {
		return false
	}
	if d.partial == nil {
		d.partial = newBuffer(min(len(d.input), piece))
	}
	n := min(need-d.partial.len(), len(d.input))
	d.partial = d.partial.append(d.input[:n], need)
	d.input = d.input[n:]
	return d.partial.len() == need
}

// parse reads a whole frame.
func (d *Decoder) parse(frame []byte, owned bool) (Frame, bool, error) {
	f := Frame{
		ID:    binary.BigEndian.Uint32(frame[LengthSize:]),
		Flags: binary.BigEndian.Uint16(frame[LengthSize+4:]),
		Body:  frame[LengthSize+HeaderSize : len(frame) : len(frame)],
		Owned: owned,
	}
	if f.Flags&FlagAES != 0 {
		return Frame{}, false, d.fail(fmt.Errorf("%w: encrypted packets are not supported", ErrMalformed))
	}
	return f, true, nil
}

// fail ends the decoder, for the reason that it returns. Frames returned before stay valid until Release.
func (d *Decoder) fail(err error) error {
	d.err = err
	d.input = nil
	d.partial.release()
	d.partial = nil
	return err
}

// Pending returns how many bytes of an incomplete frame are held. The memory behind them is at most twice that, or 512
// bytes if that is more.
func (d *Decoder) Pending() int {
	if d.partial == nil {
		return 0
	}
	return d.partial.len()
}

// Held returns how many bytes of memory an incomplete frame takes, unused room included.
func (d *Decoder) Held() int {
	if d.partial == nil {
		return 0
	}
	return d.partial.memory()
}

// Release ends the use of the decoder and gives its memory back. Frames that it returned become invalid. It may be called
// more than once.
func (d *Decoder) Release() {
	d.input = nil
	d.partial.release()
	d.partial = nil
	d.Settle()
}
