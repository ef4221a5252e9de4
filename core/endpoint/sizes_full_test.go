//go:build full

package endpoint_test

const (
	manyClients  = 2000
	reasonRounds = 2000
	churnRounds  = 1000
	stopRounds   = 100
)
