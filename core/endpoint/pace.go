package endpoint

import (
	"time"

	"golang.org/x/time/rate"
)

// pace slows the reading of a connection that sends more than its limits allow. It belongs to the connection's reader; nil
// is one without limits.
type pace struct {
	packets, bytes *rate.Limiter // nil: no limit
}

// newPace returns nil when there is nothing to limit.
func newPace(l Limits) *pace {
	if l.PacketsPerSecond == 0 && l.BytesPerSecond == 0 {
		return nil
	}
	p := &pace{}
	if n := l.PacketsPerSecond; n > 0 {
		p.packets = rate.NewLimiter(rate.Limit(n), n)
	}
	if n := l.BytesPerSecond; n > 0 {
		p.bytes = rate.NewLimiter(rate.Limit(n), int(n))
	}
	return p
}

// sliced is how many turns a second's worth of packets or bytes is handled in, so that little more than a second's worth passes
// before the first wait.
const sliced = 10

// readSize is how many bytes may be read at once.
func (p *pace) readSize() int {
	if p == nil || p.bytes == nil {
		return readSize
	}
	return min(readSize, max(p.bytes.Burst()/sliced, 1))
}

// packetsAtOnce is how many packets may be handled at once.
func (p *pace) packetsAtOnce() int {
	if p == nil || p.packets == nil {
		return packetsAtOnce
	}
	return min(packetsAtOnce, max(p.packets.Burst()/sliced, 1))
}

// owe counts packets and bytes, no more than may be handled at once, and returns how long to wait because of them.
func (p *pace) owe(packets, bytes int) time.Duration {
	if p == nil {
		return 0
	}
	now := time.Now()
	return max(book(p.packets, packets, now), book(p.bytes, bytes, now))
}

func book(l *rate.Limiter, n int, now time.Time) time.Duration {
	if l == nil || n == 0 {
		return 0
	}
	return l.ReserveN(now, n).DelayFrom(now)
}
