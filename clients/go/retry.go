package pengbridge

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// ErrSidecarLost means that the sidecar cannot be reached any more, and with it everything it knew.
var ErrSidecarLost = errors.New("the sidecar is gone")

const (
	// giveUp is how long a sidecar may be out of reach. It is also how long an endpoint waits for its subscriber.
	giveUp = 30 * time.Second
	// giveUpClosing is the same while closing: long enough for a connection that has just broken, and no hang.
	giveUpClosing = time.Second
	// giveUpDeserted is the same where nobody listens any more: the process has ended, and another one that listens there later
	// knows nothing of what it knew.
	giveUpDeserted = 500 * time.Millisecond
	// minPause and maxPause bound the pause between two attempts, which doubles.
	minPause = 20 * time.Millisecond
	maxPause = 2 * time.Second
)

// retry decides whether and when to reopen a stream that is to outlive its connection. It is for one goroutine.
type retry struct {
	sidecarDone <-chan struct{}
	deserted    func() bool     // whether nobody listens where the sidecar did; nil: unknown
	closing     <-chan struct{} // closed when the stream's owner closes it, which shortens the patience; nil: never
	pause       time.Duration
	since       time.Time // of the first failure in a row
}

// succeeded says that something came over the stream: patience begins anew.
func (r *retry) succeeded() { r.pause, r.since = 0, time.Time{} }

// again waits and returns nil if another attempt makes sense after err; else it returns the error to report.
func (r *retry) again(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if !transient(err) {
		return err
	}
	now := time.Now()
	if r.since.IsZero() {
		r.since, r.pause = now, minPause
	}
	patience, closing := giveUp, r.closing
	select {
	case <-closing:
		patience, closing = giveUpClosing, nil
	default:
	}
	if r.deserted != nil && r.deserted() {
		patience = giveUpDeserted
	}
	if now.Sub(r.since) > patience {
		return fmt.Errorf("%w: %w", ErrSidecarLost, err)
	}
	spread := r.pause/2 + rand.N(r.pause) //nolint:gosec // only so that many do not come back at once
	timer := time.NewTimer(spread)
	defer timer.Stop()
	r.pause = min(2*r.pause, maxPause)
	select {
	case <-timer.C:
		return nil
	case <-closing:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-r.sidecarDone:
		return fmt.Errorf("%w: %w", ErrSidecarLost, err)
	}
}

// transient reports whether a stream that ended with err may do better next time: the connection broke, or the server is not
// there. Everything else is the sidecar's answer, which would be the same again.
func transient(err error) bool {
	return status.Code(err) == codes.Unavailable || errors.Is(err, io.ErrUnexpectedEOF)
}
