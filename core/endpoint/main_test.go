package endpoint_test

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

// TestMain makes sure that no test leaves a goroutine behind. A test that needs a process of its own runs this binary
// again.
func TestMain(m *testing.M) {
	if os.Getenv(fewFilesChild) != "" {
		os.Exit(serveWithFewFiles())
	}
	goleak.VerifyTestMain(m)
}
