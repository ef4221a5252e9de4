package sidecar

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"

	pb "github.com/pengbridge/pengbridge/api/pengbridge/v1"
)

// certificate writes a certificate for localhost that signs itself, and its key.
func certificate(t *testing.T) (certificateFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: "localhost"},
		DNSNames:              []string{"localhost"},
		NotBefore:             time.Now().Add(-time.Hour),
		NotAfter:              time.Now().Add(time.Hour),
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	signed, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	certificateFile, keyFile = filepath.Join(t.TempDir(), "cert.pem"), filepath.Join(t.TempDir(), "key.pem")
	require.NoError(t, os.WriteFile(certificateFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: signed}), 0o600))
	require.NoError(t, os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}), 0o600))
	return certificateFile, keyFile
}

func TestTLS(t *testing.T) { // section F: in the reference it never works
	s := start(t, Options{})
	client := s.client(t, gameToken)
	cert, key := certificate(t)
	for _, c := range []struct {
		name           string
		server, client *pb.TlsOptions
		level          pb.TlsLevel // at the server; unspecified: the handshake fails
	}{
		{"checked server", &pb.TlsOptions{}, &pb.TlsOptions{CaFile: cert}, pb.TlsLevel_TLS_LEVEL_ENCRYPTED},
		{"both checked", &pb.TlsOptions{CaFile: cert, RequireClientCertificate: true}, &pb.TlsOptions{CaFile: cert, CertificateFile: cert, KeyFile: key}, pb.TlsLevel_TLS_LEVEL_BOTH_AUTH},
		{"client checked if it likes", &pb.TlsOptions{CaFile: cert}, &pb.TlsOptions{CaFile: cert}, pb.TlsLevel_TLS_LEVEL_ENCRYPTED},
		{"nothing checked", &pb.TlsOptions{}, &pb.TlsOptions{InsecureSkipVerify: true}, pb.TlsLevel_TLS_LEVEL_ENCRYPTED},
		{"unknown authority", &pb.TlsOptions{}, &pb.TlsOptions{}, 0},
		{"another name", &pb.TlsOptions{}, &pb.TlsOptions{CaFile: cert, ServerName: "example.com"}, 0},
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

func TestTLSFilesThatCannotBeUsed(t *testing.T) {
	s := start(t, Options{})
	client := s.client(t, gameToken)
	cert, key := certificate(t)
	for field, options := range map[string]*pb.TlsOptions{
		"options.tls.certificate_file": {CertificateFile: key, KeyFile: cert},
		"options.tls.ca_file":          {CertificateFile: cert, KeyFile: key, CaFile: key},
	} {
		_, err := client.Bind(testContext(t), &pb.BindRequest{Options: &pb.EndpointOptions{Tls: options}})
		requireInvalid(t, err, field)
	}
	_, err := client.Bind(testContext(t), &pb.BindRequest{Options: &pb.EndpointOptions{Tls: &pb.TlsOptions{}}})
	require.Contains(t, requireInvalid(t, err, "options.tls.certificate_file"), "a server needs a certificate")
	_, err = client.Bind(testContext(t), &pb.BindRequest{Options: &pb.EndpointOptions{Tls: &pb.TlsOptions{
		CertificateFile: cert, KeyFile: key, RequireClientCertificate: true,
	}}})
	requireInvalid(t, err, "options.tls.ca_file")
}
