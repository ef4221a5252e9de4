package main

// The forms of addresses in flags. An address of no such form is wrong usage; one that is only not to be had here or now is not.

import (
	"net"
	"strings"

	"github.com/pengbridge/pengbridge/sidecar/launch"
)

// isHostPort reports whether an address has the form of a TCP address. The host is not looked up.
func isHostPort(address string) bool {
	_, port, err := net.SplitHostPort(address)
	if err == nil {
		_, err = net.LookupPort("tcp", port)
	}
	return err == nil
}

// canListen reports whether an address is host:port or unix:/path. Linux's abstract sockets, which have a name but no file, will
// not do: they have no mode.
func canListen(address string) bool {
	path, unix := strings.CutPrefix(address, "unix:")
	if !unix {
		return isHostPort(address)
	}
	return path != "" && path[0] != '@' && len(path) <= launch.MaxSocketPath
}
