package pengbridge

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "github.com/pengbridge/pengbridge/api/pengbridge/v1"
)

// What becomes of a real sidecar is tested beside its binary, in cmd/pengbridge.

func TestSpawnNeedsABinary(t *testing.T) {
	t.Setenv(BinaryVariable, "")
	_, err := Spawn(t.Context(), SpawnOptions{})
	assert.ErrorContains(t, err, BinaryVariable)
	t.Setenv(BinaryVariable, "pengbridge")
	_, err = Spawn(t.Context(), SpawnOptions{})
	assert.ErrorContains(t, err, "absolute path")
	_, err = Spawn(t.Context(), SpawnOptions{Binary: filepath.Join(t.TempDir(), "none")})
	assert.ErrorContains(t, err, "no such file")
}

func TestAttach(t *testing.T) {
	sidecar := attach(t, &scripted{})
	info, err := sidecar.API.GetInfo(t.Context(), &pb.GetInfoRequest{})
	require.NoError(t, err)
	assert.Equal(t, "0.0.0", info.GetVersion())
	assert.Nil(t, sidecar.Done())
}

func TestAttachRefused(t *testing.T) {
	_, err := Attach(t.Context(), "127.0.0.1:1", AttachOptions{TokenFile: filepath.Join(t.TempDir(), "none")})
	assert.ErrorContains(t, err, "token file")
	_, err = Attach(t.Context(), "127.0.0.1:1", AttachOptions{TokenFile: tokenFile(t)})
	assert.Equal(t, codes.Unavailable, status.Code(err), "%v", err)
}
