package sidecar

// Callers that are no gRPC clients: bare connections, and HTTP/2 by hand.

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// connect returns a bare connection to the sidecar.
func (r *running) connect(t *testing.T) net.Conn {
	t.Helper()
	conn, err := r.listener.DialContext(testContext(t))
	require.NoError(t, err)
	require.NoError(t, conn.SetDeadline(time.Now().Add(patience)))
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// requireEnd reads until the sidecar closes the connection.
func requireEnd(t *testing.T, conn net.Conn) {
	t.Helper()
	_, err := io.Copy(io.Discard, conn)
	require.False(t, errors.Is(err, os.ErrDeadlineExceeded), "the connection must be closed")
}

// rawCaller speaks HTTP/2 by hand, because gRPC's own client always finishes its messages.
type rawCaller struct {
	framer *http2.Framer
	next   uint32
}

func (r *running) callRaw(t *testing.T) *rawCaller {
	t.Helper()
	conn := r.connect(t)
	_, err := io.WriteString(conn, http2.ClientPreface)
	require.NoError(t, err)
	c := &rawCaller{http2.NewFramer(conn, bufio.NewReader(conn)), 1}
	c.framer.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	require.NoError(t, c.framer.WriteSettings())
	return c
}

// begin opens a call and announces a message of 16 MiB, of which one byte comes. It returns the stream's id.
func (c *rawCaller) begin(t *testing.T, method, token string) uint32 {
	t.Helper()
	var block bytes.Buffer
	encoder := hpack.NewEncoder(&block)
	fields := [][2]string{
		{":method", "POST"}, {":scheme", "http"}, {":path", method}, {":authority", "sidecar"},
		{"content-type", "application/grpc"}, {"te", "trailers"},
	}
	if token != "" {
		fields = append(fields, [2]string{"authorization", "Bearer " + token})
	}
	for _, f := range fields {
		require.NoError(t, encoder.WriteField(hpack.HeaderField{Name: f[0], Value: f[1]}))
	}
	id := c.next
	c.next += 2
	require.NoError(t, c.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: block.Bytes(), EndHeaders: true}))
	require.NoError(t, c.framer.WriteData(id, false, []byte{0, 1, 0, 0, 0, 0}))
	return id
}

// awaitStatus returns the next call that ends, and its gRPC status.
func (c *rawCaller) awaitStatus(t *testing.T) (id uint32, code string) {
	t.Helper()
	for {
		frame, err := c.framer.ReadFrame()
		require.NoError(t, err)
		headers, ok := frame.(*http2.MetaHeadersFrame)
		if !ok {
			continue
		}
		for _, f := range headers.Fields {
			if f.Name == "grpc-status" {
				return headers.StreamID, f.Value
			}
		}
	}
}
