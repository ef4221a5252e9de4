//go:build unix && !full

package faults

// manyRuns is how many schedules TestFaults performs, runsTogether how many TestRunsInOneSidecar.
const manyRuns, runsTogether = 150, 45
