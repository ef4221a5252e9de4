package main

import (
	"encoding/json"
	"hash/crc32"
	"maps"
	"sync"

	"github.com/tinylib/msgp/msgp"

	"github.com/pengbridge/pengbridge/core/event"
)

// The packets of the tavern; packets.py says what is in them.
const (
	enter    = "game:enter"
	goTo     = "game:go"
	say      = "game:say"
	seen     = "game:seen"
	heard    = "game:heard"
	tick     = "game:tick"
	worldMap = "game:map"
)

// guest reports what the server sends. It is the client's event.Sink.
type guest struct {
	mu    sync.Mutex
	out   *json.Encoder
	ticks []any // their numbers
}

// Append takes the client's events.
func (g *guest) Append(events []event.Event) {
	for _, ev := range events {
		switch ev.Type {
		case event.ClientRecv:
			g.receive(ev.Packet, ev.Body)
		case event.ClientClose:
			g.report(map[string]any{"event": "closed", "reason": ev.Reason, "ticks": g.ticks})
		}
	}
}

// receive handles one packet.
func (g *guest) receive(name string, body []byte) {
	switch name {
	case seen:
		g.reportWith("seen", decode(body))
	case heard:
		g.reportWith("heard", decode(body))
	case tick:
		g.ticks = append(g.ticks, decode(body)["number"])
	case worldMap:
		tiles, _ := decode(body)["tiles"].([]byte)
		g.report(map[string]any{"event": "map", "bytes": len(tiles), "checksum": crc32.ChecksumIEEE(tiles)})
	}
}

func (g *guest) reportWith(name string, fields map[string]any) {
	line := map[string]any{"event": name}
	maps.Copy(line, fields)
	g.report(line)
}

// report writes a line to the demo. It comes from run and from the connection's goroutine.
func (g *guest) report(line map[string]any) {
	g.mu.Lock()
	defer g.mu.Unlock()
	_ = g.out.Encode(line) // a demo that does not listen any more has ended, and stdin has, too
}

// encode makes a body of one key and its text.
func encode(key, text string) []byte {
	return msgp.AppendString(msgp.AppendString(msgp.AppendMapHeader(nil, 1), key), text)
}

// decode reads a body that is a map; nil if it is none. The endpoint has checked that it is MessagePack.
func decode(body []byte) map[string]any {
	fields, _, err := msgp.ReadMapStrIntfBytes(body, nil)
	if err != nil {
		return nil
	}
	return fields
}
