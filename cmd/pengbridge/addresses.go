package main

// The forms of addresses that flags have. What is none of them is wrong usage; what only cannot be had, now or here, is not.

import (
	"net"
	"strings"

	"github.com/pengbridge/pengbridge/sidecar/launch"
)

// isHostPort reports whether an address has the form that one of TCP has. Whether there is such a host is not asked.
func isHostPort(address string) bool {
	_, port, err := net.SplitHostPort(address)
	if err == nil {
		_, err = net.LookupPort("tcp", port)
	}
	return err == nil
}

// canListen reports whether an address is host:port or unix:/path. Sockets that have a name but no file, which Linux has, have
// no mode either, and so are none.
func canListen(address string) bool {
	path, unix := strings.CutPrefix(address, "unix:")
	if !unix {
		return isHostPort(address)
	}
	return path != "" && path[0] != '@' && len(path) <= launch.MaxSocketPath
}
