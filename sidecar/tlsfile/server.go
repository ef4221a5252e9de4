package tlsfile

import (
	"crypto/tls"
	"log/slog"
	"os"
	"sync"
)

// Server returns a server's configuration, for TLS 1.2 and later. With CA, the certificates of clients are checked, and
// requireClient makes every client have one. The configuration follows the files: each handshake looks whether they were
// replaced. New files that cannot be used, for example because the new key is not there yet, are logged once and leave the old
// ones in force. Errors, about the files as they are now, are of type [*Error].
func Server(f Files, requireClient bool, logger *slog.Logger) (*tls.Config, error) {
	switch {
	case f.Certificate == "" && f.Key == "":
		return nil, &Error{CertificateFile, "is missing: a server needs a certificate"}
	case requireClient && f.CA == "":
		return nil, &Error{CAFile, "is missing: it must name who signs the clients' certificates"}
	}
	s := &server{files: f, requireClient: requireClient, logger: logger}
	s.seen = f.stat()
	var err error
	if s.config, err = s.read(); err != nil {
		return nil, err
	}
	return &tls.Config{
		MinVersion:         tls.VersionTLS12,
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return s.current(), nil },
	}, nil
}

// server is a configuration and the files that it came from. Any number of handshakes may ask for it concurrently.
type server struct {
	files         Files
	requireClient bool
	logger        *slog.Logger

	mu     sync.Mutex
	seen   [3]os.FileInfo // the files when they were last read, whether or not they could be used
	config *tls.Config    // what they held when they could last be used
}

// current returns the configuration for the next handshake.
func (s *server) current() *tls.Config {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.files.stat() // before reading: what is replaced meanwhile is found the next time
	if same(s.seen, now) {
		return s.config
	}
	s.seen = now
	config, err := s.read()
	if err != nil {
		s.logger.Warn("the TLS files were changed and cannot be used: the old ones stay in force",
			"error", err, "certificate", s.files.Certificate)
		return s.config
	}
	s.logger.Info("the TLS files were changed and are in force", "certificate", s.files.Certificate)
	s.config = config
	return config
}

func (s *server) read() (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	var err error
	if config.Certificates, err = s.files.identity(); err != nil {
		return nil, err
	}
	if config.ClientCAs, err = s.files.authorities(); err != nil {
		return nil, err
	}
	switch {
	case s.requireClient:
		config.ClientAuth = tls.RequireAndVerifyClientCert
	case config.ClientCAs != nil:
		config.ClientAuth = tls.VerifyClientCertIfGiven
	}
	return config, nil
}

// stat looks at the files without reading them. One that cannot be looked at is nil.
func (f Files) stat() (infos [3]os.FileInfo) {
	for i, path := range []string{f.Certificate, f.Key, f.CA} {
		if path != "" {
			infos[i], _ = os.Stat(path) // what is wrong is found by reading it
		}
	}
	return infos
}

func same(old, now [3]os.FileInfo) bool {
	for i := range old {
		switch {
		case old[i] == nil && now[i] == nil:
		case old[i] == nil || now[i] == nil:
			return false
		case !os.SameFile(old[i], now[i]), !old[i].ModTime().Equal(now[i].ModTime()), old[i].Size() != now[i].Size():
			return false
		}
	}
	return true
}
