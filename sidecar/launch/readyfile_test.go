package launch

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestReadyFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ready")
	require.NoError(t, ClearReadyFile(path), "nothing is there yet")
	require.NoError(t, WriteReadyFile(path, Ready{APIVersion: APIVersion, Address: "unix:/s", PID: 7}))
	RemoveReadyFile(path, 8)
	require.FileExists(t, path, "it is another process's")
	RemoveReadyFile(path, 7)
	require.NoFileExists(t, path)
	RemoveReadyFile(path, 7)

	require.NoError(t, WriteReadyFile(path, Ready{APIVersion: APIVersion, Address: "unix:/s", PID: 7}))
	require.NoError(t, ClearReadyFile(path), "whose process was killed")
	require.NoError(t, os.WriteFile(path, nil, 0o600))
	require.NoError(t, ClearReadyFile(path), "whose name somebody has reserved")
	left, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	assert.Empty(t, left)
}

func TestReadyFilesThatCannotBe(t *testing.T) {
	folder := t.TempDir()
	assert.ErrorContains(t, ClearReadyFile(filepath.Join(folder, "none", "ready")), "none")
	assert.ErrorContains(t, ClearReadyFile(folder), "is not a regular file")
	assert.DirExists(t, folder)
	notes := filepath.Join(folder, "notes")
	require.NoError(t, os.WriteFile(notes, []byte("buy milk\n"), 0o600))
	RemoveReadyFile(notes, os.Getpid())
	assert.ErrorContains(t, ClearReadyFile(notes), "something else in it")
	assert.FileExists(t, notes)
}
