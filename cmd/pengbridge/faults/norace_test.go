//go:build unix && !race

package faults

const raceDetector = false
