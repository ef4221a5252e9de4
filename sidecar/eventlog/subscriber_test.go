package eventlog_test

import (
	"context"
	"fmt"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pengbridge/pengbridge/sidecar/eventlog"
)

// subscribe opens a cursor that is closed with the test.
func subscribe(t *testing.T, l *eventlog.Log, r eventlog.Request) (*eventlog.Cursor, eventlog.Header) {
	t.Helper()
	c, header, err := l.Subscribe(r)
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c, header
}

func TestADurableSubscriberResumes(t *testing.T) {
	l := eventlog.New(eventlog.Options{Expected: "game"})
	l.Append(received(10, 10))
	first, header := subscribe(t, l, eventlog.Request{Name: "game", Mode: eventlog.Acknowledging})
	require.Equal(t, eventlog.Header{First: 1, Last: 10, Next: 1}, header)
	next(t, first)
	require.NoError(t, l.Acknowledge("", "game", 4))
	require.NoError(t, l.Acknowledge("", "game", 2), "going backwards is passed over")
	first.Close()

	second, header := subscribe(t, l, eventlog.Request{Name: "game", Mode: eventlog.Acknowledging})
	require.Equal(t, eventlog.Header{First: 5, Last: 10, Next: 5}, header, "behind the last acknowledged")
	require.Equal(t, uint64(5), next(t, second).First)
	second.Close()

	_, header = subscribe(t, l, eventlog.Request{Name: "game", Mode: eventlog.Acknowledging, From: 9})
	require.Equal(t, uint64(9), header.Next)
	require.Equal(t, uint64(8), l.Stats().Subscribers[0].Acknowledged, "what is before it is acknowledged thereby")

	_, _, err := l.Subscribe(eventlog.Request{Name: "game", Mode: eventlog.Acknowledging, From: 8})
	require.Equal(t, &eventlog.GoneError{Sequence: 8, Oldest: 9}, err)
	_, _, err = l.Subscribe(eventlog.Request{Name: "game", Mode: eventlog.Acknowledging, From: 12})
	require.Equal(t, &eventlog.RangeError{Sequence: 12, Oldest: 9, Limit: 11}, err)
	_, _, err = l.Subscribe(eventlog.Request{Name: "game", Mode: eventlog.Durable})
	require.Equal(t, &eventlog.OtherModeError{Name: "game", Mode: eventlog.Acknowledging}, err)
	require.ErrorContains(t, err, "acknowledging")
}

// TestAnAcknowledgementFromBeforeABreak comes when the stream is open again: what it names is freed, and not delivered.
func TestAnAcknowledgementFromBeforeABreak(t *testing.T) {
	l := eventlog.New(eventlog.Options{Expected: "game"})
	l.Append(received(10, 10))
	broken, _ := subscribe(t, l, eventlog.Request{Name: "game", Mode: eventlog.Acknowledging})
	require.Equal(t, uint64(10), next(t, broken).Last)
	l.Append(received(2, 10))
	resumed, header := subscribe(t, l, eventlog.Request{Name: "game", Mode: eventlog.Acknowledging})
	require.Equal(t, uint64(1), header.Next)
	require.NoError(t, l.Acknowledge("", "game", 10))
	require.Equal(t, uint64(11), next(t, resumed).First)
}

func TestWhatIsWrittenCountsAsAcknowledgedWithoutAcknowledgements(t *testing.T) {
	l := eventlog.New(eventlog.Options{RingBytes: 500, BacklogEvents: 100})
	c, _ := subscribe(t, l, eventlog.Request{Name: "bot", Mode: eventlog.Durable})
	l.Append(received(100, 64))
	require.False(t, l.TryEnter())
	for range 4 { // there is no limit on batches under way, as nobody would end it
		l.Append(received(1, 64))
		batch := next(t, c)
		c.Sent(batch)
	}
	require.Zero(t, l.Stats().BacklogEvents)
	require.True(t, l.TryEnter())
	c.Close()

	first := l.Stats().First
	require.Greater(t, first, uint64(90))
	require.Less(t, first, uint64(104), "a window is kept for resuming")
	again, header := subscribe(t, l, eventlog.Request{Name: "bot", Mode: eventlog.Durable, From: first})
	require.Equal(t, first, header.Next)
	require.Equal(t, first, next(t, again).First)
	_, _, err := l.Subscribe(eventlog.Request{Name: "bot", Mode: eventlog.Durable, From: first - 1})
	require.Equal(t, &eventlog.GoneError{Sequence: first - 1, Oldest: first}, err)
}

func TestTakingOverEndsTheOlderCursor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := eventlog.New(eventlog.Options{Grace: time.Second})
		older, _ := subscribe(t, l, eventlog.Request{Name: "bot", Mode: eventlog.Durable})
		ended := make(chan error)
		go func() {
			_, err := older.Next(context.Background(), 0)
			ended <- err
		}()
		synctest.Wait()
		newer, _ := subscribe(t, l, eventlog.Request{Name: "bot", Mode: eventlog.Durable})
		require.ErrorIs(t, <-ended, eventlog.ErrTakenOver)

		l.Append(received(3, 10))
		batch := next(t, newer)
		older.Sent(batch)
		require.Zero(t, l.Stats().Subscribers[0].Acknowledged, "the older stream has no say any more")
		older.Close()
		time.Sleep(time.Minute)
		require.True(t, l.Stats().Subscribers[0].Connected, "nor does its end make the subscriber absent")
	})
}

// TestARequestThatComesLate: a session whose connection broke has subscribed again, when the request of the broken one is read,
// too. The live stream is not taken over by anybody else, and goes on.
func TestARequestThatComesLate(t *testing.T) {
	l := eventlog.New(eventlog.Options{})
	l.Append(received(3, 10))
	request := eventlog.Request{Name: "game", Mode: eventlog.Acknowledging, Session: "one", Resume: true}
	live, _ := subscribe(t, l, request)
	late, _ := subscribe(t, l, request)
	_, err := live.Next(context.Background(), 0)
	require.ErrorIs(t, err, eventlog.ErrResumed)
	again, _ := subscribe(t, l, request)
	late.Close()
	require.EqualValues(t, 3, next(t, again).Count)
	_, _ = subscribe(t, l, eventlog.Request{Name: "game", Mode: eventlog.Acknowledging, Session: "two"})
	_, err = again.Next(context.Background(), 0)
	require.ErrorIs(t, err, eventlog.ErrTakenOver)
}

// TestWhoWasTakenOverDoesNotComeBack: a session whose stream broke before it could be told that another one has taken over is
// told when it comes back, and does not take the name from the other.
func TestWhoWasTakenOverDoesNotComeBack(t *testing.T) {
	l := eventlog.New(eventlog.Options{})
	l.Append(received(3, 10))
	request := eventlog.Request{Name: "game", Mode: eventlog.Acknowledging, Session: "older"}
	older, _ := subscribe(t, l, request)
	older.Close()
	request.Resume = true
	older, _ = subscribe(t, l, request) // nobody was there meanwhile
	older.Close()
	newer, _ := subscribe(t, l, eventlog.Request{Name: "game", Mode: eventlog.Acknowledging, Session: "newer"})
	_, _, err := l.Subscribe(request)
	require.ErrorIs(t, err, eventlog.ErrTakenOver)
	require.EqualValues(t, 3, next(t, newer).Count, "nothing has happened to the newer one")
	newer.Close()
	_, _, err = l.Subscribe(request)
	require.ErrorIs(t, err, eventlog.ErrTakenOver, "not even while it is away")
	require.NoError(t, l.Acknowledge("older", "game", 2))
	require.Zero(t, l.Stats().Subscribers[0].Acknowledged, "too late: the newer one gets it all")
	require.NoError(t, l.Acknowledge("newer", "game", 1))
	require.EqualValues(t, 1, l.Stats().Subscribers[0].Acknowledged)
	request.Resume = false
	subscribe(t, l, request) // but it can take over again if it says so
}

func TestASubscriberThatStaysAwayIsLostOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lost := make(chan string, 10)
		l := eventlog.New(eventlog.Options{
			Expected: "game", RingBytes: 1000, OnLost: func(name string) { lost <- name },
		})
		l.Append(received(100, 64))
		time.Sleep(29 * time.Second)
		c, _ := subscribe(t, l, eventlog.Request{Name: "game", Mode: eventlog.Acknowledging})
		next(t, c)
		require.NoError(t, l.Acknowledge("", "game", 30))
		time.Sleep(time.Hour)
		c.Close()
		time.Sleep(29 * time.Second)
		require.Empty(t, lost)
		require.Equal(t, uint64(31), l.Stats().First)

		time.Sleep(time.Second)
		require.Equal(t, "game", <-lost)
		require.Empty(t, l.Stats().Subscribers)
		require.Greater(t, l.Stats().First, uint64(80), "what is left is a ring")
		require.ErrorIs(t, l.Acknowledge("", "game", 40), eventlog.ErrUnknownSubscriber)

		_, _, err := l.Subscribe(eventlog.Request{Name: "game", Mode: eventlog.Acknowledging})
		require.Equal(t, &eventlog.GoneError{Sequence: 31, Oldest: l.Stats().First}, err, "loss is never silent")
		_, header := subscribe(t, l, eventlog.Request{Name: "game", Mode: eventlog.Durable})
		require.Equal(t, header.First, header.Next, "after the error, it comes as a new subscriber")
		time.Sleep(time.Hour)
		require.Empty(t, lost)
	})
}

// The grace time may run out just when the subscriber comes back. Once it is back, it stays.
func TestComingBackInTheLastMoment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := eventlog.New(eventlog.Options{Grace: time.Minute})
		for range 100 {
			c, _, err := l.Subscribe(eventlog.Request{Name: "game", Mode: eventlog.Durable})
			require.NoError(t, err)
			synctest.Wait()
			require.Len(t, l.Stats().Subscribers, 1)
			c.Close()
			time.Sleep(time.Minute)
		}
	})
}

func TestTheLostAreForgottenInTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := eventlog.New(eventlog.Options{RingBytes: 1})
		for i := range 65 {
			c, _, err := l.Subscribe(eventlog.Request{Name: fmt.Sprint(i), Mode: eventlog.Durable})
			require.NoError(t, err)
			c.Close()
			time.Sleep(time.Minute)
		}
		l.Append(received(10, 10))
		_, _, err := l.Subscribe(eventlog.Request{Name: "1", Mode: eventlog.Durable})
		require.Equal(t, &eventlog.GoneError{Sequence: 1, Oldest: 10}, err, "one of the last 64")
		_, header := subscribe(t, l, eventlog.Request{Name: "0", Mode: eventlog.Durable})
		require.Equal(t, uint64(10), header.Next)
	})
}

func TestAfterCloseTheRestIsRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := eventlog.New(eventlog.Options{
			Expected: "game", OnLost: func(string) { t.Error("the endpoint has ended; nobody needs to know") },
		})
		c, _ := subscribe(t, l, eventlog.Request{Name: "game", Mode: eventlog.Acknowledging})
		subscribe(t, l, eventlog.Request{Name: "bot", Mode: eventlog.Durable})
		l.Append(received(2, 10))
		next(t, c)
		waiting := make(chan error)
		go func() {
			_, err := c.Next(context.Background(), 0)
			waiting <- err
		}()
		synctest.Wait()
		l.Close()
		require.ErrorIs(t, <-waiting, io.EOF)
		l.Append(received(1, 10))
		require.Equal(t, uint64(2), l.Stats().Last, "nothing comes behind the last event")
		c.Close()

		again, _ := subscribe(t, l, eventlog.Request{Name: "game", Mode: eventlog.Acknowledging})
		require.Equal(t, 2, next(t, again).Count)
		require.NoError(t, l.Acknowledge("", "game", 2))
		select {
		case <-l.Drained():
			t.Fatal("the bot has read nothing")
		default:
		}
		_, err := again.Next(context.Background(), 0)
		require.ErrorIs(t, err, io.EOF)
	})
}

func TestWhoStaysAwayAfterCloseIsNotWaitedForLongerThanTheGraceTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := eventlog.New(eventlog.Options{Expected: "game", Grace: time.Minute})
		l.Append(received(1, 10))
		l.Close()
		began := time.Now()
		<-l.Drained()
		require.Equal(t, time.Minute, time.Since(began))
	})
}
