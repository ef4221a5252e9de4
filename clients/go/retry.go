package pengbridge

import (
	"context"
	"errors"
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
	// giveUpClosing is the same for who only wants to end: long enough for a connection that broke just then, and no hang.
	giveUpClosing = time.Second
	// giveUpDeserted is the same where nobody listens any more: its process has ended. Whoever listens there later knows
	// nothing of what this one knew.
	giveUpDeserted = 500 * time.Millisecond
	// minPause and maxPause bound the pause between two attempts, which doubles.
	minPause = 20 * time.Millisecond
	maxPause = 2 * time.Second
)

// retry decides, for one stream that is to outlive its connection, whether and when to try again. It is for one goroutine.
type retry struct {
	sidecarDone <-chan struct{}
	deserted    func() bool     // whether nobody listens where the sidecar did; nil: nobody can know
	closing     <-chan struct{} // closed when there is less patience; nil: never
	pause       time.Duration
	since       time.Time // of the first failure in a row
}

// succeeded is called when something came over the stream.
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
		return errors.Join(ErrSidecarLost, err)
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
		return errors.Join(ErrSidecarLost, err)
	}
}

// transient reports whether a stream that ended with err may do better next time: the connection broke, or the server is not
// there. Everything else is the sidecar's considered answer.
func transient(err error) bool {
	return status.Code(err) == codes.Unavailable || errors.Is(err, io.ErrUnexpectedEOF)
}
