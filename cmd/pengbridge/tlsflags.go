package main

import (
	"crypto/tls"
	"errors"
	"fmt"

	"github.com/pengbridge/pengbridge/sidecar/tlsfile"
)

// tlsFlags say how to connect with TLS: to a sidecar that was started with --tls-cert, or to a game server.
type tlsFlags struct {
	TLS     bool   `name:"tls" help:"Connect with TLS. The other --tls flags imply it."`
	TLSCA   string `name:"tls-ca" type:"path" placeholder:"FILE" help:"PEM certificates of the authorities that sign the other side's certificate. Not given: the system's authorities."`
	TLSCert string `name:"tls-cert" type:"path" placeholder:"FILE" help:"PEM certificate chain to show when the other side asks for one."`
	TLSKey  string `name:"tls-key" type:"path" placeholder:"FILE" help:"PEM private key of --tls-cert."`
	TLSName string `name:"tls-name" placeholder:"NAME" help:"What the other side's certificate must name, if that is not the address's host."`
}

// config returns the configuration, or nil for a plain connection.
func (f tlsFlags) config() (*tls.Config, error) {
	if f == (tlsFlags{}) {
		return nil, nil
	}
	files := tlsfile.Files{Certificate: f.TLSCert, Key: f.TLSKey, CA: f.TLSCA}
	config, err := tlsfile.Client(files, tlsfile.ClientOptions{ServerName: f.TLSName})
	if wrong, ok := errors.AsType[*tlsfile.Error](err); ok {
		flag := [...]string{
			tlsfile.CertificateFile: "--tls-cert", tlsfile.KeyFile: "--tls-key", tlsfile.CAFile: "--tls-ca",
		}[wrong.Field]
		return nil, fmt.Errorf("%s: the file %s", flag, wrong.Problem)
	}
	return config, err
}
