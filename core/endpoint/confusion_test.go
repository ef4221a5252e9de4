package endpoint_test

import (
	"bytes"
	"crypto/tls"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pengbridge/pengbridge/core/endpoint"
	"github.com/pengbridge/pengbridge/core/event"
)

// logText collects log lines.
type logText struct {
	mu    sync.Mutex
	bytes bytes.Buffer
}

func (l *logText) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.bytes.Write(p)
}

func (l *logText) lines() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.FieldsFunc(l.bytes.String(), func(r rune) bool { return r == '\n' })
}

// logged makes a server log into l.
func logged(l *logText) func(*endpoint.ServerOptions) {
	return func(opts *endpoint.ServerOptions) { opts.Logger = slog.New(slog.NewTextHandler(l, nil)) }
}

// TestPlainAndTLS: a peer that does not speak TLS to a TLS port, or speaks it to a plain one, is refused at once, and the log
// says why.
func TestPlainAndTLS(t *testing.T) {
	t.Parallel()
	id := newIdentity(t)
	for _, test := range []struct {
		name   string
		config *tls.Config // the server's
		write  string      // what the peer begins with
		reason string
		detail string
	}{
		{"plain peer, TLS port", &tls.Config{Certificates: []tls.Certificate{id.certificate}}, "\x00\x00\x00\x07\x00\x00\x00\x02\x00\x00\x80", "tlsfailed", "does not speak TLS"},
		{"HTTP peer, TLS port", &tls.Config{Certificates: []tls.Certificate{id.certificate}}, "GET / HTTP/1.1\r\n\r\n", "tlsfailed", "does not speak TLS"},
		{"TLS peer, plain port", nil, "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "packettoolarge", "it looks like TLS"},
		{"HTTP peer, plain port", nil, "GET / HTTP/1.1\r\n\r\n", "packettoolarge", "it looks like HTTP"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var log logText
			server, record := listen(t, logged(&log), limits(endpoint.Limits{HandshakeTimeout: time.Hour}), func(opts *endpoint.ServerOptions) { opts.TLS = test.config })
			p := connectRaw(t, server)
			p.write([]byte(test.write))
			closed := record.await(t, event.ServerClose, 1)
			require.Equal(t, test.reason, text(closed.Reason))
			require.Contains(t, closed.Detail, test.detail)
			require.NoError(t, p.Close())
			require.Eventually(t, func() bool { return len(log.lines()) == 1 }, patience, time.Millisecond)
			require.Contains(t, log.lines()[0], test.detail)
			require.Contains(t, log.lines()[0], "reason="+test.reason)
		})
	}
	plain, _ := listen(t)
	_, err := endpoint.Dial(t.Context(), address(plain.Addr()), endpoint.ClientOptions{Options: endpoint.Options{TLS: &tls.Config{RootCAs: id.trust}}})
	require.ErrorContains(t, err, "does not speak TLS")
	secure, _ := listen(t, limits(endpoint.Limits{HandshakeTimeout: 50 * time.Millisecond}), func(opts *endpoint.ServerOptions) {
		opts.TLS = &tls.Config{Certificates: []tls.Certificate{id.certificate}}
	})
	_, err = endpoint.Dial(t.Context(), address(secure.Addr()), endpoint.ClientOptions{WaitHandshake: true})
	require.Error(t, err, "both wait for the other, but not for ever")
}

// TestLogFlood: peers cannot fill the log by misbehaving, and the operator learns how many there were.
func TestLogFlood(t *testing.T) {
	t.Parallel()
	const peers = 200
	var log logText
	server, record := listen(t, logged(&log))
	for range peers {
		p := connectRaw(t, server)
		p.write([]byte{0, 0, 0, 0})
		require.Equal(t, "malformedpacket", p.expectClose())
		require.NoError(t, p.Close())
	}
	record.count(t, event.ServerClose, peers)
	require.NoError(t, server.Stop()) // every line is out
	require.GreaterOrEqual(t, len(log.lines()), 20)
	require.Less(t, len(log.lines()), peers)
}
