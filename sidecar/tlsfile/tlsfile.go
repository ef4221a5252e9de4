// Package tlsfile makes TLS configurations from PEM files, for game traffic and for gRPC. A server's configuration follows its
// files: when they were replaced, as by certbot or cert-manager, the next handshake uses the new ones. Connections that are
// established go on, and nothing has to be restarted or signalled.
package tlsfile

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
)

// Field names one of Files' fields.
type Field uint8

// The fields.
const (
	CertificateFile Field = iota
	KeyFile
	CAFile
)

// Error says what is wrong with one of the files.
type Error struct {
	Field   Field
	Problem string // a predicate, such as "cannot be read: ..."
}

func (e *Error) Error() string {
	return [...]string{"the certificate file ", "the key file ", "the CA file "}[e.Field] + e.Problem
}

// Files are paths of PEM files. An empty one is not there.
type Files struct {
	// Certificate is our certificate, followed by the chain up to its authority.
	Certificate string
	// Key is the certificate's private key.
	Key string
	// CA has the certificates of the authorities that the peer's certificate is checked against.
	CA string
}

// identity reads our certificate. There is none if neither file is named.
func (f Files) identity() ([]tls.Certificate, error) {
	switch {
	case f.Certificate == "" && f.Key == "":
		return nil, nil
	case f.Certificate == "":
		return nil, &Error{CertificateFile, "is missing: a key alone is of no use"}
	case f.Key == "":
		return nil, &Error{KeyFile, "is missing: a certificate needs its private key"}
	}
	chain, err := read(f.Certificate)
	if err != nil {
		return nil, &Error{CertificateFile, "cannot be read: " + err.Error()}
	}
	key, err := read(f.Key)
	if err != nil {
		return nil, &Error{KeyFile, "cannot be read: " + err.Error()}
	}
	certificate, err := tls.X509KeyPair(chain, key)
	if err != nil {
		return nil, &Error{CertificateFile, fmt.Sprintf("or the key file cannot be used: %v", err)}
	}
	return []tls.Certificate{certificate}, nil
}

// authorities reads the certificates of the authorities that we trust; nil if no file is named.
func (f Files) authorities() (*x509.CertPool, error) {
	if f.CA == "" {
		return nil, nil
	}
	pem, err := read(f.CA)
	if err != nil {
		return nil, &Error{CAFile, "cannot be read: " + err.Error()}
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, &Error{CAFile, "holds no PEM certificate"}
	}
	return pool, nil
}

// ClientOptions are what a client's configuration says besides its files.
type ClientOptions struct {
	// ServerName is what the server's certificate must name. "": whoever dials fills it in.
	ServerName string
	// SkipNameCheck accepts any name, as long as an authority that we trust signed the certificate.
	SkipNameCheck bool
	// SkipVerify does not check the certificate at all.
	SkipVerify bool
}

// Client returns a client's configuration, for TLS 1.2 and later. The files are read once; without CA the system's
// authorities are trusted. Errors are of type [*Error].
func Client(f Files, o ClientOptions) (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: o.ServerName}
	var err error
	if config.Certificates, err = f.identity(); err != nil {
		return nil, err
	}
	if config.RootCAs, err = f.authorities(); err != nil {
		return nil, err
	}
	switch {
	case o.SkipVerify:
		config.InsecureSkipVerify = true // the caller's explicit wish
	case o.SkipNameCheck:
		config.InsecureSkipVerify = true // VerifyConnection checks everything but the name instead
		config.VerifyConnection = func(state tls.ConnectionState) error { return signedBy(config.RootCAs, state) }
	}
	return config, nil
}

// signedBy checks the server's certificate, whatever its name.
func signedBy(roots *x509.CertPool, state tls.ConnectionState) error {
	if len(state.PeerCertificates) == 0 {
		return errors.New("the server has no certificate")
	}
	between := x509.NewCertPool()
	for _, certificate := range state.PeerCertificates[1:] {
		between.AddCert(certificate)
	}
	_, err := state.PeerCertificates[0].Verify(x509.VerifyOptions{Roots: roots, Intermediates: between})
	return err
}
