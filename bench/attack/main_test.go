//go:build full && linux

package attack

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"
)

// pengbridge is the sidecar's. TestMain builds it.
var pengbridge string

// TestMain builds the sidecar; in a process that startAttack made, it attacks instead.
func TestMain(m *testing.M) {
	if name := os.Getenv(attackVariable); name != "" {
		os.Exit(beAttacker(name, os.Getenv(targetVariable)))
	}
	folder, err := os.MkdirTemp("", "pengbridge")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	pengbridge = filepath.Join(folder, "pengbridge")
	if out, err := exec.Command("go", "build", "-o", pengbridge, "github.com/pengbridge/pengbridge/cmd/pengbridge").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "%v\n%s", err, out)
		os.Exit(1)
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		_ = os.RemoveAll(folder)
		os.Exit(code)
	}))
}
