//go:build full && linux

package attack

import (
	"bytes"
	"encoding/binary"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"time"

	"github.com/tinylib/msgp/msgp"

	"github.com/pengbridge/pengbridge/core/packet"
	"github.com/pengbridge/pengbridge/core/wire"
)

// attack is something that peers do to a server. It returns when they have done it; connections stay open until the end,
// unless the server closes them.
type attack struct {
	name string
	what string // for the table; the number of the reference's defect in brackets
	do   func(a *attacker)
}

// attacks are what TestAttacks tries.
var attacks = []attack{
	{"silent", "1,000 connections that say nothing (10)", func(a *attacker) {
		a.many(1000, func(p *peer) { p.untilClosed() })
	}},
	{"one-byte", "1,000 connections that send one byte (1)", func(a *attacker) {
		a.many(1000, func(p *peer) { p.send([]byte{0}); p.untilClosed() })
	}},
	{"drip", "1,000 active connections that send a byte every 100 ms (1)", func(a *attacker) {
		a.many(1000, func(p *peer) {
			p.join()
			for _, b := range wire.AppendFrame(nil, echoID, 0, []byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10})[:20] {
				p.send([]byte{b})
				time.Sleep(100 * time.Millisecond)
			}
		})
	}},
	{"connect-flood", "20,000 connections, opened and closed at once (10, 20)", func(a *attacker) {
		a.times(20000, func(p *peer) { p.close() })
	}},
	{"handshake-flood", "5,000 handshakes, each left at once (18, 20)", func(a *attacker) {
		a.times(5000, func(p *peer) { p.join(); p.close() })
	}},
	{"garbage", "1,000 connections, each with one malformed frame (B)", func(a *attacker) {
		frames := malformed()
		a.times(1000, func(p *peer) { p.send(frames[p.number%len(frames)]); p.untilClosed() })
	}},
	{"http", "500 HTTP requests (B)", func(a *attacker) {
		a.times(500, func(p *peer) { p.send([]byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n")); p.untilClosed() })
	}},
	{"huge-length", "500 active connections that announce 4 GiB (7)", func(a *attacker) {
		a.times(500, func(p *peer) { p.join(); p.send([]byte{0xff, 0xff, 0xff, 0xff}); p.untilClosed() })
	}},
	{"half-frames", "80 active connections with 15 MiB each of a frame that does not end (7)", func(a *attacker) {
		half := append(binary.BigEndian.AppendUint32(nil, 16<<20), make([]byte, 15<<20)...)
		a.many(80, func(p *peer) { p.join(); p.send(half) })
	}},
	{"zip-bombs", "500 packets of 16 KiB that inflate to 16 MiB and 1 byte (8)", func(a *attacker) {
		bomb := zipped(blob(16<<20 + 1))
		a.times(500, func(p *peer) { p.join(); p.send(bomb); p.untilClosed() })
	}},
	{"large-zips", "200 packets of 16 KiB that inflate to 16 MiB, which is allowed (8)", func(a *attacker) {
		bomb := zipped(blob(16 << 20))
		a.many(8, func(p *peer) {
			p.join()
			for range 25 {
				p.send(bomb)
			}
		})
	}},
	{"element-bombs", "1,000 packets of 1 KiB with 1 M empty maps (8)", func(a *attacker) {
		bomb := zipped(append(msgp.AppendArrayHeader(nil, 1<<20), bytes.Repeat([]byte{0x80}, 1<<20)...))
		a.times(1000, func(p *peer) { p.join(); p.send(bomb); p.untilClosed() })
	}},
	{"nesting", "250 packets of 16 MiB of nested arrays, compressed (B)", func(a *attacker) {
		bomb := zipped(bytes.Repeat([]byte{0x91}, 16<<20))
		a.times(250, func(p *peer) { p.join(); p.send(bomb); p.untilClosed() })
	}},
	{"never-reading", "20 active connections that ask for 64 MiB each and read nothing (2, 3, 9)", func(a *attacker) {
		request := wire.AppendFrame(nil, echoID, 0, noise(64<<10))
		a.many(20, func(p *peer) {
			p.join()
			for range 1024 {
				if !p.send(request) {
					return
				}
			}
		})
	}},
	{"ping-flood", "100 connections that ask 1,000 pings each and read no answer (12, 24)", func(a *attacker) {
		pings := wire.AppendFrame(nil, packet.IDSettype, 0, packet.AppendSettype(nil, "ping"))
		ping := wire.AppendFrame(nil, packet.IDPing, 0, noise(8<<10))
		a.many(100, func(p *peer) {
			p.send(pings)
			for range 1000 {
				if !p.send(ping) {
					return
				}
			}
		})
	}},
	{"packet-flood", "8 active connections that send 1 M packets (1)", func(a *attacker) {
		burst := bytes.Repeat(wire.AppendFrame(nil, 65, 0, []byte{1}), 5000)
		a.many(8, func(p *peer) {
			p.join()
			for range 25 {
				p.send(burst)
			}
		})
	}},
}

// crowdIdle and crowdHostile are how many peers of each kind the crowd has.
const (
	crowdIdle    = 10_000
	crowdHostile = 1_000
)

// idle opens connections that do nothing once they are active.
func idle(a *attacker) { a.times(crowdIdle, (*peer).join) }

// crowd opens the connections of a public server on a bad day. It goes on until the process ends.
func crowd(a *attacker) {
	frames, request := malformed(), wire.AppendFrame(nil, echoID, 0, []byte{1})
	drip := binary.BigEndian.AppendUint32(nil, 1000)
	hostile := []func(p *peer){
		func(p *peer) { // a byte a second
			p.join()
			for i := 0; p.send(drip[min(i, 3) : min(i, 3)+1]); i++ {
				time.Sleep(time.Second)
			}
		},
		func(p *peer) { // a frame that does not end
			p.join()
			p.send(append(drip, make([]byte, 900)...))
		},
		func(p *peer) { // asks ten times a second, and does not read the answers
			p.join()
			for p.send(request) {
				time.Sleep(100 * time.Millisecond)
			}
		},
		func(p *peer) { // comes back every second with something else that makes no sense
			for i := p.number; ; i++ {
				p.send(frames[i%len(frames)])
				time.Sleep(time.Second)
				_ = p.Conn.Close()
				nc, err := net.Dial("tcp", a.address)
				if err != nil {
					return
				}
				p.Conn = nc
			}
		},
	}
	idle(a)
	var standing sync.WaitGroup
	for i := range crowdHostile {
		standing.Add(1)
		go a.once(i, func(p *peer) {
			standing.Done()
			time.Sleep(rand.N(time.Second)) // they are strangers to one another, and do not act at the same moment
			hostile[i%len(hostile)](p)
		})
	}
	standing.Wait()
}

// malformed returns one frame of each kind of section B of the defects.
func malformed() (frames [][]byte) {
	for _, body := range [][]byte{
		{0xc1}, {0x92, 0x01}, {0x01, 0x02}, {0xa1, 0xff}, {0x81, 0x01, 0x02}, {0xd7, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0},
		append(bytes.Repeat([]byte{0x91}, 2000), 0xc0), {0xdd, 0xff, 0xff, 0xff, 0xff},
	} {
		frames = append(frames, wire.AppendFrame(nil, echoID, 0, body))
	}
	return append(frames,
		[]byte{0, 0, 0, 0},
		[]byte{0, 0, 0, 6, 0, 0, 0, 64, 0, 0},
		wire.AppendFrame(nil, echoID, wire.FlagAES, []byte{1}),
		wire.AppendFrame(nil, echoID, wire.FlagCompressed, []byte{1, 2, 3}),
		wire.AppendFrame(nil, packet.IDAccept, 0, packet.AppendAccept(nil)),
		wire.AppendFrame(nil, packet.IDSettype, 0, packet.AppendSettype(nil, "no such type")),
	)
}

// zipped is an echo packet that is as small as zlib makes it.
func zipped(body []byte) []byte {
	frame, err := wire.Compression{Level: 9}.AppendPacket(nil, echoID, body)
	if err != nil {
		panic(err)
	}
	return frame
}

// blob is a MessagePack value of n bytes in all, of zeros.
func blob(n int) []byte {
	return append(binary.BigEndian.AppendUint32([]byte{0xc6}, uint32(n-5)), make([]byte, n-5)...)
}

// noise is one that does not compress.
func noise(n int) []byte {
	b := blob(n)
	_, _ = rand.NewChaCha8([32]byte{}).Read(b[5:])
	return b
}

// attacker is the process that attacks.
type attacker struct {
	address string
	mu      sync.Mutex
	sent    int64
	open    []net.Conn
}

// many has n peers do something at once.
func (a *attacker) many(n int, do func(p *peer)) {
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { a.once(i, do) })
	}
	wg.Wait()
}

// times has n peers do something, 32 at a time.
func (a *attacker) times(n int, do func(p *peer)) {
	numbers := make(chan int)
	var wg sync.WaitGroup
	for range 32 {
		wg.Go(func() {
			for i := range numbers {
				a.once(i, do)
			}
		})
	}
	for i := range n {
		numbers <- i
	}
	close(numbers)
	wg.Wait()
}

func (a *attacker) once(number int, do func(p *peer)) {
	nc, err := net.Dial("tcp", a.address)
	if err != nil {
		return
	}
	p := &peer{Conn: nc, number: number}
	_ = nc.SetDeadline(time.Now().Add(patience))
	do(p)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.sent += p.sent
	if !p.closed {
		a.open = append(a.open, nc)
	}
}

// peer is one of the attacker's connections.
type peer struct {
	net.Conn
	number int
	sent   int64
	closed bool
}

// send writes, and reports whether the server still takes it.
func (p *peer) send(b []byte) bool {
	n, err := p.Write(b)
	p.sent += int64(n)
	return err == nil
}

// join completes the handshake.
func (p *peer) join() {
	p.send(handshake)
	for id := uint32(0); id != packet.IDHandshake; {
		var err error
		if id, err = readFrame(p); err != nil {
			return
		}
	}
}

// untilClosed reads until the server has closed the connection.
func (p *peer) untilClosed() {
	_, _ = io.Copy(io.Discard, p)
	p.close()
}

func (p *peer) close() {
	_ = p.Conn.Close()
	p.closed = true
}
