// Package tlstest makes certificates for tests.
package tlstest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Authority signs certificates.
type Authority struct {
	// File is the PEM file of its own certificate.
	File string
	// Pool trusts it alone.
	Pool *x509.CertPool

	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

// Identity is a certificate with its key, in PEM files.
type Identity struct{ CertificateFile, KeyFile string }

// NewAuthority makes an authority that lives as long as the test.
func NewAuthority(tb testing.TB) *Authority {
	tb.Helper()
	key := newKey(tb)
	template := &x509.Certificate{
		Subject: pkix.Name{CommonName: "authority " + rand.Text()},
		IsCA:    true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der := sign(tb, template, key, template, key)
	certificate, err := x509.ParseCertificate(der)
	require.NoError(tb, err)
	a := &Authority{File: filepath.Join(tb.TempDir(), "ca.pem"), Pool: x509.NewCertPool(), certificate: certificate, key: key}
	a.Pool.AddCert(certificate)
	write(tb, a.File, "CERTIFICATE", der)
	return a
}

// Issue signs a certificate for servers and clients with a name, good for localhost's addresses as well.
func (a *Authority) Issue(tb testing.TB, name string) Identity {
	tb.Helper()
	key := newKey(tb)
	der := sign(tb, &x509.Certificate{
		Subject:     pkix.Name{CommonName: name},
		DNSNames:    []string{name},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}, key, a.certificate, a.key)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(tb, err)
	folder := tb.TempDir()
	id := Identity{filepath.Join(folder, "cert.pem"), filepath.Join(folder, "key.pem")}
	write(tb, id.CertificateFile, "CERTIFICATE", der)
	write(tb, id.KeyFile, "PRIVATE KEY", pkcs8)
	return id
}

// Certificate returns what the files hold.
func (i Identity) Certificate(tb testing.TB) tls.Certificate {
	tb.Helper()
	certificate, err := tls.LoadX509KeyPair(i.CertificateFile, i.KeyFile)
	require.NoError(tb, err)
	return certificate
}

func newKey(tb testing.TB) *ecdsa.PrivateKey {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(tb, err)
	return key
}

// sign completes a certificate for a key, and signs it.
func sign(tb testing.TB, template *x509.Certificate, key *ecdsa.PrivateKey, parent *x509.Certificate, signer *ecdsa.PrivateKey) []byte {
	tb.Helper()
	var err error
	template.SerialNumber, err = rand.Int(rand.Reader, big.NewInt(1<<62))
	require.NoError(tb, err)
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	require.NoError(tb, err)
	return der
}

func write(tb testing.TB, path, kind string, der []byte) {
	tb.Helper()
	require.NoError(tb, os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600))
}
