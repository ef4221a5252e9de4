//go:build unix && !full

package faults

// manyRuns is how many schedules TestFaults performs.
const manyRuns = 200
