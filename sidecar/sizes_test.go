//go:build !full

package sidecar

// manyStreams is how many calls the tests of floods have open at once.
const manyStreams = 1000
