//go:build unix

package faults

import (
	"errors"
	"fmt"

	pb "github.com/pengbridge/pengbridge/api/pengbridge/v1"
	"github.com/pengbridge/pengbridge/core/packet"
)

// connection is what the log says of one connection, and what the application sent to it.
type connection struct {
	id       uint64
	stage    stage
	known    bool   // whether a packet has told which peer's life it belongs to
	life     uint32 // that life, if known
	received uint32 // numbered packets that came in
	former   uint32 // how many of them an application has handled that is no more
	sent     []uint32
	controls int // packets that were sent past the application
	reason   *string
	commands []*command
}

// stage is how far a connection got.
type stage uint8

const (
	unheard stage = iota
	accepted
	typed     // the peer has said what it wants
	confirmed // the peer has accepted the handshake
	active
	closed
)

var errOrder = errors.New("out of order")

// follow takes the connection's next event.
func (c *connection) follow(e *pb.Event) error {
	switch e.GetType() {
	case pb.EventType_EVENT_TYPE_SERVER_CONNECTION_ACCEPT:
		return c.advance(unheard, accepted)
	case pb.EventType_EVENT_TYPE_SERVER_CONNECTION_HANDSHAKECOMPLETE:
		return c.advance(confirmed, active)
	case pb.EventType_EVENT_TYPE_SERVER_CONNECTION_RECV:
		return c.followReceived(e)
	case pb.EventType_EVENT_TYPE_SERVER_CONNECTION_SEND:
		return c.followSent(e)
	case pb.EventType_EVENT_TYPE_SERVER_CONNECTION_CLOSE:
		if c.stage == unheard || c.stage == closed {
			return errOrder
		}
		c.stage, c.reason = closed, e.Reason
		return nil
	}
	return fmt.Errorf("%w: no event of a server's connection", errOrder)
}

func (c *connection) advance(from, to stage) error {
	if c.stage != from {
		return fmt.Errorf("%w: stage %d", errOrder, c.stage)
	}
	c.stage = to
	return nil
}

func (c *connection) followReceived(e *pb.Event) error {
	switch e.GetPacketId() {
	case packet.IDSettype:
		return c.advance(accepted, typed)
	case packet.IDAccept:
		return c.advance(typed, confirmed)
	case packet.IDClose:
		return c.mustBe(active)
	case countID:
		if e.GetRefused() {
			return errors.New("refused")
		}
		return errors.Join(c.mustBe(active), c.count(e))
	}
	return fmt.Errorf("packet %d came in", e.GetPacketId())
}

// count takes a numbered packet.
func (c *connection) count(e *pb.Event) error {
	life, number, err := parseCount(e.GetMsgpack())
	switch {
	case err != nil:
		return err
	case c.known && c.life != life:
		return fmt.Errorf("life %x sent what belongs to %x", c.life, life)
	case number != c.received:
		return fmt.Errorf("packet %d came where %d was due", number, c.received)
	}
	c.known, c.life = true, life
	c.received++
	return nil
}

func (c *connection) followSent(e *pb.Event) error {
	if c.stage == unheard || c.stage == closed {
		return fmt.Errorf("%w: sent in stage %d", errOrder, c.stage)
	}
	switch e.GetPacketId() {
	case packet.IDHello, packet.IDHandshake, packet.IDClose:
		return nil
	case controlID:
		c.controls++
		return c.mustBe(active)
	case countID:
		life, number, err := parseCount(e.GetMsgpack())
		if err != nil || c.life != life {
			return fmt.Errorf("sent to life %x what belongs to %x (%v)", c.life, life, err)
		}
		c.sent = append(c.sent, number)
		return c.mustBe(active)
	}
	return fmt.Errorf("packet %d was sent", e.GetPacketId())
}

func (c *connection) mustBe(s stage) error {
	if c.stage != s {
		return fmt.Errorf("%w: stage %d", errOrder, c.stage)
	}
	return nil
}
