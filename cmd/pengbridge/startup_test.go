//go:build !windows

package main

import (
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pengbridge/pengbridge/sidecar/launch"
)

// BenchmarkStartup takes the time from starting the shipped binary to its ready line; ending it is not counted.
func BenchmarkStartup(b *testing.B) {
	binary := filepath.Join(b.TempDir(), "pengbridge")
	require.NoError(b, exec.CommandContext(b.Context(), "go", "build", "-trimpath", "-ldflags=-s -w", "-o", binary, ".").Run())
	b.ReportAllocs()
	for b.Loop() {
		process, err := launch.Start(b.Context(), launch.Command{Path: binary})
		if err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		if err := process.Close(); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
}
