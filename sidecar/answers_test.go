package sidecar

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	pb "github.com/pengbridge/pengbridge/api/pengbridge/v1"
)

func TestAnswersCoalesce(t *testing.T) {
	ctx := testContext(t)
	a := newAnswers(5)
	a.add(7, nil, 0)
	a.add(9, []*pb.CommandFailure{{Number: 8}}, 0)
	response, err := a.next(ctx)
	require.NoError(t, err)
	require.Equal(t, uint64(9), response.GetAppliedNumber())
	require.Len(t, response.GetFailures(), 1)

	var many []*pb.CommandFailure
	for n := uint64(10); n < 10+maxFailures+5; n++ {
		many = append(many, &pb.CommandFailure{Number: n})
	}
	last := many[len(many)-1].GetNumber()
	a.add(last+100, many, 0)
	ended := errors.New("over")
	a.end(ended)
	response, err = a.next(ctx)
	require.NoError(t, err)
	require.Len(t, response.GetFailures(), maxFailures)
	require.Equal(t, uint64(9+maxFailures), response.GetAppliedNumber(), "no further than its failures go")
	response, err = a.next(ctx)
	require.NoError(t, err)
	require.Len(t, response.GetFailures(), 5)
	require.Equal(t, last+100, response.GetAppliedNumber())
	_, err = a.next(ctx)
	require.ErrorIs(t, err, ended, "behind everything that was to be said")
}

func TestAnswersHoldUpWhoIsNotRead(t *testing.T) {
	a := newAnswers(0)
	a.add(maxFailures+1, make([]*pb.CommandFailure, maxFailures+1), 0)
	waited := make(chan struct{})
	go func() {
		a.full(testContext(t))
		close(waited)
	}()
	select {
	case <-waited:
		require.FailNow(t, "there is no room")
	default:
	}
	_, err := a.next(testContext(t))
	require.NoError(t, err)
	<-waited

	gone, cancel := context.WithCancel(context.Background())
	cancel()
	a.add(2*maxFailures, make([]*pb.CommandFailure, 2*maxFailures), 0)
	a.full(gone) // returns: nobody will read any more
}

// TestAnswersThatNobodyWaitsFor adds one command after the other, each two milliseconds after the one before, and looks at which
// moment what is said.
func TestAnswersThatNobodyWaitsFor(t *testing.T) {
	const ms = time.Millisecond
	type added struct {
		unasked int
		fails   bool
	}
	type said struct {
		after   time.Duration
		applied uint64
	}
	small := added{unasked: 100}
	for _, c := range []struct {
		name string
		adds []added
		ends time.Duration // when the stream does
		want []said
	}{
		{"alone", []added{small}, time.Second, []said{{5 * ms, 1}}},
		{"together", []added{small, small, small}, time.Second, []said{{5 * ms, 3}}},
		{"one after the other", []added{small, small, small, small, small}, time.Second, []said{{5 * ms, 3}, {11 * ms, 5}}},
		{"somebody waits", []added{{}}, time.Second, []said{{0, 1}}},
		{"somebody waits for what follows", []added{small, small, {}, small}, time.Second, []said{{4 * ms, 3}, {11 * ms, 4}}},
		{"a failure", []added{small, {unasked: 100, fails: true}}, time.Second, []said{{2 * ms, 2}}},
		{"much", []added{{unasked: maxUnasked - 1}, {unasked: 1}, small}, time.Second, []said{{2 * ms, 2}, {9 * ms, 3}}},
		{"the end", []added{small, small}, 4 * ms, []said{{4 * ms, 2}}},
		{"the end, with nothing to say", []added{small}, 6 * ms, []said{{5 * ms, 1}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := newAnswers(0)
				begun := time.Now()
				go func() {
					for i, add := range c.adds {
						number := uint64(i) + 1
						var failures []*pb.CommandFailure
						if add.fails {
							failures = []*pb.CommandFailure{{Number: number}}
						}
						a.add(number, failures, add.unasked)
						time.Sleep(2 * ms)
					}
					time.Sleep(c.ends - time.Since(begun))
					a.end(nil)
				}()
				var got []said
				for {
					response, err := a.next(t.Context())
					require.NoError(t, err)
					if response == nil {
						break
					}
					got = append(got, said{time.Since(begun), response.GetAppliedNumber()})
				}
				require.Equal(t, c.want, got)
				require.Equal(t, c.ends, time.Since(begun))
				require.False(t, a.pause.Stop(), "no clock runs on")
			})
		})
	}
}

// TestAnswersAskedForTwice asks when all is answered already. What follows may take its time as ever.
func TestAnswersAskedForTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAnswers(0)
		a.add(1, nil, 0)
		_, err := a.next(t.Context())
		require.NoError(t, err)
		a.add(1, nil, 0)
		a.add(1, nil, 100) // sent again after a break
		go func() {
			time.Sleep(time.Second)
			a.add(2, nil, 100)
		}()
		begun := time.Now()
		response, err := a.next(t.Context())
		require.NoError(t, err)
		require.Equal(t, uint64(2), response.GetAppliedNumber())
		require.Equal(t, time.Second+answerPause, time.Since(begun))
		a.end(nil)
		a.add(3, nil, 100)
		require.False(t, a.pause.Stop(), "no clock runs on")
	})
}
