//go:build !linux

package launch

import "net"

// peerUID cannot tell here: the modes of the socket and of its directory have to do.
func peerUID(*net.UnixConn) (uid int, known bool, err error) { return 0, false, nil }
