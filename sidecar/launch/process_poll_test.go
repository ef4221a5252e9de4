//go:build !windows

package launch

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestPoller(t *testing.T) {
	var ppid atomic.Int64
	ppid.Store(7)
	getppid := func() int { return int(ppid.Load()) }

	closed := newPoller(7, getppid)
	closed.close()
	assert.False(t, closed.wait())

	gone := newPoller(7, getppid)
	ended := make(chan bool)
	go func() { ended <- gone.wait() }()
	ppid.Store(1)
	select {
	case was := <-ended:
		assert.True(t, was)
	case <-time.After(wait):
		t.Fatal("the parent's end went unnoticed")
	}
}
