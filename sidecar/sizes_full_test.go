//go:build full

package sidecar

// manyStreams is how many calls the tests of floods have open at once: nearly all that a connection may have.
const manyStreams = 9000
