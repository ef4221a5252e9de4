package pengbridge

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// tries fails until the retry gives up, and returns the error.
func tries(r *retry) error {
	for {
		if err := r.again(context.Background(), errBroken); err != nil {
			return err
		}
	}
}

func TestRetryGivesUp(t *testing.T) {
	closed := make(chan struct{})
	close(closed)
	for name, c := range map[string]struct {
		retry retry
		after time.Duration
	}{
		"after a while":                {retry{}, giveUp},
		"sooner when there is no hope": {retry{closing: closed}, giveUpClosing},
		"at once when nobody listens":  {retry{closing: closed, deserted: func() bool { return true }}, giveUpDeserted},
		"later when somebody does":     {retry{deserted: func() bool { return false }}, giveUp},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begun := time.Now()
				err := tries(&c.retry)
				require.ErrorIs(t, err, ErrSidecarLost)
				require.ErrorIs(t, err, errBroken)
				assert.Greater(t, time.Since(begun), c.after)
				assert.LessOrEqual(t, time.Since(begun), c.after+maxPause*3/2)
			})
		})
	}
}

// TestRetryNoticesTheClose in the middle of a pause: what was out of reach for long enough is given up at once.
func TestRetryNoticesTheClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		closing := make(chan struct{})
		given := make(chan error, 1)
		go func() { given <- tries(&retry{closing: closing}) }()
		time.Sleep(giveUp / 2) // of the bubble's time
		synctest.Wait()
		closed := time.Now()
		close(closing)
		require.ErrorIs(t, <-given, ErrSidecarLost)
		assert.Zero(t, time.Since(closed))
	})
}

func TestRetryDoesNotTryForNothing(t *testing.T) {
	ended := make(chan struct{})
	close(ended)
	over, cancel := context.WithCancel(t.Context())
	cancel()
	considered := errors.New("no")
	assert.ErrorIs(t, tries(&retry{sidecarDone: ended}), ErrSidecarLost)
	assert.ErrorIs(t, new(retry).again(over, errBroken), context.Canceled)
	assert.Equal(t, considered, new(retry).again(t.Context(), considered))
}
