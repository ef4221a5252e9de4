//go:build linux

package load

import (
	"errors"
	"fmt"
	"time"

	"github.com/tinylib/msgp/msgp"
)

// Counts is what a server has seen so far: the answer to a mark.
type Counts struct {
	Connected uint64 // connections whose handshake is complete
	Received  uint64 // packets that were to be counted
}

// Mark sends a packet on the first connection and waits for the server's counts in answer: everything sent before on that
// connection is in them.
func (l *Load) Mark(frame []byte) (Counts, error) {
	p := l.peers[0]
	p.in.keep = true
	defer func() { p.in.keep = false }()
	p.out = repeat(frame)
	answered := false
	if err := l.put(p, 1); err != nil {
		return Counts{}, err
	}
	for !answered {
		err := l.turn(func(*peer, int) error {
			answered = true
			return nil
		})
		if err != nil {
			return Counts{}, err
		}
	}
	return readCounts(p.in.body())
}

// AwaitConnected marks until the server has seen n connections.
func (l *Load) AwaitConnected(mark []byte, n int) error {
	for {
		counts, err := l.Mark(mark)
		if err != nil {
			return err
		}
		if counts.Connected >= uint64(n) {
			return nil
		}
		if time.Now().After(l.deadline) {
			return fmt.Errorf("%w: the server knows %d of %d connections", ErrStalled, counts.Connected, n)
		}
	}
}

// Deliver sends frames on the first connection for so long, then a mark. It returns how many there were when the server has
// counted them all; so long the meter runs.
func (l *Load) Deliver(frame, mark []byte, duration time.Duration, meter Meter) (count int, err error) {
	before, err := l.Mark(mark)
	if err != nil {
		return 0, err
	}
	nothing := func(*peer, int) error { return errors.New("the server answered what is only to be counted") }
	p := l.peers[0]
	p.out = repeat(frame)
	meter.Start()
	defer meter.Stop()
	begin := time.Now()
	p.out.owed = infinite
	if err := l.write(p); err != nil {
		return 0, err
	}
	for time.Since(begin) < duration {
		if err := l.turn(nothing); err != nil {
			return 0, err
		}
	}
	written := infinite - p.out.owed
	p.out.finish()
	written += p.out.owed
	if err := l.drain(p, nothing); err != nil {
		return 0, err
	}
	after, err := l.Mark(mark)
	if err != nil {
		return 0, err
	}
	count = written / len(frame)
	if received := after.Received - before.Received; received != uint64(count) {
		return 0, fmt.Errorf("the server counted %d of %d packets", received, count)
	}
	return count, nil
}

// readCounts reads the answer to a mark: a map.
func readCounts(body []byte) (Counts, error) {
	fields, _, err := msgp.ReadMapStrIntfBytes(body, nil)
	if err != nil {
		return Counts{}, fmt.Errorf("the answer to a mark: %w", err)
	}
	return Counts{Connected: number(fields["connected"]), Received: number(fields["received"])}, nil
}

// number returns an integer as MessagePack gives it, in its shortest form.
func number(value any) uint64 {
	switch n := value.(type) {
	case int64:
		return uint64(n)
	case uint64:
		return n
	}
	return 0
}
