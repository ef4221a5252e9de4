//go:build unix

package tlsfile_test

import (
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pengbridge/pengbridge/sidecar/tlsfile"
)

// TestNobodyWritesThePipe: a named pipe would make us wait until somebody does.
func TestNobodyWritesThePipe(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	require.NoError(t, syscall.Mkfifo(pipe, 0o600))
	_, err := tlsfile.Client(tlsfile.Files{CA: pipe}, tlsfile.ClientOptions{})
	require.ErrorContains(t, err, "not an ordinary file")
}
