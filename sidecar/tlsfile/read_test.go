package tlsfile_test

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pengbridge/pengbridge/sidecar/tlsfile"
	"github.com/pengbridge/pengbridge/sidecar/tlsfile/tlstest"
)

// TestNoOrdinaryFile: what an application names is read only if that ends soon, and takes little memory.
func TestNoOrdinaryFile(t *testing.T) {
	dir := t.TempDir()
	huge := filepath.Join(dir, "huge")
	require.NoError(t, os.WriteFile(huge, nil, 0o600))
	require.NoError(t, os.Truncate(huge, 1<<40)) // of nothing: it takes no room on the disk
	good := tlstest.NewAuthority(t).Issue(t, "game")
	for path, problem := range map[string]string{huge: "more than 1048576 bytes", dir: "not an ordinary file"} {
		for field, f := range map[tlsfile.Field]tlsfile.Files{
			tlsfile.CertificateFile: {Certificate: path, Key: good.KeyFile},
			tlsfile.KeyFile:         {Certificate: good.CertificateFile, Key: path},
			tlsfile.CAFile:          {Certificate: good.CertificateFile, Key: good.KeyFile, CA: path},
		} {
			_, err := tlsfile.Server(f, false, slog.New(slog.DiscardHandler))
			var wrong *tlsfile.Error
			require.ErrorAs(t, err, &wrong)
			require.Equal(t, field, wrong.Field)
			require.ErrorContains(t, err, problem)
		}
	}
}
