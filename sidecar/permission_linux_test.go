package sidecar

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"

	pb "github.com/pengbridge/pengbridge/api/pengbridge/v1"
)

// privileged is an address that only root may listen on.
const privileged = "127.0.0.1:81"

// TestBindNotPermitted asks for a port that the system reserves. Root may have it, so there the test runs once more in a user
// namespace of its own, where root is nobody.
func TestBindNotPermitted(t *testing.T) {
	listener, err := net.Listen("tcp", privileged)
	if err == nil {
		require.NoError(t, listener.Close())
		unprivileged(t)
		return
	}
	client := start(t, Options{}).client(t, gameToken)
	_, err = client.Bind(testContext(t), &pb.BindRequest{Address: privileged})
	message := requireFailure(t, err, codes.PermissionDenied, "NOT_PERMITTED")
	require.Contains(t, message, privileged)
}

// unprivileged runs the test in a process that may not do what this one may.
func unprivileged(t *testing.T) {
	t.Helper()
	const marker = "PENGBRIDGE_TEST_UNPRIVILEGED"
	if os.Getenv(marker) != "" {
		t.Skip("every port is open to everybody here")
	}
	again := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestBindNotPermitted$")
	again.Env = append(os.Environ(), marker+"=1", "GORACE=atexit_sleep_ms=0")
	again.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: os.Getuid(), HostID: os.Getuid(), Size: 1}},
	}
	out, err := again.CombinedOutput()
	if _, ran := errors.AsType[*exec.ExitError](err); err != nil && !ran {
		t.Skipf("nobody here may be without rights: %v", err)
	}
	require.NoError(t, err, "%s", out)
}
