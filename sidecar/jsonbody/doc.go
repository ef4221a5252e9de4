// Package jsonbody turns the MessagePack bodies of packets into JSON text and back: for people, and for small tools such as
// grpcurl. Programs take MessagePack, which costs nothing.
//
// Nothing is lost on the way to JSON and back, but for the sizes in which numbers were encoded. The conventions, such as
// {"$bin": "<base64>"} for bytes, are those of PacketBody.json in api/pengbridge/v1/packet.proto. All functions may be called
// concurrently.
package jsonbody
