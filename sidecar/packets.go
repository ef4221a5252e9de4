package sidecar

// Packet types, connection types and rules, from protobuf to core and back.

import (
	"fmt"

	"google.golang.org/protobuf/reflect/protoreflect"

	pb "github.com/pengbridge/pengbridge/api/pengbridge/v1"
	"github.com/pengbridge/pengbridge/core/event"
	"github.com/pengbridge/pengbridge/core/packet"
	"github.com/pengbridge/pengbridge/core/session"
)

// packetTypes converts the field "packets". Core checks names and ids.
func packetTypes(packets []*pb.Packet) ([]packet.Type, error) {
	types := make([]packet.Type, len(packets))
	for i, p := range packets {
		rule, err := packetRule(p.GetRule())
		if err != nil {
			return nil, within(fmt.Sprintf("packets[%d].rule", i), err)
		}
		types[i] = packet.Type{Name: p.GetName(), ID: p.GetId(), Rule: rule}
	}
	return types, nil
}

func packetRule(r *pb.PacketRule) (*packet.Rule, error) {
	if r == nil {
		return nil, nil
	}
	if err := checkEnums(
		enumField{"side", r.GetSide()}, enumField{"min_tls_level", r.GetMinTlsLevel()}, enumField{"action", r.GetAction()},
	); err != nil {
		return nil, err
	}
	rule := packet.DefaultRule()
	if r.State != nil {
		rule.State = r.GetState()
	}
	rule.Side = coreSide(r.GetSide())
	rule.Mode = r.Mode
	rule.Conntype = r.GetConntype()
	rule.MinTLS = packet.TLSLevel(r.GetMinTlsLevel()) // numbered alike
	if r.GetAction() == pb.RuleAction_RULE_ACTION_CLOSE {
		rule.Action = packet.Close
	}
	return rule, nil
}

// conntypes converts the field "conntypes". Core checks names.
func conntypes(declared []*pb.Conntype) ([]session.Conntype, error) {
	types := make([]session.Conntype, len(declared))
	for i, c := range declared {
		if err := checkEnum(fmt.Sprintf("conntypes[%d].handshake", i), c.GetHandshake()); err != nil {
			return nil, err
		}
		types[i] = session.Conntype{Name: c.GetName(), Handshake: session.HandshakeClassic}
		if c.GetHandshake() == pb.ConntypeHandshake_CONNTYPE_HANDSHAKE_NONE {
			types[i].Handshake = session.HandshakeNone
		}
	}
	return types, nil
}

// messagePacket returns the packet type that a message names. An empty name and internal ids are refused here: core would take
// the former for an id, and the latter are not the application's to send.
func messagePacket(m *pb.Message) (packet.Ref, error) {
	switch p := m.GetPacket().(type) {
	case *pb.Message_Name:
		return packetName(p.Name)
	case *pb.Message_Id:
		return packetID(p.Id)
	}
	return packet.Ref{}, errNoPacket()
}

// broadcastPacket is messagePacket for a broadcast.
func broadcastPacket(m *pb.BroadcastMessage) (packet.Ref, error) {
	switch p := m.GetPacket().(type) {
	case *pb.BroadcastMessage_Name:
		return packetName(p.Name)
	case *pb.BroadcastMessage_Id:
		return packetID(p.Id)
	}
	return packet.Ref{}, errNoPacket()
}

func packetName(name string) (packet.Ref, error) {
	if err := packet.CheckName("name", name); err != nil {
		return packet.Ref{}, err
	}
	return packet.Name(name), nil
}

func packetID(id uint32) (packet.Ref, error) {
	if id < packet.FirstFreeID {
		return packet.Ref{}, invalid("id", "%d is reserved for internal packets: give %d or more", id, packet.FirstFreeID)
	}
	return packet.ID(id), nil
}

func errNoPacket() error {
	return invalid("packet", "is missing: give the packet's name or its id")
}

func registeredTypes(types []packet.Type) []*pb.RegisteredPacket {
	out := make([]*pb.RegisteredPacket, len(types))
	for i, t := range types {
		out[i] = &pb.RegisteredPacket{Name: t.Name, Id: t.ID}
	}
	return out
}

func registry(rows []event.Registered) []*pb.RegisteredPacket {
	out := make([]*pb.RegisteredPacket, len(rows))
	for i, r := range rows {
		out[i] = &pb.RegisteredPacket{Name: r.Name, Id: r.ID}
	}
	return out
}

func address(a event.Addr) *pb.Address {
	return &pb.Address{Host: a.Host, Port: uint32(a.Port)}
}

// coreSide and apiSide do not rely on numbers: the two enums belong to different contracts.
func coreSide(s pb.Side) packet.Side {
	switch s {
	case pb.Side_SIDE_CLIENT:
		return packet.ClientSide
	case pb.Side_SIDE_SERVER:
		return packet.ServerSide
	default:
		return packet.AnySide
	}
}

func apiSide(s packet.Side) pb.Side {
	switch s {
	case packet.ClientSide:
		return pb.Side_SIDE_CLIENT
	case packet.ServerSide:
		return pb.Side_SIDE_SERVER
	default:
		return pb.Side_SIDE_UNSPECIFIED
	}
}

// enumField is a field of a request whose value is one of an enum's.
type enumField struct {
	name  string
	value protoreflect.Enum
}

// checkEnums is checkEnum for several fields; the first problem counts.
func checkEnums(fields ...enumField) error {
	for _, f := range fields {
		if err := checkEnum(f.name, f.value); err != nil {
			return err
		}
	}
	return nil
}

// checkEnum refuses a number that the API does not know, which a newer client may send.
func checkEnum(field string, value protoreflect.Enum) error {
	if value.Descriptor().Values().ByNumber(value.Number()) == nil {
		return invalid(field, "%d is not a known value", value.Number())
	}
	return nil
}
