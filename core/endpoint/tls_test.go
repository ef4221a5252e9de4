package endpoint_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/binary"
	"io"
	"math/big"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pengbridge/pengbridge/core/endpoint"
	"github.com/pengbridge/pengbridge/core/event"
	"github.com/pengbridge/pengbridge/core/packet"
)

// identity is a certificate that was made for a test, and a pool that trusts it alone.
type identity struct {
	certificate tls.Certificate
	trust       *x509.CertPool
}

func newIdentity(tb testing.TB) identity {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(tb, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(tb, err)
	parsed, err := x509.ParseCertificate(der)
	require.NoError(tb, err)
	pool := x509.NewCertPool()
	pool.AddCert(parsed)
	return identity{tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool}
}

func secured(config *tls.Config) func(*endpoint.ServerOptions) {
	return func(opts *endpoint.ServerOptions) {
		opts.TLS = config
		// What rules see of the protection: these packets need as much as their names say.
		opts.Packets = append([]packet.Type{}, appTypes...)
		for _, level := range []struct {
			name string
			min  packet.TLSLevel
		}{{"app:server", packet.TLSServerAuth}, {"app:both", packet.TLSBothAuth}} {
			opts.Packets = append(opts.Packets, packet.Type{Name: level.name, Rule: &packet.Rule{State: 64, MinTLS: level.min}})
		}
	}
}

func sameAs(server *endpoint.ServerOptions, config *tls.Config) func(*endpoint.ClientOptions) {
	return func(opts *endpoint.ClientOptions) { opts.TLS, opts.Packets = config, server.Packets }
}

// TestTLS: large and small packets, closes with a reason, and the level that rules look at, on both sides (section F).
func TestTLS(t *testing.T) {
	t.Parallel()
	server, client := newIdentity(t), newIdentity(t)
	for _, test := range []struct {
		name               string
		server, client     *tls.Config
		atServer, atClient packet.TLSLevel
	}{
		{"nobody checked", &tls.Config{Certificates: []tls.Certificate{server.certificate}},
			&tls.Config{InsecureSkipVerify: true}, packet.TLSEncrypted, packet.TLSEncrypted},
		{"server checked", &tls.Config{Certificates: []tls.Certificate{server.certificate}},
			&tls.Config{RootCAs: server.trust}, packet.TLSEncrypted, packet.TLSServerAuth},
		{"server checked, client not asked", &tls.Config{Certificates: []tls.Certificate{server.certificate}},
			&tls.Config{RootCAs: server.trust, Certificates: []tls.Certificate{client.certificate}}, packet.TLSEncrypted, packet.TLSServerAuth},
		{"both checked", &tls.Config{Certificates: []tls.Certificate{server.certificate}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: client.trust},
			&tls.Config{RootCAs: server.trust, Certificates: []tls.Certificate{client.certificate}}, packet.TLSBothAuth, packet.TLSBothAuth},
	} {
		t.Run(test.name, func(t *testing.T) {
			var opts endpoint.ServerOptions
			secured(test.server)(&opts)
			s, atServer := listen(t, secured(test.server))
			c, atClient := dial(t, s, sameAs(&opts, test.client))
			atServer.await(t, event.ServerHandshakeComplete, 1)
			require.Equal(t, test.atServer, s.Conns(0, 1)[0].View.TLS)
			require.Equal(t, test.atClient, c.Conns(0, 1)[0].View.TLS)
			for name, min := range map[string]packet.TLSLevel{"app:server": packet.TLSServerAuth, "app:both": packet.TLSBothAuth} {
				err := c.Send(0, packet.Name(name), one)
				require.Equal(t, test.atClient >= min, err == nil, "%s: %v", name, err)
			}
			body := filler(1 << 20)
			for range 3 {
				require.NoError(t, s.Send(1, echo, body))
				require.NoError(t, s.Send(1, echo, one))
			}
			atClient.count(t, event.ClientRecv, 2+6)
			for _, ev := range ofType(atClient.all(), event.ClientRecv)[2:] {
				require.Contains(t, []int{1, len(body)}, len(ev.Body))
			}
			require.NoError(t, s.CloseConn(1, ptr("because")))
			require.Equal(t, "because", text(atClient.await(t, event.ClientClose, 0).Reason))
			require.Equal(t, "because", text(atServer.await(t, event.ServerClose, 1).Reason))
		})
	}
}

// tap keeps what was read through a connection.
type tap struct {
	net.Conn
	read bytes.Buffer
}

func (c *tap) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.read.Write(p[:n])
	return n, err
}

// TestTLSEndsOrderly: a peer can tell our end from an attacker's: the last that it gets is TLS's own notice.
func TestTLSEndsOrderly(t *testing.T) {
	t.Parallel()
	id := newIdentity(t)
	server, record := listen(t, secured(&tls.Config{Certificates: []tls.Certificate{id.certificate}, MaxVersion: tls.VersionTLS12}))
	nc, err := net.Dial("tcp", address(server.Addr()))
	require.NoError(t, err)
	tapped := &tap{Conn: nc}
	p := newRaw(t, tls.Client(tapped, &tls.Config{RootCAs: id.trust, ServerName: "127.0.0.1"}))
	p.shake()
	record.await(t, event.ServerHandshakeComplete, 1)
	require.NoError(t, server.CloseConn(1, ptr("because")))
	require.Equal(t, "because", p.expectClose())
	_, err = p.next()
	require.ErrorIs(t, err, io.EOF)
	const alert, header = 21, 5 // of a TLS record
	var last byte
	for records := tapped.read.Bytes(); len(records) > 0; {
		last = records[0]
		records = records[header+int(binary.BigEndian.Uint16(records[3:])):]
	}
	require.EqualValues(t, alert, last)
}

// TestTLSRefusals: a peer that does not speak TLS, or is not trusted, is refused at once, and stalls nobody (defect 6).
func TestTLSRefusals(t *testing.T) {
	t.Parallel()
	id, stranger := newIdentity(t), newIdentity(t)
	server, record := listen(t, secured(&tls.Config{Certificates: []tls.Certificate{id.certificate}}), limits(endpoint.Limits{HandshakeTimeout: 3 * time.Second}))
	silent := connectRaw(t, server) // says nothing, and keeps nobody waiting
	record.await(t, event.ServerAccept, 1)
	plain := connectRaw(t, server)
	plain.write([]byte{0, 0, 0, 7, 0, 0, 0, 2, 0, 0, 0x80})
	_, _ = io.Copy(io.Discard, plain)
	require.Equal(t, "tlsfailed", text(record.await(t, event.ServerClose, 2).Reason))
	nc, err := tls.Dial("tcp", address(server.Addr()), &tls.Config{RootCAs: id.trust})
	require.NoError(t, err)
	newRaw(t, nc).shake()
	_, _ = io.Copy(io.Discard, silent)
	require.Contains(t, []string{"tlsfailed", "handshaketimeout"}, text(record.await(t, event.ServerClose, 1).Reason))

	var handshake *endpoint.HandshakeError
	_, err = endpoint.Dial(t.Context(), address(server.Addr()), endpoint.ClientOptions{Options: endpoint.Options{TLS: &tls.Config{RootCAs: stranger.trust}}})
	require.ErrorAs(t, err, &handshake)
	require.Equal(t, "tlsfailed", text(handshake.Reason))
	unwilling := listenRaw(t)
	_, err = endpoint.Dial(t.Context(), unwilling.Addr().String(), endpoint.ClientOptions{Options: endpoint.Options{
		TLS: &tls.Config{RootCAs: id.trust}, Limits: endpoint.Limits{HandshakeTimeout: 50 * time.Millisecond},
	}})
	require.ErrorAs(t, err, &handshake, "a server that says nothing is given up")
	over, cancel := contextFor(t, 50*time.Millisecond)
	defer cancel()
	_, err = endpoint.Dial(over, unwilling.Addr().String(), endpoint.ClientOptions{Options: endpoint.Options{TLS: &tls.Config{RootCAs: id.trust}}})
	require.ErrorIs(t, err, over.Err())
}
