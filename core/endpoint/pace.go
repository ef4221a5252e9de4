package endpoint

import (
	"time"

	"golang.org/x/time/rate"
)

// pace slows the reading of a connection that sends more than its limits allow. It belongs to the connection's reader.
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

// wait returns when the connection may be read again, or done is closed.
func (p *pace) wait(packets, bytes int, done <-chan struct{}) {
	delay := max(owe(p.packets, packets), owe(p.bytes, bytes))
	if delay == 0 {
		return
	}
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-done:
	}
}

// owe books n and returns how long to wait for it. What exceeds a second's worth is booked in parts.
func owe(l *rate.Limiter, n int) (delay time.Duration) {
	if l == nil {
		return 0
	}
	now := time.Now()
	for n > 0 {
		part := min(n, l.Burst())
		delay = l.ReserveN(now, part).DelayFrom(now)
		n -= part
	}
	return delay
}
