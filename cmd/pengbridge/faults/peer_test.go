//go:build unix

package faults

import (
	"encoding/binary"
	"fmt"
	"net"
	"sync"

	"github.com/tinylib/msgp/msgp"

	"github.com/pengbridge/pengbridge/core/packet"
	"github.com/pengbridge/pengbridge/core/wire"
)

// The application packets of every run, as they are registered.
const (
	countID   = packet.FirstFreeID     // a numbered packet, which the application sends back
	controlID = packet.FirstFreeID + 1 // sent past the application, by unary calls, while something is broken
)

// peer is a player: it connects, sends numbered packets as it is allowed to, and connects again when the connection ends.
// Its goroutine ends with quit, or when it left for good.
type peer struct {
	slot    int
	address string
	size    int // of a packet's body
	oracle  *oracle

	mu      sync.Mutex
	changed sync.Cond
	allowed int // packets it may send altogether
	sent    int // packets it has sent altogether
	deaf    bool
	retired bool // no further life
	over    bool
	current *life
}

// life is one connection of a peer.
type life struct {
	id    uint32
	conn  *net.TCPConn
	leave leaving // how the peer is to end it, once it has sent what it may
}

// leaving is how a peer ends its connection by itself.
type leaving uint8

const (
	stays      leaving = iota
	goodbye            // with a closeconn, which has a reason
	halfCloses         // with the end of its stream
)

// goodbyeReason is what peers say.
const goodbyeReason = "goodbye"

func newPeer(slot int, address string, size int, o *oracle) *peer {
	p := &peer{slot: slot, address: address, size: size, oracle: o}
	p.changed.L = &p.mu
	return p
}

// allow lets the peer send so many packets more.
func (p *peer) allow(packets int) {
	p.change(func() { p.allowed += packets })
}

// listen says whether the peer reads what it gets.
func (p *peer) listen(listens bool) {
	p.change(func() { p.deaf = !listens })
}

// depart lets the peer end its present connection, if it has one, after what it has sent.
func (p *peer) depart(how leaving) {
	p.change(func() {
		if p.current != nil {
			p.current.leave = how
		}
	})
}

// retire lets the peer's present life be its last.
func (p *peer) retire() {
	p.change(func() { p.retired = true })
}

func (p *peer) isRetired() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.retired
}

// quit ends the peer.
func (p *peer) quit() {
	p.change(func() {
		p.over = true
		if p.current != nil {
			_ = p.current.conn.Close()
		}
	})
}

func (p *peer) change(do func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	do()
	p.changed.Broadcast()
}

// spent reports whether the peer has sent everything it may.
func (p *peer) spent() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.sent == p.allowed
}

// connection returns the present connection's number and our address in it; ok is false if there is none.
func (p *peer) connection() (id uint32, address string, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.current == nil {
		return 0, "", false
	}
	return p.current.id, p.current.conn.LocalAddr().String(), true
}

// run lives one life after the other.
func (p *peer) run() {
	for n := uint32(0); ; n++ {
		l, ok := p.connect(uint32(p.slot)<<16 | n)
		if !ok {
			return
		}
		reading := make(chan struct{})
		go func() {
			defer close(reading)
			p.oracle.died(l.id, p.read(l))
			p.change(func() { p.current = nil })
			_ = l.conn.Close()
		}()
		p.write(l)
		<-reading
	}
}

// connect opens a connection and goes through the handshake with it, without waiting for the answers.
func (p *peer) connect(id uint32) (*life, bool) {
	if p.isRetired() {
		return nil, false
	}
	conn, err := net.Dial("tcp", p.address)
	if err != nil {
		return nil, false // the proxy is gone: the run is over
	}
	l := &life{id: id, conn: conn.(*net.TCPConn)}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.over {
		_ = conn.Close()
		return nil, false
	}
	p.current = l
	p.oracle.born(id)
	frames := wire.AppendFrame(nil, packet.IDSettype, 0, packet.AppendSettype(nil, "classic"))
	frames = wire.AppendFrame(frames, packet.IDAccept, 0, packet.AppendAccept(nil))
	_, _ = conn.Write(frames) // of an error, the reader learns
	return l, true
}

// write sends packets until the connection ends, or the peer ends it.
func (p *peer) write(l *life) {
	for number := uint32(0); ; number++ {
		how, ok := p.mayWrite(l)
		if !ok {
			return
		}
		switch how {
		case goodbye:
			reason := goodbyeReason
			_, _ = l.conn.Write(wire.AppendFrame(nil, packet.IDClose, 0, packet.AppendClose(nil, &reason)))
			return
		case halfCloses:
			_ = l.conn.CloseWrite()
			return
		}
		p.oracle.attempted(l.id)
		if _, err := l.conn.Write(countFrame(l.id, number, p.size)); err != nil {
			return // the reader has ended, or is about to
		}
	}
}

// mayWrite waits until the peer may send a packet on this connection (stays), or is to end it, which the oracle learns here.
func (p *peer) mayWrite(l *life) (leaving, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		switch {
		case p.current != l || p.over:
			return stays, false
		case l.leave != stays:
			p.oracle.left(l.id, l.leave)
			return l.leave, true
		case p.sent < p.allowed:
			p.sent++
			return stays, true
		}
		p.changed.Wait()
	}
}

// read takes in what comes until the connection ends. It returns what made no sense, if anything.
func (p *peer) read(l *life) error {
	var decoder wire.Decoder
	decoder.SetLimit(1 << 20)
	buf := make([]byte, 16<<10)
	for p.mayRead(l) {
		n, err := l.conn.Read(buf)
		decoder.Feed(buf[:n])
		for {
			frame, ok, err := decoder.Next()
			if err != nil {
				return err
			}
			if !ok {
				break
			}
			if err := p.take(l, frame); err != nil {
				return err
			}
		}
		decoder.Settle()
		if err != nil {
			return nil
		}
	}
	return nil
}

// mayRead waits while the peer is deaf, and reports whether there is anything left to read for.
func (p *peer) mayRead(l *life) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.deaf && p.current == l && !p.over {
		p.changed.Wait()
	}
	return p.current == l && !p.over
}

func (p *peer) take(l *life, frame wire.Frame) error {
	switch frame.ID {
	case packet.IDHello, packet.IDHandshake:
	case packet.IDClose:
		p.oracle.told(l.id, packet.ParseClose(frame.Body))
	case controlID:
		p.oracle.controlled(l.id)
	case countID:
		id, number, err := parseCount(frame.Body)
		if err != nil || id != l.id {
			return fmt.Errorf("life %x got what belongs to %x (%v)", l.id, id, err)
		}
		p.oracle.echoed(l.id, number)
	default:
		return fmt.Errorf("life %x got a packet %d", l.id, frame.ID)
	}
	return nil
}

// countBody makes a body of about size bytes: a bin value with whose it is, and which number.
func countBody(id, number uint32, size int) []byte {
	content := make([]byte, max(size, 8))
	binary.BigEndian.PutUint32(content, id)
	binary.BigEndian.PutUint32(content[4:], number)
	return msgp.AppendBytes(nil, content)
}

func countFrame(id, number uint32, size int) []byte {
	return wire.AppendFrame(nil, countID, 0, countBody(id, number, size))
}

func parseCount(body []byte) (id, number uint32, err error) {
	content, rest, err := msgp.ReadBytesZC(body)
	if err != nil || len(content) < 8 || len(rest) > 0 {
		return 0, 0, fmt.Errorf("a numbered packet of %d bytes makes no sense: %w", len(body), err)
	}
	return binary.BigEndian.Uint32(content), binary.BigEndian.Uint32(content[4:]), nil
}
