package sidecar

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	pb "github.com/pengbridge/pengbridge/api/pengbridge/v1"
	"github.com/pengbridge/pengbridge/core/event"
	"github.com/pengbridge/pengbridge/sidecar/eventlog"
)

// benchBatch is a batch of received packets, as a log has it.
func benchBatch(b *testing.B) eventlog.Batch {
	b.Helper()
	log := eventlog.New(eventlog.Options{})
	events := make([]event.Event, 256)
	for i := range events {
		events[i] = event.Event{Type: event.ServerRecv, Conn: 1, PacketID: 64, Packet: "echo", Body: []byte("\x82\xa1x\x01\xa1y\xa5hello")}
	}
	log.Append(events)
	cursor, _, err := log.Subscribe(eventlog.Request{})
	require.NoError(b, err)
	b.Cleanup(cursor.Close)
	batch, err := cursor.Next(b.Context(), 0)
	require.NoError(b, err)
	require.Greater(b, batch.Count, 100)
	return batch
}

// BenchmarkMarshalBatch is what the codec costs for each batch: the same whatever it holds.
func BenchmarkMarshalBatch(b *testing.B) {
	c, batch := newCodec(), benchBatch(b)
	b.ReportAllocs()
	for b.Loop() {
		buffers, err := c.Marshal(encodedBatch{batch})
		if err != nil || buffers.Len() != len(batch.Data) {
			b.Fatal(err, buffers.Len())
		}
	}
}

func BenchmarkSendJSON(b *testing.B) {
	batch := benchBatch(b)
	b.ReportAllocs()
	for b.Loop() {
		if err := sendJSON(&batches{}, batch); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(batch.Count*b.N)/b.Elapsed().Seconds(), "events/s")
}

// BenchmarkCommands sends packets to a peer in batches, pipelined, through gRPC on an in-memory connection, the kernel, and
// the peer's own stack.
func BenchmarkCommands(b *testing.B) {
	for _, size := range []int{1, 64, 1024} {
		b.Run(fmt.Sprintf("batch=%d", size), func(b *testing.B) {
			s := serve(b, &pb.EndpointOptions{Events: stuffable().GetEvents()})
			stream := openCommands(b, s.client, s.id, "bench")
			commands := make([]*pb.Command, size)
			for i := range commands {
				commands[i] = &pb.Command{Action: &pb.Command_Send{Send: echo(1, msgpackBody("\x82\xa1x\x01\xa1y\xa5hello"))}}
			}
			received := make(chan struct{})
			go func() {
				for range size * b.N {
					<-s.peer.events
				}
				close(received)
			}()
			b.ReportAllocs()
			b.ResetTimer()
			next, answered := uint64(1), uint64(0)
			for range b.N {
				if err := stream.Send(&pb.CommandsRequest{FirstNumber: next, Commands: commands}); err != nil {
					b.Fatal(err)
				}
				next += uint64(size)
				for next-answered > 16384 { // not endlessly many under way
					response, err := stream.Recv()
					if err != nil {
						b.Fatal(err)
					}
					answered = response.GetAppliedNumber()
				}
			}
			<-received
			b.ReportMetric(float64(size*b.N)/b.Elapsed().Seconds(), "commands/s")
		})
	}
}

// BenchmarkSubscribe delivers events to a subscriber on an in-memory connection, which decodes and acknowledges them.
func BenchmarkSubscribe(b *testing.B) {
	s := start(b, Options{})
	client := s.client(b, gameToken)
	bound := bind(b, client, nil)
	h, err := s.service.endpoints.get("game", bound.GetEndpointId())
	require.NoError(b, err)
	log := subscribe(b, client, &pb.SubscribeRequest{EndpointId: h.id, Subscriber: "bench", Mode: acknowledging})
	stream := openCommands(b, client, h.id, "")
	events := make([]event.Event, 64)
	for i := range events {
		events[i] = event.Event{Type: event.ServerRecv, Conn: 1, PacketID: 64, Packet: "echo", Body: []byte("\x82\xa1x\x01\xa1y\xa5hello")}
	}
	go func() {
		for range b.N {
			if !h.log.Enter(b.Context().Done()) {
				return
			}
			h.log.Append(events)
			h.log.Leave()
		}
	}()
	go func() { // answers to the acknowledgements
		for {
			if _, err := stream.Recv(); err != nil {
				return
			}
		}
	}()
	b.ReportAllocs()
	b.ResetTimer()
	last, batches := uint64(len(events)*b.N+3), uint64(0)
	for sequence := uint64(0); sequence < last; batches++ {
		response, err := log.stream.Recv()
		if err != nil {
			b.Fatal(err)
		}
		got := response.GetEvents()
		sequence = got[len(got)-1].GetSequence()
		err = stream.Send(&pb.CommandsRequest{FirstNumber: batches + 1, Commands: []*pb.Command{
			{Action: &pb.Command_Acknowledge{Acknowledge: &pb.Acknowledgement{Subscriber: "bench", Sequence: sequence}}},
		}})
		if err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(last)/b.Elapsed().Seconds(), "events/s")
	b.ReportMetric(float64(last)/float64(batches), "events/batch")
}
