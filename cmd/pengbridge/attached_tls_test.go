//go:build !windows

package main

import (
	"crypto/tls"
	"fmt"
	"net"
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "github.com/pengbridge/pengbridge/api/pengbridge/v1"
	client "github.com/pengbridge/pengbridge/clients/go"
	"github.com/pengbridge/pengbridge/core/endpoint"
	"github.com/pengbridge/pengbridge/core/session"
	"github.com/pengbridge/pengbridge/sidecar/tlsfile/tlstest"
)

// here returns an address at which this machine reaches a sidecar that listens everywhere.
func (a *attached) here(t *testing.T) string {
	t.Helper()
	_, port, err := net.SplitHostPort(a.ready.Address)
	require.NoError(t, err)
	return net.JoinHostPort("127.0.0.1", port)
}

// TestServeBeyondLoopback: other machines need a certificate and a token, and get neither reflection nor channelz.
func TestServeBeyondLoopback(t *testing.T) {
	ours, theirs := tlstest.NewAuthority(t), tlstest.NewAuthority(t)
	server, caller, stranger := ours.Issue(t, "sidecar"), ours.Issue(t, "caller"), theirs.Issue(t, "caller")
	flags := []string{"--listen", "0.0.0.0:0", "--tls-cert", server.CertificateFile, "--tls-key", server.KeyFile}

	a := serve(t, append(flags, "--tls-client-ca", ours.File)...)
	attach := func(certificates ...tls.Certificate) (*client.Sidecar, error) {
		return client.Attach(timeout(t), a.here(t), client.AttachOptions{
			TokenFile: a.tokens, TLS: &tls.Config{RootCAs: ours.Pool, ServerName: "sidecar", Certificates: certificates},
		})
	}
	sidecar, err := attach(caller.Certificate(t))
	require.NoError(t, err)
	for method, request := range map[string]*pb.GetInfoRequest{
		"/grpc.reflection.v1.ServerReflection/ServerReflectionInfo": {}, "/grpc.channelz.v1.Channelz/GetServers": {},
	} {
		err := sidecar.Conn().Invoke(timeout(t), method, request, &pb.GetInfoResponse{})
		assert.Equal(t, codes.Unimplemented, status.Code(err), method)
	}
	require.NoError(t, sidecar.Close())

	// Whether the sidecar's alert or the end of the connection is seen first, is open.
	_, err = attach()
	require.Equal(t, codes.Unavailable, status.Code(err), "not without a certificate")
	_, err = attach(stranger.Certificate(t))
	require.Equal(t, codes.Unavailable, status.Code(err), "not with another authority's")
	_, err = client.Attach(timeout(t), a.here(t), client.AttachOptions{TokenFile: a.tokens})
	require.Equal(t, codes.Unavailable, status.Code(err), "not without TLS")
	_, err = client.Attach(timeout(t), a.here(t), client.AttachOptions{TokenFile: a.tokens, TLS: &tls.Config{}})
	require.ErrorContains(t, err, "certificate", "of an authority that nobody knows")

	health := func(args ...string) (string, error) {
		args = append([]string{"health", a.here(t), "--tls-ca", ours.File, "--tls-name", "sidecar"}, args...)
		out, err := exec.CommandContext(timeout(t), program(t, "pengbridge"), args...).CombinedOutput()
		return string(out), err
	}
	text, err := health("--tls-cert", caller.CertificateFile, "--tls-key", caller.KeyFile)
	require.NoError(t, err, text)
	require.Equal(t, "SERVING\n", text)
	text, err = health()
	require.Error(t, err)
	require.Contains(t, text, "does not answer")
	a.end(t)
}

// TestServeWithARenewedCertificate: the next connection gets it, and the one that stands goes on.
func TestServeWithARenewedCertificate(t *testing.T) {
	former, present := tlstest.NewAuthority(t), tlstest.NewAuthority(t)
	id, renewed := former.Issue(t, "sidecar"), present.Issue(t, "sidecar")
	a := serve(t, "--listen", "127.0.0.1:0", "--tls-cert", id.CertificateFile, "--tls-key", id.KeyFile)
	attach := func(authority *tlstest.Authority) (*client.Sidecar, error) {
		return client.Attach(timeout(t), a.ready.Address, client.AttachOptions{
			TokenFile: a.tokens, TLS: &tls.Config{RootCAs: authority.Pool, ServerName: "sidecar"},
		})
	}
	first, err := attach(former)
	require.NoError(t, err)
	require.NoError(t, os.Rename(renewed.CertificateFile, id.CertificateFile))
	require.NoError(t, os.Rename(renewed.KeyFile, id.KeyFile))
	_, err = attach(former)
	require.ErrorContains(t, err, "certificate")
	second, err := attach(present)
	require.NoError(t, err)
	require.NoError(t, second.Close())
	_, err = first.API.GetInfo(timeout(t), &pb.GetInfoRequest{})
	require.NoError(t, err)
	require.NoError(t, first.Close())
	a.end(t)
}

// TestServeWithTokensAlone is what --tls-any-client is for.
func TestServeWithTokensAlone(t *testing.T) {
	ours := tlstest.NewAuthority(t)
	id := ours.Issue(t, "sidecar")
	a := serve(t, "--listen", "0.0.0.0:0", "--tls-cert", id.CertificateFile, "--tls-key", id.KeyFile, "--tls-any-client")
	sidecar, err := client.Attach(timeout(t), a.here(t), client.AttachOptions{
		TokenFile: a.tokens, TLS: &tls.Config{RootCAs: ours.Pool, ServerName: "sidecar"},
	})
	require.NoError(t, err)
	require.NoError(t, sidecar.Close())
	a.end(t)
}

// TestPingWithTLS asks a game server that speaks it.
func TestPingWithTLS(t *testing.T) {
	ours := tlstest.NewAuthority(t)
	id := ours.Issue(t, "game")
	server, err := endpoint.Listen(t.Context(), "127.0.0.1:0", endpoint.ServerOptions{
		Options: endpoint.Options{TLS: &tls.Config{Certificates: []tls.Certificate{id.Certificate(t)}}},
		Ping:    &session.PingAnswer{},
	})
	require.NoError(t, err)
	defer func() { require.NoError(t, server.Stop()) }()
	address := fmt.Sprintf("127.0.0.1:%d", server.Addr().Port)
	ping := func(args ...string) (string, error) {
		out, err := exec.CommandContext(timeout(t), program(t, "pengbridge"), append([]string{"ping", address}, args...)...).CombinedOutput()
		return string(out), err
	}
	out, err := ping("--tls-ca", ours.File, "--tls-name", "game")
	require.NoError(t, err, out)
	require.Contains(t, out, "answered in")
	out, err = ping("--tls")
	require.Error(t, err)
	require.Contains(t, out, "unknown authority")
	out, err = ping("--tls-ca", "none.pem")
	require.Error(t, err)
	require.Contains(t, out, "--tls-ca: the file cannot be read")
}

// TestServeWithLimits: defaults and the most that an application may ask for.
func TestServeWithLimits(t *testing.T) {
	a := serve(t, "--listen", "127.0.0.1:0", "--limit", "idle_timeout=5m,max_connections=10", "--max-limit", "max_connections=20", "--max-limit", "max_packet_bytes=1MiB")
	sidecar, err := client.Attach(timeout(t), a.ready.Address, client.AttachOptions{TokenFile: a.tokens})
	require.NoError(t, err)
	info, err := sidecar.API.GetInfo(timeout(t), &pb.GetInfoRequest{})
	require.NoError(t, err)
	assert.Equal(t, uint32(10), info.GetDefaultLimits().GetMaxConnections())
	assert.Equal(t, uint32(1<<20), info.GetDefaultLimits().GetMaxPacketBytes())
	assert.Equal(t, int64(300), info.GetDefaultLimits().GetIdleTimeout().GetSeconds())
	_, err = sidecar.API.Bind(timeout(t), &pb.BindRequest{Address: "127.0.0.1:0", Options: &pb.EndpointOptions{
		Limits: &pb.Limits{MaxConnections: 21},
	}})
	require.ErrorContains(t, err, "options.limits.max_connections must be at most 20 here")
	require.NoError(t, sidecar.Close())
	a.end(t)
}
