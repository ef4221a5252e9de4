package sidecar

// TLS for game traffic: what a request says about files becomes a tls.Config.

import (
	"crypto/tls"
	"errors"
	"log/slog"

	pb "github.com/pengbridge/pengbridge/api/pengbridge/v1"
	"github.com/pengbridge/pengbridge/sidecar/tlsfile"
)

// serverTLS returns the configuration of a server, or nil if none is asked for.
func serverTLS(o *pb.TlsOptions, logger *slog.Logger) (*tls.Config, error) {
	if o == nil {
		return nil, nil
	}
	for _, field := range []struct {
		name  string
		given bool
	}{
		{"server_name", o.GetServerName() != ""},
		{"insecure_skip_verify", o.GetInsecureSkipVerify()},
		{"skip_server_name_check", o.GetSkipServerNameCheck()},
	} {
		if field.given {
			return nil, invalid("tls."+field.name, "is for clients: a server checks no server")
		}
	}
	config, err := tlsfile.Server(tlsFiles(o), o.GetRequireClientCertificate(), logger)
	return config, aboutFile(err)
}

// clientTLS returns the configuration of a client, or nil if none is asked for. Core fills in the server's name where
// none is given.
func clientTLS(o *pb.TlsOptions) (*tls.Config, error) {
	if o == nil {
		return nil, nil
	}
	if o.GetRequireClientCertificate() {
		return nil, invalid("tls.require_client_certificate", "is for servers: a client has no clients")
	}
	config, err := tlsfile.Client(tlsFiles(o), tlsfile.ClientOptions{
		ServerName:    o.GetServerName(),
		SkipNameCheck: o.GetSkipServerNameCheck(),
		SkipVerify:    o.GetInsecureSkipVerify(),
	})
	return config, aboutFile(err)
}

func tlsFiles(o *pb.TlsOptions) tlsfile.Files {
	return tlsfile.Files{Certificate: o.GetCertificateFile(), Key: o.GetKeyFile(), CA: o.GetCaFile()}
}

// aboutFile names the request's field in what is wrong with a file.
func aboutFile(err error) error {
	wrong, ok := errors.AsType[*tlsfile.Error](err)
	if !ok {
		return err
	}
	field := [...]string{
		tlsfile.CertificateFile: "certificate_file", tlsfile.KeyFile: "key_file", tlsfile.CAFile: "ca_file",
	}[wrong.Field]
	return invalid("tls."+field, "%s", wrong.Problem)
}
