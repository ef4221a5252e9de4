//go:build unix

package faults

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	client "github.com/pengbridge/pengbridge/clients/go"
)

// TestMain builds the sidecar from this very source. When the tests are to go on for long, and have the race detector, the
// sidecar has it, too: it makes every run three times as expensive.
func TestMain(m *testing.M) {
	if endpoint := os.Getenv(applicationVariable); endpoint != "" {
		os.Exit(runApplication(endpoint))
	}
	os.Exit(withSidecar(m))
}

func withSidecar(m *testing.M) int {
	dir, err := os.MkdirTemp("", "faults-")
	if err != nil {
		return failure(err)
	}
	defer os.RemoveAll(dir)
	binary := filepath.Join(dir, "pengbridge")
	build := exec.Command("go", "build", "-o", binary, "github.com/pengbridge/pengbridge/cmd/pengbridge")
	if raceDetector && os.Getenv("FAULTS_TIME") != "" {
		build.Args = append(build.Args[:2:2], append([]string{"-race"}, build.Args[2:]...)...)
	}
	if out, err := build.CombinedOutput(); err != nil {
		return failure(fmt.Errorf("%w: %s", err, out))
	}
	_ = os.Setenv(client.BinaryVariable, binary)
	if os.Getenv("GORACE") == "" {
		_ = os.Setenv("GORACE", "atexit_sleep_ms=0") // a program under the race detector takes a second to end otherwise
	}
	code := m.Run()
	if err := goleak.Find(); err != nil && code == 0 {
		return failure(err)
	}
	return code
}

func failure(err error) int {
	fmt.Fprintln(os.Stderr, err)
	return 1
}
