//go:build !unix

package endpoint

import (
	"net"
	"syscall"
)

// rawConn returns nil: this system has no non-blocking attempts on sockets. Reads block, and writes are the writer's.
func rawConn(*net.TCPConn) syscall.RawConn { return nil }

func readOnce(*attempt, uintptr) bool  { return true }
func writeOnce(*attempt, uintptr) bool { return true }
