package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestGiveBackMemory: a large process that was busy gives memory back when it is not any more, once.
func TestGiveBackMemory(t *testing.T) {
	const small, large = smallProcess, smallProcess + 1
	seen := []footprint{
		{1, large}, {1, large}, // never busy
		{2, large}, {9, large}, {9, large}, {11, small}, // given back at the fifth; giving back is two collections
		{11, large}, {11, large}, // not busy since
		{12, small}, {12, small}, {12, large}, {14, small}, // nothing to give back at first
	}
	var at int
	var freed []int
	stop, ticks, ended := make(chan struct{}), make(chan time.Time), make(chan struct{})
	go func() {
		defer close(ended)
		giveBackMemory(stop, ticks, func() footprint { at++; return seen[at-1] }, func() { freed = append(freed, at) })
	}()
	for range len(seen) - 1 - 2 { // the first is before any tick, and two are looked at after giving back
		ticks <- time.Time{}
	}
	close(stop)
	receive(t, ended)
	require.Equal(t, []int{5, 11}, freed)
	require.Len(t, seen, at)
}

func TestFootprint(t *testing.T) {
	before := takeFootprint()
	require.NotZero(t, before.bytes)
	freeMemory()
	require.Greater(t, takeFootprint().collections, before.collections)
}
