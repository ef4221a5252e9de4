package sidecar

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	pb "github.com/pengbridge/pengbridge/api/pengbridge/v1"
	"github.com/pengbridge/pengbridge/core/event"
	"github.com/pengbridge/pengbridge/sidecar/eventlog"
	"github.com/pengbridge/pengbridge/sidecar/jsonbody"
)

// heartbeat is how long a stream is silent before it shows that it is alive.
const heartbeat = 5 * time.Second

// Acknowledge takes note of how far a subscriber has got.
func (s *service) Acknowledge(ctx context.Context, req *pb.AcknowledgeRequest) (*pb.AcknowledgeResponse, error) {
	h, err := s.endpoint(ctx, req.GetEndpointId())
	if err != nil {
		return nil, translate(err)
	}
	if err := h.acknowledge(req.GetAcknowledgement()); err != nil {
		return nil, translate(err)
	}
	return &pb.AcknowledgeResponse{}, nil
}

// Subscribe delivers an endpoint's events.
func (s *service) Subscribe(req *pb.SubscribeRequest, stream grpc.ServerStreamingServer[pb.SubscribeResponse]) error {
	return translated(s.subscribe(req, stream))
}

func (s *service) subscribe(req *pb.SubscribeRequest, stream grpc.ServerStreamingServer[pb.SubscribeResponse]) error {
	request, err := subscription(req)
	if err != nil {
		return err
	}
	ctx := stream.Context()
	if request.Mode != eventlog.Observer && caller(ctx).ReadOnly {
		return errReadOnly
	}
	h, err := s.endpoint(ctx, req.GetEndpointId())
	if err != nil {
		last, read := s.endpoints.read.last(caller(ctx).Owner, req.GetEndpointId(), request.Session)
		if request.Resume && read {
			return sendHeader(stream, eventlog.Header{First: last + 1, Last: last, Next: last + 1}) // nothing is left to send
		}
		return err
	}
	cursor, header, err := h.log.Subscribe(request)
	if err != nil {
		return err
	}
	defer cursor.Close()
	err = sendHeader(stream, header)
	for err == nil {
		err = deliver(ctx, cursor, stream, req.GetFormat())
	}
	if errors.Is(err, io.EOF) {
		return nil // the endpoint's last event was sent
	}
	return err
}

func sendHeader(stream grpc.ServerStreamingServer[pb.SubscribeResponse], header eventlog.Header) error {
	return stream.Send(&pb.SubscribeResponse{Header: &pb.SubscribeHeader{
		FirstSequence: header.First,
		LastSequence:  header.Last,
		NextSequence:  header.Next,
	}})
}

// subscription converts a request to subscribe.
func subscription(req *pb.SubscribeRequest) (eventlog.Request, error) {
	request := eventlog.Request{
		Name: req.GetSubscriber(), From: req.GetFromSequence(), Session: req.GetSession(), Resume: req.GetResume(),
	}
	if err := checkSubscriber("subscriber", request.Name); err != nil {
		return request, err
	}
	if err := checkSubscriber("session", request.Session); err != nil {
		return request, err
	}
	if err := checkEnum("mode", req.GetMode()); err != nil {
		return request, err
	}
	if err := checkEnum("format", req.GetFormat()); err != nil {
		return request, err
	}
	switch req.GetMode() {
	case pb.SubscriberMode_SUBSCRIBER_MODE_DURABLE:
		request.Mode = eventlog.Durable
	case pb.SubscriberMode_SUBSCRIBER_MODE_ACKNOWLEDGING:
		request.Mode = eventlog.Acknowledging
	default:
		request.Mode = eventlog.Observer
	}
	if request.Mode != eventlog.Observer && request.Name == "" {
		return request, invalid("subscriber", "is missing: a durable subscriber is known by its name")
	}
	for i, t := range req.GetTypes() {
		field := fmt.Sprintf("types[%d]", i)
		if err := checkEnum(field, t); err != nil {
			return request, err
		}
		if t == pb.EventType_EVENT_TYPE_UNSPECIFIED {
			return request, invalid(field, "names no event")
		}
		request.Types = append(request.Types, event.Type(t)) // numbered alike
	}
	return request, nil
}

// deliver sends the next batch, or a heartbeat when there is none. io.EOF is the end of the log.
func deliver(ctx context.Context, cursor *eventlog.Cursor, stream grpc.ServerStream, format pb.BodyFormat) error {
	batch, err := cursor.Next(ctx, heartbeat)
	if err != nil && errors.Is(err, ctx.Err()) {
		batch, err = cursor.Next(ctx, heartbeat) // what was there when ctx ended goes out, including the end of the log
	}
	switch {
	case err != nil && errors.Is(err, ctx.Err()):
		return context.Cause(ctx) // the client left, or the sidecar drains
	case err != nil:
		return err
	case batch.Count == 0:
		return stream.SendMsg(&pb.SubscribeResponse{Heartbeat: &pb.SubscribeHeartbeat{LastSequence: batch.Last}})
	case format == pb.BodyFormat_BODY_FORMAT_JSON:
		err = sendJSON(stream, batch)
		batch.Release()
	default:
		err = stream.SendMsg(encodedBatch{batch})
	}
	if err == nil {
		cursor.Sent(batch)
	}
	return err
}

// sendJSON sends a batch with its bodies as JSON. It decodes what the log has encoded: a slow path, for people.
func sendJSON(stream grpc.ServerStream, batch eventlog.Batch) error {
	var response pb.SubscribeResponse
	if err := proto.Unmarshal(batch.Message(), &response); err != nil {
		return fmt.Errorf("a batch of the log: %w", err)
	}
	for _, e := range response.GetEvents() {
		body, ok := e.GetBody().(*pb.Event_Msgpack)
		if !ok {
			continue
		}
		text, err := jsonbody.AppendJSON(nil, body.Msgpack)
		if err != nil {
			return fmt.Errorf("the body of event %d: %w", e.GetSequence(), err)
		}
		e.Body = &pb.Event_Json{Json: string(text)}
	}
	return stream.SendMsg(&response)
}
