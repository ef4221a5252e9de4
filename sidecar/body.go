package sidecar

// Bodies: one value, as MessagePack or as JSON text.

import (
	"errors"

	pb "github.com/pengbridge/pengbridge/api/pengbridge/v1"
	"github.com/pengbridge/pengbridge/core/packet"
	"github.com/pengbridge/pengbridge/core/wire"
	"github.com/pengbridge/pengbridge/sidecar/jsonbody"
)

// bodyBytes returns a required body as MessagePack. Core checks it.
func bodyBytes(field string, body *pb.PacketBody) ([]byte, error) {
	value, err := optionalBody(field, body)
	if err == nil && value == nil {
		return nil, invalid(field, "is missing: give msgpack or json")
	}
	return value, err
}

// optionalBody returns a body as MessagePack, or nil where it is unset.
func optionalBody(field string, body *pb.PacketBody) ([]byte, error) {
	switch v := body.GetValue().(type) {
	case *pb.PacketBody_Msgpack:
		if v.Msgpack == nil {
			return []byte{}, nil // set, but empty: core says what is wrong with it
		}
		return v.Msgpack, nil
	case *pb.PacketBody_Json:
		value, err := jsonbody.AppendMessagePack(nil, v.Json)
		if err != nil {
			return nil, invalid(field+".json", "is not what PacketBody.json describes: %v", err)
		}
		return value, nil
	}
	return nil, nil
}

// aboutBody names the field in what core says about a body.
func aboutBody(field string, err error) error {
	if errors.Is(err, packet.ErrMalformedBody) || errors.Is(err, wire.ErrTooLarge) {
		return invalid(field, "cannot be sent: %v", err)
	}
	return err
}

// apiBody returns a body in the format that the caller wants.
func apiBody(body []byte, format pb.BodyFormat) (*pb.PacketBody, error) {
	if format != pb.BodyFormat_BODY_FORMAT_JSON {
		return &pb.PacketBody{Value: &pb.PacketBody_Msgpack{Msgpack: body}}, nil
	}
	text, err := jsonbody.AppendJSON(nil, body)
	if err != nil {
		return nil, err
	}
	return &pb.PacketBody{Value: &pb.PacketBody_Json{Json: string(text)}}, nil
}
