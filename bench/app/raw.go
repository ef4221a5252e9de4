package app

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"

	"github.com/tinylib/msgp/msgp"

	"github.com/pengbridge/pengbridge/core/wire"
)

const (
	ioBuffer     = 64 << 10
	maxBareFrame = 64 << 20 // the load is our own, but a bug in it should not take all memory
)

// Raw is a bare Go TCP server for the same packets: a goroutine for each connection, buffered reads and writes, no checks, no
// limits, no events. What it needs is the least there can be.
type Raw struct {
	connected, received atomic.Uint64

	mu    sync.Mutex
	conns []net.Conn // whose handshake is complete
}

// Serve serves connections until listener is closed.
func (r *Raw) Serve(listener net.Listener) error {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return err
		}
		go func() { // ends with the connection
			defer conn.Close()
			_ = r.converse(conn) // a peer that breaks off is as good as one that says goodbye
		}()
	}
}

// bare is one connection.
type bare struct {
	raw  *Raw
	conn net.Conn
	in   *bufio.Reader
	out  *bufio.Writer
	body []byte
}

func (r *Raw) converse(conn net.Conn) error {
	c := &bare{raw: r, conn: conn, in: bufio.NewReaderSize(conn, ioBuffer), out: bufio.NewWriterSize(conn, ioBuffer)}
	if err := c.shake(); err != nil {
		return err
	}
	r.mu.Lock()
	r.conns = append(r.conns, conn)
	r.mu.Unlock()
	r.connected.Add(1)
	for {
		if c.in.Buffered() == 0 {
			if err := c.out.Flush(); err != nil {
				return err
			}
		}
		frame, err := c.read()
		if err != nil {
			return err
		}
		if err := c.handle(frame); err != nil {
			return err
		}
	}
}

// shake does the server's half of the handshake, taking the other half on trust.
func (c *bare) shake() error {
	for _, frame := range [][]byte{hello(), handshake()} {
		if _, err := c.conn.Write(frame); err != nil {
			return err
		}
		if _, err := c.read(); err != nil {
			return err
		}
	}
	return nil
}

// read returns the next frame without its length. It is valid until the next call.
func (c *bare) read() ([]byte, error) {
	var head [wire.LengthSize]byte
	if _, err := io.ReadFull(c.in, head[:]); err != nil {
		return nil, err
	}
	size := int(binary.BigEndian.Uint32(head[:]))
	if size < wire.HeaderSize || size > maxBareFrame {
		return nil, fmt.Errorf("a frame of %d bytes", size)
	}
	if cap(c.body) < size {
		c.body = make([]byte, size)
	}
	c.body = c.body[:size]
	_, err := io.ReadFull(c.in, c.body)
	return c.body, err
}

func (c *bare) handle(frame []byte) error {
	id, body := binary.BigEndian.Uint32(frame), frame[wire.HeaderSize:]
	switch id {
	case EchoID:
		return c.echo(frame)
	case SinkID:
		c.raw.received.Add(1)
	case MarkID:
		return c.write(wire.AppendFrame(nil, MarkID, 0, markAnswer(c.raw.connected.Load(), c.raw.received.Load())))
	case FloodID:
		count, body, err := readFlood(body)
		if err != nil {
			return err
		}
		answer := wire.AppendFrame(nil, DataID, 0, body)
		for range count {
			if err := c.write(answer); err != nil {
				return err
			}
		}
	case BroadcastID:
		_, body, err := readBroadcast(body)
		if err != nil {
			return err
		}
		return c.raw.broadcast(wire.AppendFrame(nil, DataID, 0, body))
	}
	return nil
}

func (c *bare) write(frame []byte) error {
	_, err := c.out.Write(frame)
	return err
}

// echo sends a frame back. A compressed body is inflated and compressed again, as by an application that looked at it.
func (c *bare) echo(frame []byte) error {
	flags := binary.BigEndian.Uint16(frame[4:])
	if flags&wire.FlagCompressed != 0 {
		plain, err := wire.Inflate(nil, frame[wire.HeaderSize:], wire.DefaultMaxBody)
		if err != nil {
			return err
		}
		again, err := wire.DefaultCompression().AppendPacket(nil, EchoID, plain)
		if err != nil {
			return err
		}
		return c.write(again)
	}
	var head [wire.LengthSize]byte
	binary.BigEndian.PutUint32(head[:], uint32(len(frame)))
	if err := c.write(head[:]); err != nil {
		return err
	}
	return c.write(frame)
}

// broadcast writes a frame to all connections, one after the other.
func (r *Raw) broadcast(frame []byte) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, conn := range r.conns {
		if _, err := conn.Write(frame); err != nil {
			return err
		}
	}
	return nil
}

// hello is what a server sends first.
func hello() []byte { return wire.AppendFrame(nil, 1, 0, versions(2)) }

// handshake is what it sends next: its registry.
func handshake() []byte {
	body := msgp.AppendMapHeader(msgp.AppendString(versions(3), "registry"), uint32(len(names)))
	for i, name := range names {
		body = msgp.AppendInt(msgp.AppendString(body, name), EchoID+i)
	}
	return wire.AppendFrame(nil, 3, 0, body)
}

// versions begins a map of so many keys with the two that hello and handshake have in common.
func versions(keys uint32) []byte {
	body := msgp.AppendString(msgp.AppendString(msgp.AppendMapHeader(nil, keys), "version"), "0.2.0")
	return msgp.AppendInt(msgp.AppendString(body, "protoversion"), 2)
}
