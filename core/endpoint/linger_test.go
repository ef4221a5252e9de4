package endpoint

import (
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// TestWhatAPeerCanHoldUp: how long a peer holds up the end of its connection, and with it Stop and a program's end, depends on
// when it closes its socket. One that never does takes 1.2 s.
func TestWhatAPeerCanHoldUp(t *testing.T) {
	const never = time.Hour
	for name, test := range map[string]struct {
		closes   time.Duration // when the peer does
		obliging bool          // whether it closes when it sees the end of our stream
		sends    bool          // whether it goes on sending
		takes    time.Duration
		ours     bool // whether our stream ends first
	}{
		"reads the reason and closes":      {closes: 50 * time.Millisecond, takes: 50 * time.Millisecond},
		"closes when we do":                {closes: never, obliging: true, takes: peerFirst, ours: true},
		"closes a little later":            {closes: time.Second, takes: time.Second, ours: true},
		"never closes":                     {closes: never, takes: peerFirst + lingerTimeout, ours: true},
		"never closes, and never is quiet": {closes: never, sends: true, takes: peerFirst + lingerTimeout, ours: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				us, peer := net.Pipe()
				var sending sync.WaitGroup
				defer sending.Wait() // behind what ends it: the clock stands still once this function has returned
				defer us.Close()
				defer peer.Close()
				closing := time.AfterFunc(test.closes, func() { _ = peer.Close() })
				defer closing.Stop()
				if test.sends {
					sending.Go(func() { // ends with the pipe
						for {
							if _, err := peer.Write([]byte{1}); err != nil {
								return
							}
							time.Sleep(time.Millisecond)
						}
					})
				}
				begun, ended := time.Now(), time.Duration(-1)
				awaitPeer(us, func() error {
					ended = time.Since(begun)
					if test.obliging {
						_ = peer.Close()
					}
					return nil
				})
				require.Equal(t, test.takes, time.Since(begun))
				require.Equal(t, test.ours, ended >= 0)
				if test.ours {
					require.Equal(t, peerFirst, ended)
				}
			})
		})
	}
	require.Less(t, peerFirst+lingerTimeout, stopTimeout, "Stop has the patience for them")
}
