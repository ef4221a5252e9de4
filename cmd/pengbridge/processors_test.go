package main

import (
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestLeaveProcessor(t *testing.T) {
	for _, c := range []struct {
		name        string
		environment string
		has, gets   int
	}{
		{"all but one", "", 4, 3},
		{"two of two", "", 2, 2},
		{"the only one", "", 1, 1},
		{"the environment wins", "4", 4, 4},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := runtime.GOMAXPROCS(c.has)
			defer runtime.GOMAXPROCS(before)
			t.Setenv("GOMAXPROCS", c.environment)
			leaveProcessor()
			require.Equal(t, c.gets, runtime.GOMAXPROCS(0))
		})
	}
}
