//go:build !windows

package main

import (
	"bufio"
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	client "github.com/pengbridge/pengbridge/clients/go"
	"github.com/pengbridge/pengbridge/sidecar/launch"
)

// attached is a sidecar that was started by hand.
type attached struct {
	ready   launch.Ready
	tokens  string // file
	log     *bufio.Reader
	command *exec.Cmd
}

// serve starts the command with a token file, and more arguments, and waits for its ready file.
func serve(t *testing.T, args ...string) *attached {
	t.Helper()
	a := &attached{tokens: filepath.Join(t.TempDir(), "tokens")}
	require.NoError(t, launch.WriteTokenFile(a.tokens, launch.Token{Secret: launch.NewSecret(), Owner: "game"}))
	readyFile := filepath.Join(t.TempDir(), "ready.json")
	args = append([]string{"serve", "--token-file", a.tokens, "--ready-file", readyFile}, args...)
	a.command = exec.CommandContext(t.Context(), program(t, "pengbridge"), args...)
	stderr, err := a.command.StderrPipe()
	require.NoError(t, err)
	a.log = bufio.NewReader(stderr)
	require.NoError(t, a.command.Start())
	t.Cleanup(func() { _ = a.command.Wait() })
	require.Eventually(t, func() bool {
		data, err := os.ReadFile(readyFile)
		return err == nil && json.Unmarshal(data, &a.ready) == nil
	}, wait, 5*time.Millisecond)
	assert.Equal(t, a.command.Process.Pid, a.ready.PID)
	return a
}

// end asks the sidecar to end, and expects it to end well.
func (a *attached) end(t *testing.T) {
	t.Helper()
	require.NoError(t, a.command.Process.Signal(syscall.SIGTERM))
	_, err := io.Copy(io.Discard, a.log)
	require.NoError(t, err)
	require.NoError(t, a.command.Wait())
}

func TestServeWithTLS(t *testing.T) {
	cert, key, authority := selfSigned(t)
	a := serve(t, "--listen", "0.0.0.0:0", "--tls-cert", cert, "--tls-key", key)
	_, port, err := net.SplitHostPort(a.ready.Address)
	require.NoError(t, err)
	address := "127.0.0.1:" + port

	trusting := client.AttachOptions{TokenFile: a.tokens, TLS: &tls.Config{RootCAs: authority, ServerName: "sidecar"}}
	sidecar, err := client.Attach(timeout(t), address, trusting)
	require.NoError(t, err)
	require.NoError(t, sidecar.Close())

	_, err = client.Attach(timeout(t), address, client.AttachOptions{TokenFile: a.tokens, TLS: &tls.Config{}})
	assert.ErrorContains(t, err, "certificate")
	_, err = client.Attach(timeout(t), address, client.AttachOptions{TokenFile: a.tokens})
	assert.Equal(t, codes.Unavailable, status.Code(err), "not without TLS")
	a.end(t)
}

func TestServeMetrics(t *testing.T) {
	a := serve(t, "--listen", "127.0.0.1:0", "--metrics", "127.0.0.1:0", "--memory-budget", "64MiB")
	var url string
	for url == "" {
		line, err := a.log.ReadString('\n')
		require.NoError(t, err)
		url = regexp.MustCompile(`http://[^ \n]*/metrics`).FindString(line)
	}
	sidecar, err := client.Attach(timeout(t), a.ready.Address, client.AttachOptions{TokenFile: a.tokens})
	require.NoError(t, err)
	require.NoError(t, sidecar.Close())

	request, err := http.NewRequestWithContext(timeout(t), http.MethodGet, url, nil)
	require.NoError(t, err)
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	http.DefaultClient.CloseIdleConnections()
	for _, name := range []string{"go_goroutines", "process_start_time_seconds", "grpc_server_handled_total", "pengbridge_memory_budget_bytes 6.7108864e+07"} {
		assert.True(t, bytes.Contains(body, []byte(name)), name)
	}
	a.end(t)
}

// selfSigned returns the files of a certificate for the name "sidecar", and the pool that trusts it.
func selfSigned(t *testing.T) (certFile, keyFile string, authority *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		DNSNames:     []string{"sidecar"},
		NotAfter:     time.Now().Add(time.Hour),
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	certPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert})
	keyPEM := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	certFile, keyFile = filepath.Join(t.TempDir(), "cert.pem"), filepath.Join(t.TempDir(), "key.pem")
	require.NoError(t, os.WriteFile(certFile, certPEM, 0o600))
	require.NoError(t, os.WriteFile(keyFile, keyPEM, 0o600))
	authority = x509.NewCertPool()
	require.True(t, authority.AppendCertsFromPEM(certPEM))
	return certFile, keyFile, authority
}
