package tlsfile_test

import (
	"bytes"
	"crypto/tls"
	"io"
	"log/slog"
	"net"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pengbridge/pengbridge/sidecar/tlsfile"
	"github.com/pengbridge/pengbridge/sidecar/tlsfile/tlstest"
)

// handshake connects a client with a server, and returns the name that the server has shown, and the errors of both.
func handshake(t *testing.T, client, server *tls.Config) (met string, clientErr, serverErr error) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0") // both ends may write at the same time, which net.Pipe does not allow
	require.NoError(t, err)
	near, err := net.Dial("tcp", listener.Addr().String())
	require.NoError(t, err)
	far, err := listener.Accept()
	require.NoError(t, err)
	require.NoError(t, listener.Close())
	c, s := tls.Client(near, client), tls.Server(far, server)
	var wg sync.WaitGroup
	wg.Go(func() {
		if serverErr = s.Handshake(); serverErr == nil {
			_, serverErr = s.Write([]byte("!")) // a client of TLS 1.3 learns by it what the server thinks of its certificate
		}
		_ = far.Close()
	})
	if clientErr = c.Handshake(); clientErr == nil {
		met = c.ConnectionState().PeerCertificates[0].Subject.CommonName
		_, clientErr = io.ReadFull(c, make([]byte, 1))
	}
	_ = near.Close()
	wg.Wait()
	return met, clientErr, serverErr
}

func files(id tlstest.Identity, ca string) tlsfile.Files {
	return tlsfile.Files{Certificate: id.CertificateFile, Key: id.KeyFile, CA: ca}
}

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }

func server(t *testing.T, f tlsfile.Files, requireClient bool) *tls.Config {
	t.Helper()
	config, err := tlsfile.Server(f, requireClient, discard())
	require.NoError(t, err)
	return config
}

func TestWhoIsTrusted(t *testing.T) {
	ours, theirs := tlstest.NewAuthority(t), tlstest.NewAuthority(t)
	good, stranger := ours.Issue(t, "game"), theirs.Issue(t, "game")
	named := tlsfile.ClientOptions{ServerName: "game"}
	for name, test := range map[string]struct {
		server        tlsfile.Files
		requireClient bool
		client        tlsfile.Files
		options       tlsfile.ClientOptions
		clientErr     string
		serverErr     string
	}{
		"checked":                {files(good, ""), false, tlsfile.Files{CA: ours.File}, named, "", ""},
		"another name":           {files(good, ""), false, tlsfile.Files{CA: ours.File}, tlsfile.ClientOptions{ServerName: "evil"}, "not evil", "bad certificate"},
		"any name":               {files(good, ""), false, tlsfile.Files{CA: ours.File}, tlsfile.ClientOptions{ServerName: "evil", SkipNameCheck: true}, "", ""},
		"any name, not any hand": {files(stranger, ""), false, tlsfile.Files{CA: ours.File}, tlsfile.ClientOptions{ServerName: "game", SkipNameCheck: true}, "unknown authority", "bad certificate"},
		"anybody":                {files(stranger, ""), false, tlsfile.Files{CA: ours.File}, tlsfile.ClientOptions{ServerName: "evil", SkipVerify: true}, "", ""},
		"system's authorities":   {files(good, ""), false, tlsfile.Files{}, named, "unknown authority", "bad certificate"},
		"both checked":           {files(good, ours.File), true, files(good, ours.File), named, "", ""},
		"no client certificate":  {files(good, ours.File), true, tlsfile.Files{CA: ours.File}, named, "certificate required", "didn't provide"},
		"a stranger":             {files(good, ours.File), true, files(stranger, ours.File), named, "certificate required", "didn't provide"},
		"a stranger, unasked":    {files(good, ours.File), false, files(stranger, ours.File), named, "", ""}, // shows none: nobody would take it
		"nobody, unasked":        {files(good, ours.File), false, tlsfile.Files{CA: ours.File}, named, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			config, err := tlsfile.Client(test.client, test.options)
			require.NoError(t, err)
			_, clientErr, serverErr := handshake(t, config, server(t, test.server, test.requireClient))
			for err, want := range map[*error]string{&clientErr: test.clientErr, &serverErr: test.serverErr} {
				if want == "" {
					require.NoError(t, *err)
				} else {
					require.ErrorContains(t, *err, want)
				}
			}
		})
	}
}

func TestOldVersionsAreRefused(t *testing.T) {
	ours := tlstest.NewAuthority(t)
	config, err := tlsfile.Client(tlsfile.Files{CA: ours.File}, tlsfile.ClientOptions{ServerName: "game"})
	require.NoError(t, err)
	config.MinVersion, config.MaxVersion = tls.VersionTLS11, tls.VersionTLS11
	_, _, serverErr := handshake(t, config, server(t, files(ours.Issue(t, "game"), ""), false))
	require.ErrorContains(t, serverErr, "unsupported versions")
}

// replace puts the contents of a file into the place of another, as renewals do.
func replace(t *testing.T, path, by string) {
	t.Helper()
	data, err := os.ReadFile(by)
	require.NoError(t, err)
	fresh := path + ".new"
	require.NoError(t, os.WriteFile(fresh, data, 0o600))
	require.NoError(t, os.Rename(fresh, path))
}

func TestRenewal(t *testing.T) {
	ours := tlstest.NewAuthority(t)
	id := ours.Issue(t, "first")
	renewed := ours.Issue(t, "second")
	var log bytes.Buffer
	config, err := tlsfile.Server(files(id, ""), false, slog.New(slog.NewTextHandler(&log, nil)))
	require.NoError(t, err)
	client := &tls.Config{RootCAs: ours.Pool, ServerName: "127.0.0.1"}
	meet := func(want string) {
		t.Helper()
		met, clientErr, serverErr := handshake(t, client, config)
		require.NoError(t, clientErr)
		require.NoError(t, serverErr)
		require.Equal(t, want, met)
	}
	meet("first")
	replace(t, id.CertificateFile, renewed.CertificateFile)
	meet("first") // the key is still the old one's
	meet("first")
	require.Equal(t, 1, strings.Count(log.String(), "level=WARN"), "%s", &log)
	replace(t, id.KeyFile, renewed.KeyFile)
	meet("second")
	require.Contains(t, log.String(), "in force")
	require.NoError(t, os.Remove(id.KeyFile))
	meet("second")
	require.Equal(t, 2, strings.Count(log.String(), "level=WARN"), "%s", &log)
	replace(t, id.KeyFile, renewed.KeyFile)
	meet("second")
}

// TestRenewalOfAuthorities: clients that a former authority vouched for come in no more.
func TestRenewalOfAuthorities(t *testing.T) {
	ours, former := tlstest.NewAuthority(t), tlstest.NewAuthority(t)
	id, player := ours.Issue(t, "game"), former.Issue(t, "player")
	config := server(t, files(id, former.File), true)
	client := &tls.Config{RootCAs: ours.Pool, ServerName: "game", Certificates: []tls.Certificate{player.Certificate(t)}}
	_, clientErr, _ := handshake(t, client, config)
	require.NoError(t, clientErr)
	replace(t, former.File, ours.File)
	_, _, serverErr := handshake(t, client, config)
	require.Error(t, serverErr)
}

// TestRenewalAtOnce renews while many shake hands, for the race detector.
func TestRenewalAtOnce(t *testing.T) {
	ours := tlstest.NewAuthority(t)
	id := ours.Issue(t, "game")
	config := server(t, files(id, ""), false)
	client := &tls.Config{RootCAs: ours.Pool, ServerName: "game"}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 5 {
				_, clientErr, _ := handshake(t, client, config)
				if clientErr != nil {
					t.Error(clientErr)
				}
			}
		})
	}
	for range 5 {
		replace(t, id.CertificateFile, id.CertificateFile)
	}
	wg.Wait()
}

func TestFilesThatCannotBeUsed(t *testing.T) {
	ours := tlstest.NewAuthority(t)
	id, other := ours.Issue(t, "game"), ours.Issue(t, "other")
	type problem struct {
		files   tlsfile.Files
		field   tlsfile.Field
		message string
	}
	both := map[string]problem{
		"no certificate":     {tlsfile.Files{Key: id.KeyFile}, tlsfile.CertificateFile, "certificate file is missing"},
		"no key":             {tlsfile.Files{Certificate: id.CertificateFile}, tlsfile.KeyFile, "key file is missing"},
		"absent certificate": {tlsfile.Files{Certificate: "none.pem", Key: id.KeyFile}, tlsfile.CertificateFile, "none.pem: no such file"},
		"absent key":         {tlsfile.Files{Certificate: id.CertificateFile, Key: "none.pem"}, tlsfile.KeyFile, "none.pem: no such file"},
		"absent CA":          {tlsfile.Files{Certificate: id.CertificateFile, Key: id.KeyFile, CA: "none.pem"}, tlsfile.CAFile, "none.pem: no such file"},
		"another's key":      {tlsfile.Files{Certificate: id.CertificateFile, Key: other.KeyFile}, tlsfile.CertificateFile, "does not match"},
		"exchanged":          {tlsfile.Files{Certificate: id.KeyFile, Key: id.CertificateFile}, tlsfile.CertificateFile, "cannot be used"},
		"CA without any":     {tlsfile.Files{Certificate: id.CertificateFile, Key: id.KeyFile, CA: id.KeyFile}, tlsfile.CAFile, "no PEM certificate"},
	}
	for name, test := range both {
		t.Run(name, func(t *testing.T) {
			_, serverErr := tlsfile.Server(test.files, false, discard())
			_, clientErr := tlsfile.Client(test.files, tlsfile.ClientOptions{})
			for _, err := range []error{serverErr, clientErr} {
				var wrong *tlsfile.Error
				require.ErrorAs(t, err, &wrong)
				require.Equal(t, test.field, wrong.Field)
				require.ErrorContains(t, err, test.message)
			}
		})
	}
	_, err := tlsfile.Server(tlsfile.Files{}, false, discard())
	require.ErrorContains(t, err, "a server needs a certificate")
	_, err = tlsfile.Server(files(id, ""), true, discard())
	require.ErrorContains(t, err, "CA file is missing")
}
