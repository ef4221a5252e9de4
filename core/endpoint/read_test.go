package endpoint_test

import (
	"bytes"
	"crypto/tls"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pengbridge/pengbridge/core/endpoint"
	"github.com/pengbridge/pengbridge/core/event"
	"github.com/pengbridge/pengbridge/core/packet"
	"github.com/pengbridge/pengbridge/core/wire"
)

// TestLargePackets sends packets of all sizes one behind the other: each comes as it was sent, whatever of it was read to its
// own memory, and a body that is owned is still the same when all others have come.
func TestLargePackets(t *testing.T) {
	t.Parallel()
	id := newIdentity(t)
	const read, pooled = 64 << 10, 256 << 10
	sizes := []int{6, read - 11, read - 10, read - 9, 2*read - 10, 2*read + 1, pooled - 10, pooled - 9, 1 << 20, 5<<20 + 3, 7}
	for _, test := range []struct {
		name           string
		server, client *tls.Config
		compression    *wire.Compression
	}{
		{"plain", nil, nil, plainOnly()},
		{"TLS", &tls.Config{Certificates: []tls.Certificate{id.certificate}}, &tls.Config{RootCAs: id.trust}, plainOnly()},
		{"compressed", nil, nil, &wire.Compression{Level: 1}},
	} {
		t.Run(test.name, func(t *testing.T) {
			received := make(chan event.Event, len(sizes))
			server, _ := listen(t, func(opts *endpoint.ServerOptions) {
				opts.TLS = test.server
				opts.Events = event.Func(func(e event.Event) {
					if e.Type != event.ServerRecv || e.PacketID != echoID {
						return
					}
					if !e.Owned {
						e.Body = bytes.Clone(e.Body)
					}
					received <- e
				})
			})
			client, _ := dial(t, server, func(opts *endpoint.ClientOptions) {
				opts.TLS, opts.Compression = test.client, test.compression
			})
			bodies := make([][]byte, len(sizes))
			for i, size := range sizes {
				bodies[i] = filler(size)
				for at := 5; at < size; at++ {
					bodies[i][at] += byte(i)
				}
				require.NoError(t, client.Send(0, packet.Name("app:echo"), bodies[i]))
			}
			events := make([]event.Event, len(sizes))
			for i := range events {
				select {
				case events[i] = <-received:
				case <-time.After(patience):
					require.FailNow(t, "timed out", "%d packets came", i)
				}
			}
			for i, e := range events {
				require.True(t, bytes.Equal(bodies[i], e.Body), "%d bytes", sizes[i])
				large := sizes[i]+wire.LengthSize+wire.HeaderSize > pooled
				require.Equal(t, large && test.compression.Disabled, e.Owned, "%d bytes", sizes[i])
			}
		})
	}
}
