//go:build !full

package endpoint_test

// How much the tests that look for rare failures do: enough to find them in a few runs. The tag "full" makes it enough to
// find them in one.
const (
	manyClients  = 300 // beyond the 278 of defect 2
	reasonRounds = 100
	churnRounds  = 40
	stopRounds   = 5
)
