//go:build !linux

package launch

import "net"

// peerUID does not know here: the socket's mode and its directory's have to do.
func peerUID(*net.UnixConn) (uid int, known bool, err error) { return 0, false, nil }
