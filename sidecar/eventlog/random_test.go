package eventlog_test

import (
	"context"
	"errors"
	"flag"
	"io"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pengbridge/pengbridge/core/event"
	"github.com/pengbridge/pengbridge/sidecar/eventlog"
)

var seed = flag.Uint64("seed", 0, "replay the random operations of this seed, and nothing else")

// TestRandomOperations does whatever can be done to a log, thousands of times, and compares it with the model.
func TestRandomOperations(t *testing.T) {
	runs, operations := 25, 400
	first := rand.Uint64()
	if *seed != 0 {
		runs, first = 1, *seed
	}
	for i := range uint64(runs) {
		synctest.Test(t, func(t *testing.T) {
			defer func() {
				if t.Failed() {
					t.Logf("replay with: go test -run TestRandomOperations -seed %d", first+i)
				}
			}()
			r := newRun(t, first+i)
			for range operations {
				r.step()
			}
			r.finish()
		})
	}
}

type run struct {
	*testing.T
	rand    *rand.Rand
	log     *eventlog.Log
	model   *model
	cursors []*modelCursor
	lost    chan string
	marks   uint64
}

func newRun(t *testing.T, seed uint64) *run {
	random := rand.New(rand.NewPCG(seed, seed))
	r := &run{T: t, rand: random, lost: make(chan string, 1000)}
	options := eventlog.Options{
		Grace:           10 * time.Second,
		BacklogBytes:    1000 << random.IntN(11),
		BacklogEvents:   10 << random.IntN(9),
		RingBytes:       100 << random.IntN(12),
		OmitPacketNames: random.IntN(2) == 0,
		OnLost:          func(name string) { r.lost <- name },
	}
	if random.IntN(2) == 0 {
		options.Expected = "a"
	}
	r.log = eventlog.New(options)
	r.model = newModel(options, time.Now())
	return r
}

// step does one operation. Each has a millisecond of its own, so that no two clocks run out at once.
func (r *run) step() {
	r.sleep(time.Millisecond)
	switch n := r.rand.IntN(100); {
	case n < 25:
		r.append()
	case n < 33:
		r.subscribe()
	case n < 65:
		r.next()
	case n < 78:
		r.acknowledge()
	case n < 86:
		r.sent()
	case n < 91:
		r.close()
	case n < 97:
		r.gate()
	case n < 99:
		r.sleep(time.Duration(r.rand.IntN(8000)) * time.Millisecond)
	case r.rand.IntN(4) == 0:
		r.log.Close()
		r.model.closed = true
	}
	r.compare()
}

func (r *run) append() {
	n := r.rand.IntN(30)
	if r.rand.IntN(20) == 0 {
		n = r.rand.IntN(3000)
	}
	events := make([]event.Event, n)
	for i := range events {
		size := r.rand.IntN(100)
		if r.rand.IntN(500) == 0 {
			size = r.rand.IntN(400 << 10)
		}
		r.marks++
		events[i] = event.Event{
			Type: event.Type(1 + r.rand.IntN(event.Types-1)), Time: time.Now(), Conn: r.marks, Body: make([]byte, size+1),
		}
	}
	r.log.Append(events)
	if !r.model.closed {
		r.model.append(events)
	}
}

func (r *run) subscribe() {
	request := eventlog.Request{
		Name: []string{"a", "b", "c"}[r.rand.IntN(3)],
		Mode: []eventlog.Mode{eventlog.Observer, eventlog.Durable, eventlog.Acknowledging, eventlog.Acknowledging}[r.rand.IntN(4)],
	}
	if r.rand.IntN(3) == 0 {
		span := int(r.model.last() + 4 - r.model.first)
		request.From = max(1, r.model.first+uint64(r.rand.IntN(span+2))-min(2, r.model.first))
	}
	for r.rand.IntN(4) == 0 {
		request.Types = append(request.Types, event.Type(1+r.rand.IntN(event.Types-1)))
	}
	want, wantErr := r.model.subscribe(request)
	r.model.settle()
	c, header, err := r.log.Subscribe(request)
	require.Equal(r, wantErr, err)
	if err != nil {
		return
	}
	want.real = c
	r.cursors = append(r.cursors, want)
	require.Equal(r, eventlog.Header{First: r.model.first, Last: r.model.last(), Next: want.next}, header)
}

func (r *run) cursor() *modelCursor {
	if len(r.cursors) == 0 {
		return nil
	}
	return r.cursors[r.rand.IntN(len(r.cursors))]
}

func (r *run) next() {
	if c := r.cursor(); c != nil {
		r.nextOf(c)
	}
}

// nextOf takes one batch, or finds that there is none, and checks it against the model.
func (r *run) nextOf(c *modelCursor) error {
	m := r.model
	batch, err := c.real.Next(context.Background(), time.Nanosecond)
	if c.err == nil && c.subscriber != nil {
		c.next = max(c.next, m.first) // what is gone was acknowledged
	}
	if c.err == nil && c.next < m.first {
		c.err = &eventlog.GoneError{Sequence: c.next, Oldest: m.first}
	}
	if c.err != nil {
		require.Equal(r, c.err, err)
		return err
	}
	if c.next <= m.last() && len(c.underWay) == 2 {
		require.NoError(r, err)
		require.Equal(r, eventlog.Batch{Last: m.last()}, batch, "no third batch while two are unacknowledged")
		return err
	}
	position := c.real.Position()
	var sequences []uint64
	if batch.Count > 0 {
		require.LessOrEqual(r, batch.Count, 1024)
		require.True(r, batch.Count == 1 || len(batch.Data) <= 256<<10)
		for _, e := range decode(r, batch) {
			sequences = append(sequences, e.GetSequence())
			want := m.events[e.GetSequence()-1]
			require.Equal(r, want.Conn, e.GetConnectionId())
			require.Len(r, e.GetMsgpack(), len(want.Body))
		}
		require.Equal(r, sequences[0], batch.First)
		require.Equal(r, sequences[len(sequences)-1], batch.Last)
	} else {
		require.Equal(r, m.last()+1, position, "a cursor rests only at the end")
		require.Equal(r, m.closed, errors.Is(err, io.EOF), "error %v", err)
		if err == nil {
			require.Equal(r, m.last(), batch.Last)
		}
	}
	require.Equal(r, m.wanted(c, position), sequences, "neither a gap nor a repetition")
	m.deliver(c, batch, position)
	m.settle()
	return err
}

func (r *run) acknowledge() {
	name := []string{"a", "b", "c", "nobody"}[r.rand.IntN(4)]
	s := r.model.subscriber(name)
	if s == nil {
		require.ErrorIs(r, r.log.Acknowledge("", name, 1), eventlog.ErrUnknownSubscriber)
		return
	}
	sequence := s.sent
	if r.rand.IntN(2) == 0 {
		sequence = s.acked + uint64(r.rand.IntN(int(s.sent-s.acked)+2))
	}
	err := r.log.Acknowledge("", name, sequence)
	if sequence > s.sent {
		require.Equal(r, &eventlog.RangeError{Sequence: sequence, Oldest: r.model.first, Limit: s.sent}, err)
		return
	}
	require.NoError(r, err)
	r.model.advance(s, sequence)
	r.model.settle()
}

func (r *run) sent() {
	c := r.cursor()
	if c == nil || c.last.Count == 0 {
		return
	}
	c.real.Sent(c.last)
	if s := c.subscriber; s != nil && s.cursor == c && s.mode == eventlog.Durable {
		r.model.advance(s, c.last.Last)
		r.model.settle()
	}
}

func (r *run) close() {
	if c := r.cursor(); c != nil {
		r.closeOf(c)
	}
}

func (r *run) closeOf(c *modelCursor) {
	c.real.Close()
	r.model.close(c, time.Now())
	r.cursors = slices.DeleteFunc(r.cursors, func(other *modelCursor) bool { return other == c })
	_, err := c.real.Next(context.Background(), 0)
	if c.err == nil {
		c.err = eventlog.ErrCursorClosed
	}
	require.Equal(r, c.err, err, "the first cause is kept")
}

func (r *run) gate() {
	if r.model.inside > 0 && r.rand.IntN(3) == 0 {
		r.log.Leave()
		r.model.inside--
		return
	}
	admitted := r.log.TryEnter()
	require.Equal(r, r.model.admits(), admitted)
	if admitted {
		r.model.inside++
	}
}

func (r *run) sleep(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
	for _, name := range r.model.expire(time.Now()) {
		require.Equal(r, name, <-r.lost)
	}
}

// compare checks everything that can be seen from outside.
func (r *run) compare() {
	got := r.log.Stats()
	held := r.model.bytes(r.model.first, r.model.last())
	require.GreaterOrEqual(r, int64(got.MemoryBytes), held)
	got.MemoryBytes, got.Paused = 0, 0
	require.Equal(r, r.model.stats(), got)
	require.Equal(r, r.model.full(), r.log.Full())
	require.Empty(r, r.lost, "only subscribers that are away are lost")
	select {
	case <-r.log.Drained():
		require.True(r, r.model.drained(), "drained too early")
	default:
		require.False(r, r.model.drained(), "not drained")
	}
}

// finish closes the log, lets every subscriber read the rest, and waits for those that are away.
func (r *run) finish() {
	r.log.Close()
	r.model.closed = true
	r.compare()
	for len(r.cursors) > 0 {
		c := r.cursors[0]
		for err := error(nil); err == nil; {
			err = r.nextOf(c)
			if s := c.subscriber; err == nil && s != nil {
				require.NoError(r, r.log.Acknowledge("", s.name, s.sent))
				r.model.advance(s, s.sent)
				r.model.settle()
			}
			r.compare()
		}
		r.sleep(time.Millisecond)
		r.closeOf(c)
	}
	r.sleep(11 * time.Second)
	r.compare()
	require.True(r, r.model.drained())
}
