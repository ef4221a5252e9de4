package sidecar

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"

	pb "github.com/pengbridge/pengbridge/api/pengbridge/v1"
	"github.com/pengbridge/pengbridge/sidecar/tlsfile/tlstest"
)

func TestTLS(t *testing.T) { // section F: in the reference it never works
	s := start(t, Options{})
	client := s.client(t, gameToken)
	authority := tlstest.NewAuthority(t)
	id := authority.Issue(t, "localhost")
	cert, key, ca := id.CertificateFile, id.KeyFile, authority.File
	for _, c := range []struct {
		name           string
		server, client *pb.TlsOptions
		level          pb.TlsLevel // at the server; unspecified: the handshake fails
	}{
		{"checked server", &pb.TlsOptions{}, &pb.TlsOptions{CaFile: ca}, pb.TlsLevel_TLS_LEVEL_ENCRYPTED},
		{"both checked", &pb.TlsOptions{CaFile: ca, RequireClientCertificate: true}, &pb.TlsOptions{CaFile: ca, CertificateFile: cert, KeyFile: key}, pb.TlsLevel_TLS_LEVEL_BOTH_AUTH},
		{"client checked if it likes", &pb.TlsOptions{CaFile: ca}, &pb.TlsOptions{CaFile: ca}, pb.TlsLevel_TLS_LEVEL_ENCRYPTED},
		{"nothing checked", &pb.TlsOptions{}, &pb.TlsOptions{InsecureSkipVerify: true}, pb.TlsLevel_TLS_LEVEL_ENCRYPTED},
		{"any name", &pb.TlsOptions{}, &pb.TlsOptions{CaFile: ca, ServerName: "example.com", SkipServerNameCheck: true}, pb.TlsLevel_TLS_LEVEL_ENCRYPTED},
		{"unknown authority", &pb.TlsOptions{}, &pb.TlsOptions{}, 0},
		{"another name", &pb.TlsOptions{}, &pb.TlsOptions{CaFile: ca, ServerName: "example.com"}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.server.CertificateFile, c.server.KeyFile = cert, key
			bound := bind(t, client, &pb.EndpointOptions{Tls: c.server})
			connected, err := client.Connect(testContext(t), &pb.ConnectRequest{
				Address: "localhost:" + portOf(bound), Wait: pb.ConnectWait_CONNECT_WAIT_HANDSHAKE,
				Options: &pb.EndpointOptions{Tls: c.client, Packets: []*pb.Packet{{Name: "echo"}, {Name: "other"}}},
			})
			if c.level == 0 {
				require.Contains(t, requireFailure(t, err, codes.FailedPrecondition, "HANDSHAKE_FAILED"), "tlsfailed")
				return
			}
			require.NoError(t, err)
			listed, err := client.ListConnections(testContext(t), &pb.ListConnectionsRequest{EndpointId: bound.GetEndpointId()})
			require.NoError(t, err)
			require.Equal(t, c.level, listed.GetConnections()[0].GetTlsLevel())
			_, err = client.Stop(testContext(t), &pb.StopRequest{EndpointId: connected.GetEndpointId()})
			require.NoError(t, err)
		})
	}
}

func TestTLSOptionsThatMakeNoSense(t *testing.T) {
	s := start(t, Options{})
	client := s.client(t, gameToken)
	id := tlstest.NewAuthority(t).Issue(t, "localhost")
	cert, key := id.CertificateFile, id.KeyFile
	for _, test := range []struct {
		server  bool
		options *pb.TlsOptions
		field   string
		problem string
	}{
		{true, &pb.TlsOptions{}, "certificate_file", "a server needs a certificate"},
		{true, &pb.TlsOptions{CertificateFile: key, KeyFile: cert}, "certificate_file", "cannot be used"},
		{true, &pb.TlsOptions{CertificateFile: cert}, "key_file", "is missing"},
		{true, &pb.TlsOptions{CertificateFile: cert, KeyFile: "none"}, "key_file", "no such file"},
		{true, &pb.TlsOptions{CertificateFile: cert, KeyFile: key, CaFile: key}, "ca_file", "no PEM certificate"},
		{true, &pb.TlsOptions{CertificateFile: cert, KeyFile: key, RequireClientCertificate: true}, "ca_file", "is missing"},
		{true, &pb.TlsOptions{CertificateFile: cert, KeyFile: key, ServerName: "a"}, "server_name", "for clients"},
		{true, &pb.TlsOptions{CertificateFile: cert, KeyFile: key, InsecureSkipVerify: true}, "insecure_skip_verify", "for clients"},
		{true, &pb.TlsOptions{CertificateFile: cert, KeyFile: key, SkipServerNameCheck: true}, "skip_server_name_check", "for clients"},
		{false, &pb.TlsOptions{KeyFile: key}, "certificate_file", "is missing"},
		{false, &pb.TlsOptions{CaFile: key}, "ca_file", "no PEM certificate"},
		{false, &pb.TlsOptions{RequireClientCertificate: true}, "require_client_certificate", "for servers"},
	} {
		var err error
		if test.server {
			_, err = client.Bind(testContext(t), &pb.BindRequest{Options: &pb.EndpointOptions{Tls: test.options}})
		} else {
			_, err = client.Connect(testContext(t), &pb.ConnectRequest{Address: "127.0.0.1:1", Options: &pb.EndpointOptions{Tls: test.options}})
		}
		require.Contains(t, requireInvalid(t, err, "options.tls."+test.field), test.problem)
	}
}

// TestRenewedCertificates: new connections get the new certificate, and established ones stay.
func TestRenewedCertificates(t *testing.T) {
	s := start(t, Options{})
	client := s.client(t, gameToken)
	former, present := tlstest.NewAuthority(t), tlstest.NewAuthority(t)
	id, renewed := former.Issue(t, "localhost"), present.Issue(t, "localhost")
	bound := bind(t, client, &pb.EndpointOptions{Tls: &pb.TlsOptions{CertificateFile: id.CertificateFile, KeyFile: id.KeyFile}})
	connect := func(ca string) (*pb.ConnectResponse, error) {
		return client.Connect(testContext(t), &pb.ConnectRequest{
			Address: "localhost:" + portOf(bound), Wait: pb.ConnectWait_CONNECT_WAIT_HANDSHAKE,
			Options: &pb.EndpointOptions{Tls: &pb.TlsOptions{CaFile: ca}, Packets: []*pb.Packet{{Name: "echo"}, {Name: "other"}}},
		})
	}
	first, err := connect(former.File)
	require.NoError(t, err)
	require.NoError(t, os.Rename(renewed.CertificateFile, id.CertificateFile))
	require.NoError(t, os.Rename(renewed.KeyFile, id.KeyFile))
	_, err = connect(former.File)
	requireFailure(t, err, codes.FailedPrecondition, "HANDSHAKE_FAILED")
	_, err = connect(present.File)
	require.NoError(t, err)
	_, err = client.SendMessage(testContext(t), &pb.SendMessageRequest{EndpointId: first.GetEndpointId(), Message: echo(0, msgpackBody("\xc0"))})
	require.NoError(t, err)
	events := subscribe(t, client, &pb.SubscribeRequest{EndpointId: bound.GetEndpointId()})
	awaitRecv(t, events, 64)
}
