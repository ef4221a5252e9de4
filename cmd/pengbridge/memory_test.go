package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestGiveBackMemory: memory goes back to the system when a good part of it is not held any more, and not over and over.
func TestGiveBackMemory(t *testing.T) {
	const mib = 1 << 20
	held := []int64{0, 500 * mib, 1000 * mib, 950 * mib, 936 * mib, 900 * mib, 0, 0, 63 * mib, 0}
	var at int
	var freed []int // when
	stop, ticks, ended := make(chan struct{}), make(chan time.Time), make(chan struct{})
	go func() {
		defer close(ended)
		giveBackMemory(stop, ticks, func() int64 { at++; return held[at-1] }, func() { freed = append(freed, at-1) })
	}()
	for range held {
		ticks <- time.Time{}
	}
	close(stop)
	receive(t, ended)
	require.Equal(t, []int{4, 6}, freed)
}
