//go:build !windows

package main

import (
	"debug/elf"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"

	pb "github.com/pengbridge/pengbridge/api/pengbridge/v1"
	client "github.com/pengbridge/pengbridge/clients/go"
	"github.com/pengbridge/pengbridge/core/session"
)

func operations(t *testing.T) string {
	t.Helper()
	page, err := os.ReadFile("../../docs/operations.md")
	require.NoError(t, err)
	return string(page)
}

// TestTheBinaryNeedsNoOtherFile: an image FROM scratch has none, not even the dynamic linker.
func TestTheBinaryNeedsNoOtherFile(t *testing.T) {
	built := os.Getenv(client.BinaryVariable)
	if runtime.GOOS != "linux" || built == "" {
		t.Skip("it is make that builds it and names it, and elsewhere the system's libraries are always used")
	}
	binary, err := elf.Open(built)
	require.NoError(t, err)
	defer binary.Close()
	for _, part := range binary.Progs {
		require.NotEqual(t, elf.PT_INTERP, part.Type)
	}
}

// TestTheDocumentedMetrics are those that there are, no more and no fewer, and so are the reasons of closed connections.
func TestTheDocumentedMetrics(t *testing.T) {
	documented := make(map[string]bool)
	for _, name := range regexp.MustCompile("`((pengbridge|grpc)_[a-z_]+)`").FindAllStringSubmatch(operations(t), -1) {
		documented[name[1]] = true
	}
	a := serve(t, "--listen", "127.0.0.1:0", "--metrics", "127.0.0.1:0")
	url := a.metricsURL(t)
	sidecar, err := client.Attach(timeout(t), a.ready.Address, client.AttachOptions{TokenFile: a.tokens})
	require.NoError(t, err)
	_, err = sidecar.API.Bind(timeout(t), &pb.BindRequest{Address: "127.0.0.1:0"})
	require.NoError(t, err)
	request, err := http.NewRequestWithContext(timeout(t), http.MethodGet, url, nil)
	require.NoError(t, err)
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(response.Body)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	http.DefaultClient.CloseIdleConnections()
	served := make(map[string]bool)
	for name := range families {
		if !strings.HasPrefix(name, "go_") && !strings.HasPrefix(name, "process_") {
			served[name] = true
		}
	}
	require.Equal(t, served, documented)
	for _, cause := range session.Causes() {
		require.Contains(t, operations(t), "`"+cause+"`")
	}
	require.NoError(t, sidecar.Close())
	a.end(t)
}

// TestThePagesNameWhatThereIs: files and tests of the security page, and the links of both.
func TestThePagesNameWhatThereIs(t *testing.T) {
	security, err := os.ReadFile("../../SECURITY.md")
	require.NoError(t, err)
	link, file := regexp.MustCompile(`\]\(([a-z][^)#:]*)[)#]`), regexp.MustCompile("`((?:core|sidecar|cmd|clients)/[a-zA-Z0-9_./]+)`")
	var named []string
	for _, found := range append(link.FindAllStringSubmatch(string(security), -1), file.FindAllStringSubmatch(string(security), -1)...) {
		named = append(named, filepath.Join("../..", found[1]))
	}
	for _, found := range link.FindAllStringSubmatch(operations(t), -1) {
		named = append(named, filepath.Join("../../docs", found[1]))
	}
	require.Greater(t, len(named), 10)
	for _, path := range named {
		_, err := os.Stat(path)
		require.NoError(t, err)
	}
}

// TestTheDocumentedUnit: what the systemd unit starts, serves.
func TestTheDocumentedUnit(t *testing.T) {
	unit, err := os.ReadFile("../../docs/systemd/pengbridge.service")
	require.NoError(t, err)
	line := regexp.MustCompile(`(?m)^ExecStart=\S+ serve (.*)$`).FindStringSubmatch(string(unit))
	require.NotNil(t, line)
	folder, err := os.MkdirTemp("", "pb") // short enough for a socket
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	var args []string
	skip := false
	for _, arg := range strings.Fields(strings.ReplaceAll(line[1], "%t/pengbridge", folder)) {
		switch { // the test's own files take their place
		case skip:
			skip = false
		case arg == "--token-file", arg == "--ready-file":
			skip = true
		case arg == "127.0.0.1:9107":
			args = append(args, "127.0.0.1:0")
		default:
			args = append(args, arg)
		}
	}
	a := serve(t, args...)
	out, err := exec.CommandContext(timeout(t), program(t, "pengbridge"), "health", "unix:"+filepath.Join(folder, "api.sock")).CombinedOutput()
	require.NoError(t, err, "%s", out)
	a.end(t)
}
