// Package app has the servers that are measured, as far as they are written in Go: an application of the sidecar, and the
// least that a Go program must do to serve the same packets. application.py is the same in Python.
package app
