//go:build !windows

package main

import (
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	pb "github.com/pengbridge/pengbridge/api/pengbridge/v1"
	client "github.com/pengbridge/pengbridge/clients/go"
)

// BenchmarkStartup takes the time from executing the shipped binary to its first answered call; ending it is not counted. The
// median tells more than the mean on a machine that does other things, too: -benchtime 20x gives it of twenty.
func BenchmarkStartup(b *testing.B) {
	binary := filepath.Join(b.TempDir(), "pengbridge")
	require.NoError(b, exec.CommandContext(b.Context(), "go", "build", "-trimpath", "-ldflags=-s -w", "-o", binary, ".").Run())
	var took []time.Duration
	b.ReportAllocs()
	for b.Loop() {
		begun := time.Now()
		sidecar, err := client.Spawn(b.Context(), client.SpawnOptions{Binary: binary})
		if err == nil {
			_, err = sidecar.API.GetInfo(b.Context(), &pb.GetInfoRequest{})
		}
		if err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		took = append(took, time.Since(begun))
		if err := sidecar.Close(); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1e3, "median-ms")
	b.ReportMetric(float64(took[0].Microseconds())/1e3, "best-ms")
}
