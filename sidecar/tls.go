package sidecar

// TLS for game traffic: certificate files become a tls.Config.

import (
	"crypto/tls"
	"crypto/x509"
	"os"

	pb "github.com/pengbridge/pengbridge/api/pengbridge/v1"
)

// serverTLS returns the configuration of a server, or nil if none is asked for.
func serverTLS(o *pb.TlsOptions) (*tls.Config, error) {
	if o == nil {
		return nil, nil
	}
	if o.GetCertificateFile() == "" {
		return nil, invalid("tls.certificate_file", "is missing: a server needs a certificate")
	}
	config, err := baseTLS(o)
	if err != nil {
		return nil, err
	}
	if config.ClientCAs, err = authorities(o.GetCaFile()); err != nil {
		return nil, err
	}
	switch {
	case o.GetRequireClientCertificate() && config.ClientCAs == nil:
		return nil, invalid("tls.ca_file", "is missing: it must name who signs the clients' certificates")
	case o.GetRequireClientCertificate():
		config.ClientAuth = tls.RequireAndVerifyClientCert
	case config.ClientCAs != nil:
		config.ClientAuth = tls.VerifyClientCertIfGiven
	}
	return config, nil
}

// clientTLS returns the configuration of a client, or nil if none is asked for. Core fills in the server's name where
// none is given.
func clientTLS(o *pb.TlsOptions) (*tls.Config, error) {
	if o == nil {
		return nil, nil
	}
	config, err := baseTLS(o)
	if err != nil {
		return nil, err
	}
	if config.RootCAs, err = authorities(o.GetCaFile()); err != nil {
		return nil, err
	}
	config.ServerName = o.GetServerName()
	config.InsecureSkipVerify = o.GetInsecureSkipVerify() // the caller's explicit wish; its field says what it costs
	return config, nil
}

// baseTLS has what both sides share: the versions, and our own certificate if there is one.
func baseTLS(o *pb.TlsOptions) (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	switch {
	case o.GetCertificateFile() == "" && o.GetKeyFile() == "":
		return config, nil
	case o.GetCertificateFile() == "":
		return nil, invalid("tls.certificate_file", "is missing: key_file alone is of no use")
	case o.GetKeyFile() == "":
		return nil, invalid("tls.key_file", "is missing: certificate_file needs its private key")
	}
	certificate, err := tls.LoadX509KeyPair(o.GetCertificateFile(), o.GetKeyFile())
	if err != nil {
		return nil, invalid("tls.certificate_file", "or key_file cannot be used: %v", err)
	}
	config.Certificates = []tls.Certificate{certificate}
	return config, nil
}

// authorities reads the certificates of a PEM file; nil if no file is named.
func authorities(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, invalid("tls.ca_file", "cannot be read: %v", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, invalid("tls.ca_file", "holds no PEM certificate")
	}
	return pool, nil
}
