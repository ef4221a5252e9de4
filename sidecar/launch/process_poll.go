//go:build !windows

package launch

import "time"

// pollInterval is how late the end of a parent is noticed at most, where it has to be polled.
const pollInterval = 250 * time.Millisecond

// poller watches a parent by asking who the parent is: when it ends, its children get another one.
type poller struct {
	pid     int
	getppid func() int
	done    chan struct{}
}

func newPoller(pid int, getppid func() int) *poller {
	return &poller{pid, getppid, make(chan struct{})}
}

func (p *poller) wait() bool {
	ticker := time.NewTicker(pollInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			if p.getppid() != p.pid {
				return true
			}
		case <-p.done:
			return false
		}
	}
}

func (p *poller) close() { close(p.done) }
