//go:build full && linux

package attack

import (
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pengbridge/pengbridge/core/packet"
	"github.com/pengbridge/pengbridge/core/wire"
)

// echoID is the id of the one packet that the application registers.
const echoID = packet.FirstFreeID

// handshake is all that a client says until it is active.
var handshake = wire.AppendFrame(wire.AppendFrame(nil,
	packet.IDSettype, 0, packet.AppendSettype(nil, "classic")),
	packet.IDAccept, 0, packet.AppendAccept(nil))

// readFrame reads one frame, and returns its id.
func readFrame(r io.Reader) (id uint32, err error) {
	var head [wire.LengthSize + wire.HeaderSize]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return 0, err
	}
	body := int64(binary.BigEndian.Uint32(head[:])) - wire.HeaderSize
	_, err = io.CopyN(io.Discard, r, body)
	return binary.BigEndian.Uint32(head[wire.LengthSize:]), err
}

// join makes an active connection.
func join(address string) (net.Conn, error) {
	nc, err := net.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	_, err = nc.Write(handshake)
	for id := uint32(0); err == nil && id != packet.IDHandshake; {
		id, err = readFrame(nc)
	}
	return nc, err
}

// workers are well-behaved peers that send an echo packet now and then and note how long the answer takes.
type workers struct {
	every time.Duration
	conns []net.Conn

	mu    sync.Mutex
	took  []time.Duration
	fails []error

	quit chan struct{}
	wg   sync.WaitGroup
}

// startWorkers makes n of them, which work until the test ends.
func startWorkers(t *testing.T, address string, n int, every time.Duration) *workers {
	t.Helper()
	w := &workers{every: every, quit: make(chan struct{})}
	for i := range n {
		nc, err := join(address)
		require.NoError(t, err)
		w.conns = append(w.conns, nc)
		w.wg.Go(func() { w.work(nc, every*time.Duration(i)/time.Duration(n)) })
	}
	t.Cleanup(func() {
		close(w.quit)
		w.wg.Wait()
		for _, nc := range w.conns {
			_ = nc.Close()
		}
	})
	return w
}

// work sends and waits, from some moment on.
func (w *workers) work(nc net.Conn, from time.Duration) {
	frame := wire.AppendFrame(nil, echoID, 0, append([]byte{0xc4, 52}, bytes.Repeat([]byte{7}, 52)...))
	timer := time.NewTimer(from)
	defer timer.Stop()
	for {
		select {
		case <-w.quit:
			return
		case <-timer.C:
		}
		begin := time.Now()
		_ = nc.SetDeadline(begin.Add(patience))
		_, err := nc.Write(frame)
		for id := uint32(0); err == nil && id != echoID; {
			id, err = readFrame(nc)
		}
		took := time.Since(begin)
		w.mu.Lock()
		w.took = append(w.took, took)
		if err != nil {
			w.fails = append(w.fails, err)
			w.mu.Unlock()
			return
		}
		w.mu.Unlock()
		timer.Reset(max(0, w.every-took))
	}
}

// since returns what was noted since the last call, sorted. There is something, and nobody has failed.
func (w *workers) since(t *testing.T) []time.Duration {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	require.Empty(t, w.fails, "a well-behaved peer was cut off")
	took := w.took
	w.took = nil
	slices.Sort(took)
	return took
}

// percentile returns the value that p of 100 sorted ones do not exceed.
func percentile(sorted []time.Duration, p int) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(len(sorted)*p/100, len(sorted)-1)]
}
