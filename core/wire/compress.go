package wire

import (
	"encoding/binary"
	"fmt"
	"sync"

	"github.com/klauspost/compress/zlib"
)

// Compression says which bodies are sent as zlib streams. It is a value without memory of its own: any number of
// goroutines may use one.
type Compression struct {
	Disabled  bool
	Threshold int // bodies of more bytes than this are compressed
	Level     int // zlib's: 0 (stored) to 9 (smallest)
}

// DefaultCompression returns what peng3dnet uses unless it is configured otherwise.
func DefaultCompression() Compression {
	return Compression{Threshold: 8192, Level: 6}
}

// SettingError says which setting of a [Compression] is impossible.
type SettingError struct {
	Field   string // "threshold_bytes" or "level"
	Problem string // a predicate
}

func (e *SettingError) Error() string { return e.Field + " " + e.Problem }

// Validate says what is wrong with c. The error is a [*SettingError].
func (c Compression) Validate() error {
	if c.Threshold < 0 || c.Threshold > DefaultMaxBody {
		return &SettingError{"threshold_bytes", fmt.Sprintf("is %d: give 0 to %d", c.Threshold, DefaultMaxBody)}
	}
	if c.Level < zlib.NoCompression || c.Level > zlib.BestCompression {
		return &SettingError{"level", fmt.Sprintf("is %d: give %d to %d", c.Level, zlib.NoCompression, zlib.BestCompression)}
	}
	return nil
}

// AppendPacket appends the frame of a packet. A body of more bytes than the threshold goes out compressed, even where
// that makes it larger: the reference does the same. c must be valid. On an error, which wraps [ErrTooLarge] or
// [ErrMalformed], dst is returned as it was.
func (c Compression) AppendPacket(dst []byte, id uint32, body []byte) ([]byte, error) {
	if err := checkSize(len(body)); err != nil {
		return dst, err
	}
	if c.Disabled || len(body) <= c.Threshold {
		return AppendFrame(dst, id, 0, body), nil
	}
	start := len(dst)
	frame, err := c.deflate(appendHeader(dst, id, FlagCompressed, 0), body)
	if err != nil {
		return dst, err
	}
	binary.BigEndian.PutUint32(frame[start:], uint32(len(frame)-start-LengthSize))
	return frame, nil
}

// checkSize says whether a frame can hold a body of that many bytes.
func checkSize(body int) error {
	switch {
	case body == 0:
		return fmt.Errorf("%w: empty body", ErrMalformed)
	case body > MaxBody:
		return fmt.Errorf("%w: body of %d bytes, the limit is %d", ErrTooLarge, body, MaxBody)
	}
	return nil
}

// deflaters keeps the compressors that are not in use, by level: each takes about a megabyte.
var deflaters [zlib.BestCompression + 1]sync.Pool

// deflater is a zlib compressor that appends to a slice.
type deflater struct {
	zlib *zlib.Writer
	out  []byte
}

// Write appends p to the result.
func (d *deflater) Write(p []byte) (int, error) {
	d.out = append(d.out, p...)
	return len(p), nil
}

// deflate appends the zlib stream of body.
func (c Compression) deflate(dst, body []byte) ([]byte, error) {
	pool := &deflaters[c.Level]
	d, ok := pool.Get().(*deflater)
	if !ok {
		d = &deflater{}
		var err error
		if d.zlib, err = zlib.NewWriterLevel(d, c.Level); err != nil {
			return dst, fmt.Errorf("compress: %w", err)
		}
	}
	d.out = dst
	d.zlib.Reset(d)
	_, err := d.zlib.Write(body)
	if err == nil {
		err = d.zlib.Close()
	}
	dst, d.out = d.out, nil
	if err != nil {
		return dst, fmt.Errorf("compress: %w", err)
	}
	pool.Put(d)
	return dst, nil
}
