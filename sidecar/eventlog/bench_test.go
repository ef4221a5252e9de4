package eventlog_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	pengbridgev1 "github.com/pengbridge/pengbridge/api/pengbridge/v1"
	"github.com/pengbridge/pengbridge/core/event"
	"github.com/pengbridge/pengbridge/sidecar/eventlog"
)

// received returns n events as a socket read of small packets makes them.
func received(n, body int) []event.Event {
	events := make([]event.Event, n)
	for i := range events {
		events[i] = event.Event{
			Type: event.ServerRecv, Time: time.Unix(1790000000, int64(i)), Conn: uint64(1 + i%100),
			PacketID: 66, Packet: "chat:message", Body: make([]byte, body),
		}
	}
	return events
}

// perEvent reports what one event cost, and stops the clock.
func perEvent(b *testing.B, batch int) {
	b.StopTimer()
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(batch), "ns/event")
}

func BenchmarkAppend(b *testing.B) {
	for _, n := range []int{1, 16, 256} {
		b.Run(fmt.Sprintf("batch=%d", n), func(b *testing.B) {
			l := eventlog.New(eventlog.Options{})
			events := received(n, 64)
			b.ReportAllocs()
			for b.Loop() {
				l.Append(events)
			}
			perEvent(b, n)
		})
	}
}

// BenchmarkAppendParallel is Append from as many connections as there are processors.
func BenchmarkAppendParallel(b *testing.B) {
	for _, n := range []int{1, 16, 256} {
		b.Run(fmt.Sprintf("batch=%d", n), func(b *testing.B) {
			l := eventlog.New(eventlog.Options{})
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				events := received(n, 64)
				for pb.Next() {
					l.Append(events)
				}
			})
			perEvent(b, n)
		})
	}
}

// BenchmarkProtobuf encodes the same events with the protobuf library, and puts them nowhere.
func BenchmarkProtobuf(b *testing.B) {
	for _, n := range []int{16, 256} {
		b.Run(fmt.Sprintf("batch=%d", n), func(b *testing.B) {
			events := received(n, 64)
			var buf []byte
			b.ReportAllocs()
			for b.Loop() {
				response := pengbridgev1.SubscribeResponse{Events: make([]*pengbridgev1.Event, n)}
				for i := range events {
					response.Events[i] = toProto(uint64(i), events[i])
				}
				var err error
				if buf, err = (proto.MarshalOptions{}).MarshalAppend(buf[:0], &response); err != nil {
					b.Fatal(err)
				}
			}
			perEvent(b, n)
		})
	}
}

// BenchmarkFiltered reads a log from which one event in ten is wanted.
func BenchmarkFiltered(b *testing.B) {
	l := eventlog.New(eventlog.Options{RingBytes: 64 << 20})
	events := received(10_000, 64)
	for i := range events {
		if i%10 == 0 {
			events[i].Type = event.ServerSend
		}
	}
	l.Append(events)
	l.Close()
	b.ReportAllocs()
	for b.Loop() {
		c, _, err := l.Subscribe(eventlog.Request{Types: []event.Type{event.ServerSend}})
		if err != nil {
			b.Fatal(err)
		}
		for {
			if _, err := c.Next(context.Background(), 0); err != nil {
				break
			}
		}
		c.Close()
	}
	perEvent(b, len(events))
}

func BenchmarkAppendLarge(b *testing.B) {
	for _, size := range []int{4 << 10, 64 << 10, 1 << 20} {
		b.Run(fmt.Sprintf("body=%d", size), func(b *testing.B) {
			l := eventlog.New(eventlog.Options{})
			events := received(1, size)
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				l.Append(events)
			}
		})
	}
}

// BenchmarkCursors is the whole way: events are appended through the gate, and every subscriber reads and acknowledges
// all of them.
func BenchmarkCursors(b *testing.B) {
	for _, cursors := range []int{1, 10} {
		for _, n := range []int{1, 16, 256} {
			b.Run(fmt.Sprintf("cursors=%d/batch=%d", cursors, n), func(b *testing.B) {
				l := eventlog.New(eventlog.Options{})
				var readers sync.WaitGroup
				for i := range cursors {
					name := fmt.Sprint(i)
					c, _, err := l.Subscribe(eventlog.Request{Name: name, Mode: eventlog.Acknowledging})
					if err != nil {
						b.Fatal(err)
					}
					readers.Go(func() {
						defer c.Close()
						for {
							batch, err := c.Next(context.Background(), time.Second)
							if errors.Is(err, io.EOF) {
								return
							}
							if err == nil && batch.Count > 0 {
								err = l.Acknowledge("", name, batch.Last)
							}
							if err != nil {
								b.Error(err)
								return
							}
						}
					})
				}
				events := received(n, 64)
				never := make(chan struct{})
				b.ReportAllocs()
				for b.Loop() {
					l.Enter(never)
					l.Append(events)
					l.Leave()
				}
				l.Close()
				readers.Wait()
				perEvent(b, n)
			})
		}
	}
}
