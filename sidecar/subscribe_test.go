package sidecar

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "github.com/pengbridge/pengbridge/api/pengbridge/v1"
	"github.com/pengbridge/pengbridge/core/event"
	"github.com/pengbridge/pengbridge/core/packet"
	"github.com/pengbridge/pengbridge/sidecar/eventlog"
)

const (
	observer      = pb.SubscriberMode_SUBSCRIBER_MODE_OBSERVER
	durable       = pb.SubscriberMode_SUBSCRIBER_MODE_DURABLE
	acknowledging = pb.SubscriberMode_SUBSCRIBER_MODE_ACKNOWLEDGING
)

func acknowledge(tb testing.TB, client pb.SidecarServiceClient, id, name string, sequence uint64) {
	tb.Helper()
	_, err := client.Acknowledge(testContext(tb), &pb.AcknowledgeRequest{
		EndpointId: id, Acknowledgement: &pb.Acknowledgement{Subscriber: name, Sequence: sequence},
	})
	require.NoError(tb, err)
}

// interrupts makes events happen.
func interrupts(tb testing.TB, client pb.SidecarServiceClient, id string, n int) {
	tb.Helper()
	for range n {
		_, err := client.Interrupt(testContext(tb), &pb.InterruptRequest{EndpointId: id})
		require.NoError(tb, err)
	}
}

func TestSubscribeStartsAtTheBeginning(t *testing.T) {
	s := start(t, Options{})
	client := s.client(t, gameToken)
	bound := bind(t, client, nil)
	for _, mode := range []pb.SubscriberMode{pb.SubscriberMode_SUBSCRIBER_MODE_UNSPECIFIED, observer, durable, acknowledging} {
		t.Run(mode.String(), func(t *testing.T) {
			log := subscribe(t, client, &pb.SubscribeRequest{EndpointId: bound.GetEndpointId(), Subscriber: mode.String(), Mode: mode})
			require.Equal(t, uint64(1), log.header.GetFirstSequence())
			require.Equal(t, uint64(3), log.header.GetLastSequence())
			require.Equal(t, uint64(1), log.header.GetNextSequence())
			for n := uint64(1); n <= 3; n++ {
				e, err := log.next()
				require.NoError(t, err)
				require.Equal(t, n, e.GetSequence())
			}
		})
	}
}

func TestSubscribeResumes(t *testing.T) {
	s := start(t, Options{})
	client := s.client(t, gameToken)
	id := bind(t, client, nil).GetEndpointId()
	interrupts(t, client, id, 7) // 10 events by now
	request := &pb.SubscribeRequest{EndpointId: id, Subscriber: "game", Mode: acknowledging}
	first := subscribe(t, client, request)
	for range 10 {
		_, err := first.next()
		require.NoError(t, err)
	}
	acknowledge(t, client, id, "game", 4)
	acknowledge(t, client, id, "game", 2) // going back is passed over
	first.cancel()

	second := subscribe(t, client, request)
	require.Equal(t, uint64(5), second.header.GetNextSequence(), "behind the last acknowledged one")
	e, err := second.next()
	require.NoError(t, err)
	require.Equal(t, uint64(5), e.GetSequence())
	second.cancel()

	request.FromSequence = 8
	third := subscribe(t, client, request)
	require.Equal(t, uint64(8), third.header.GetNextSequence())

	for _, from := range []uint64{7, 12} {
		request.FromSequence = from
		err := subscribeError(t, client, request)
		reason := map[uint64]string{7: "SEQUENCE_GONE", 12: "SEQUENCE_NOT_REACHED"}[from]
		message := requireFailure(t, err, codes.OutOfRange, reason)
		require.Contains(t, message, "8", "it names the oldest one held")
		require.Equal(t, "8", infoOf(status.Convert(err)).GetMetadata()["oldest"])
	}
	_, err = client.Acknowledge(testContext(t), &pb.AcknowledgeRequest{
		EndpointId: id, Acknowledgement: &pb.Acknowledgement{Subscriber: "game", Sequence: 11},
	})
	requireFailure(t, err, codes.OutOfRange, "SEQUENCE_NOT_REACHED")
}

func TestSubscribeTakesOver(t *testing.T) {
	s := start(t, Options{})
	client := s.client(t, gameToken)
	id := bind(t, client, nil).GetEndpointId()
	request := &pb.SubscribeRequest{EndpointId: id, Subscriber: "game", Mode: durable}
	older, newer := subscribe(t, client, request), subscribe(t, client, request)
	var err error
	for err == nil {
		_, err = older.next()
	}
	requireFailure(t, err, codes.Aborted, "SUBSCRIBER_TAKEN_OVER")
	interrupts(t, client, id, 1)
	newer.await(t, pb.EventType_EVENT_TYPE_SERVER_INTERRUPT)

	request.Mode = acknowledging
	requireFailure(t, subscribeError(t, client, request), codes.FailedPrecondition, "SUBSCRIBER_IN_OTHER_MODE")
}

// TestSubscribeResumesBehindTheEnd: a stream breaks when its subscriber has acknowledged the endpoint's last event, so that the
// endpoint is forgotten before the stream could end.
func TestSubscribeResumesBehindTheEnd(t *testing.T) {
	s := start(t, Options{})
	client := s.client(t, gameToken)
	request := &pb.SubscribeRequest{
		EndpointId: bind(t, client, nil).GetEndpointId(), Subscriber: "game", Mode: acknowledging, Session: "one",
	}
	log := subscribe(t, client, request)
	_, err := client.Stop(testContext(t), &pb.StopRequest{EndpointId: request.GetEndpointId()})
	require.NoError(t, err)
	var e *pb.Event
	for e.GetType() != pb.EventType_EVENT_TYPE_SERVER_INTERRUPT { // the last one
		e, err = log.next()
		require.NoError(t, err)
		acknowledge(t, client, request.GetEndpointId(), "game", e.GetSequence()) // no more than two batches come without
	}
	last := e.GetSequence()
	log.cancel()
	require.Eventually(t, func() bool {
		listed, err := client.ListEndpoints(testContext(t), &pb.ListEndpointsRequest{})
		return err == nil && len(listed.GetEndpoints()) == 0
	}, patience, tick)

	request.Resume = true
	log = subscribe(t, client, request)
	require.Equal(t, last+1, log.header.GetNextSequence())
	_, err = log.next()
	require.ErrorIs(t, err, io.EOF)
	requireFailure(t, subscribeError(t, s.client(t, otherToken), request), codes.NotFound, "UNKNOWN_ENDPOINT")
	request.Resume = false
	requireFailure(t, subscribeError(t, client, request), codes.NotFound, "UNKNOWN_ENDPOINT")
	request.Session, request.Resume = "two", true
	requireFailure(t, subscribeError(t, client, request), codes.NotFound, "UNKNOWN_ENDPOINT")
}

func TestSubscribeRequestsThatMakeNoSense(t *testing.T) {
	s := start(t, Options{})
	client := s.client(t, gameToken)
	id := bind(t, client, nil).GetEndpointId()
	for field, request := range map[string]*pb.SubscribeRequest{
		"subscriber": {Mode: durable},
		"mode":       {Mode: 9},
		"format":     {Format: 9},
		"types[1]":   {Types: []pb.EventType{pb.EventType_EVENT_TYPE_SERVER_BIND, 0}},
		"types[0]":   {Types: []pb.EventType{21}},
		"session":    {Session: strings.Repeat("x", 257)},
	} {
		t.Run(field, func(t *testing.T) {
			request.EndpointId = id
			requireInvalid(t, subscribeError(t, client, request), field)
		})
	}
	requireInvalid(t, subscribeError(t, client, &pb.SubscribeRequest{Subscriber: strings.Repeat("x", 257)}), "subscriber")
}

func TestSubscribeAsJSON(t *testing.T) {
	s := serve(t, nil)
	log := subscribe(t, s.client, &pb.SubscribeRequest{EndpointId: s.id, Format: pb.BodyFormat_BODY_FORMAT_JSON})
	require.NoError(t, s.peer.Send(0, packet.Name("echo"), []byte("\x81\xa4$bin\xc4\x01\x00")))
	for {
		e := log.await(t, pb.EventType_EVENT_TYPE_SERVER_CONNECTION_RECV)
		if e.GetPacketId() == 64 {
			require.Equal(t, `{"$$bin":{"$bin":"AA=="}}`, e.GetJson())
			break
		}
		require.True(t, strings.HasPrefix(e.GetJson(), `{"`), "internal packets are JSON, too: %s", e.GetJson())
	}
}

// TestLargeBodies: a body that is larger than a batch may be comes as it was sent, in either format.
func TestLargeBodies(t *testing.T) {
	s := serve(t, nil)
	logs := map[pb.BodyFormat]*reader{}
	for _, format := range []pb.BodyFormat{pb.BodyFormat_BODY_FORMAT_MSGPACK, pb.BodyFormat_BODY_FORMAT_JSON} {
		logs[format] = subscribe(t, s.client, &pb.SubscribeRequest{EndpointId: s.id, Format: format})
	}
	for _, size := range []int{200 << 10, 300 << 10, 3 << 20} {
		text := make([]byte, size)
		for i := range text {
			text[i] = 'a' + byte(i*i>>8%26)
		}
		body := append(binary.BigEndian.AppendUint32([]byte{0xdb}, uint32(size)), text...) // str 32
		require.NoError(t, s.peer.Send(0, packet.Name("echo"), body))
		for format, log := range logs {
			var e *pb.Event
			for e.GetPacketId() != 64 {
				e = log.await(t, pb.EventType_EVENT_TYPE_SERVER_CONNECTION_RECV)
			}
			if format == pb.BodyFormat_BODY_FORMAT_JSON {
				require.True(t, e.GetJson() == `"`+string(text)+`"`, "%d bytes as JSON", size)
			} else {
				require.True(t, bytes.Equal(body, e.GetMsgpack()), "%d bytes", size)
			}
		}
	}
}

func TestSubscribeToSomeTypes(t *testing.T) {
	s := start(t, Options{})
	client := s.client(t, gameToken)
	id := bind(t, client, nil).GetEndpointId()
	only := []pb.EventType{pb.EventType_EVENT_TYPE_SERVER_INTERRUPT, pb.EventType_EVENT_TYPE_SERVER_STOP}
	log := subscribe(t, client, &pb.SubscribeRequest{EndpointId: id, Subscriber: "game", Mode: durable, Types: only})
	interrupts(t, client, id, 2)
	_, err := client.Stop(testContext(t), &pb.StopRequest{EndpointId: id})
	require.NoError(t, err)
	var sequences []uint64
	for _, e := range rest(t, log) {
		require.Contains(t, only, e.GetType())
		sequences = append(sequences, e.GetSequence())
	}
	require.Equal(t, []uint64{4, 5, 6, 7}, sequences)
}

func TestALostSubscriber(t *testing.T) {
	for action, check := range map[pb.SubscriberLostAction]func(t *testing.T, client pb.SidecarServiceClient, events *reader, p *peer){
		pb.SubscriberLostAction_SUBSCRIBER_LOST_ACTION_UNSPECIFIED: func(t *testing.T, _ pb.SidecarServiceClient, events *reader, p *peer) {
			events.await(t, pb.EventType_EVENT_TYPE_SERVER_STOP)
			shutdown := events.await(t, pb.EventType_EVENT_TYPE_SERVER_SHUTDOWN)
			require.Equal(t, "subscriberlost", shutdown.GetReason())
			_, err := events.next()
			require.True(t, errors.Is(err, io.EOF), "%v", err)
			reason := p.await(t, event.ClientClose).Reason
			require.NotNil(t, reason)
			require.Equal(t, "subscriberlost", *reason, "the peer is told")
		},
		pb.SubscriberLostAction_SUBSCRIBER_LOST_ACTION_RING: func(t *testing.T, client pb.SidecarServiceClient, _ *reader, _ *peer) {
			require.Eventually(t, func() bool {
				subscribers := onlyEndpoint(t, client).GetSubscribers()
				return len(subscribers) == 1 && subscribers[0].GetMode() == observer
			}, patience, tick)
			require.Equal(t, pb.EndpointPhase_ENDPOINT_PHASE_RUNNING, onlyEndpoint(t, client).GetPhase())
		},
	} {
		t.Run(action.String(), func(t *testing.T) {
			s := start(t, Options{})
			client := s.client(t, gameToken)
			bound := bind(t, client, &pb.EndpointOptions{Events: &pb.EventOptions{
				ExpectedSubscriber: "game", SubscriberGrace: seconds(0.2), LostAction: action,
			}})
			events := subscribe(t, client, &pb.SubscribeRequest{EndpointId: bound.GetEndpointId()})
			check(t, client, events, join(t, bound))
		})
	}
}

// batches is a stream that keeps what is sent on it.
type batches struct {
	grpc.ServerStream
	sent []any
}

func (b *batches) SendMsg(m any) error {
	b.sent = append(b.sent, m)
	return nil
}

func TestHeartbeats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := eventlog.New(eventlog.Options{})
		cursor, _, err := log.Subscribe(eventlog.Request{})
		require.NoError(t, err)
		defer cursor.Close()
		begun, stream := time.Now(), &batches{}
		for range 2 {
			require.NoError(t, deliver(t.Context(), cursor, stream, 0))
		}
		require.Equal(t, 10*time.Second, time.Since(begun))
		log.Append([]event.Event{{Type: event.ServerInitialize}})
		require.NoError(t, deliver(t.Context(), cursor, stream, 0))
		require.Equal(t, 10*time.Second, time.Since(begun), "an event goes at once")
		require.NoError(t, deliver(t.Context(), cursor, stream, 0))
		require.Equal(t, 15*time.Second, time.Since(begun))
		require.Len(t, stream.sent, 4)
		require.Zero(t, stream.sent[0].(*pb.SubscribeResponse).GetHeartbeat().GetLastSequence())
		require.IsType(t, encodedBatch{}, stream.sent[2])
		require.Equal(t, uint64(1), stream.sent[3].(*pb.SubscribeResponse).GetHeartbeat().GetLastSequence())
	})
}

// TestTheLastEventsGoOutWithTheContext ends a stream's context just when the log's last event comes: as a drain does it.
func TestTheLastEventsGoOutWithTheContext(t *testing.T) {
	for range 50 { // which of the two the stream notices first is left to chance
		synctest.Test(t, func(t *testing.T) {
			log := eventlog.New(eventlog.Options{})
			cursor, _, err := log.Subscribe(eventlog.Request{})
			require.NoError(t, err)
			defer cursor.Close()
			ctx, end := context.WithCancelCause(t.Context())
			stream, delivered := &batches{}, make(chan error)
			go func() {
				var err error
				for err == nil {
					err = deliver(ctx, cursor, stream, 0)
				}
				delivered <- err
			}()
			synctest.Wait()
			log.Append([]event.Event{{Type: event.ServerShutdown}})
			log.Close()
			end(errDraining)
			require.ErrorIs(t, <-delivered, io.EOF)
			require.Len(t, stream.sent, 1)
		})
	}
}
