package launch

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
	"time"
)

// staleTimeout bounds finding out whether anybody still listens on a socket that is in the way, which is on this machine.
const staleTimeout = time.Second

// ErrRemote says that other machines can reach an address, and nothing would protect the traffic.
var ErrRemote = errors.New("other machines can reach this address")

// ListenAt listens where a person says: "unix:/path" (a socket of mode 0600; one that a dead process left is replaced) or
// "host:port". Unless remote is set, an address that other machines can reach is refused with [ErrRemote].
func ListenAt(address string, remote bool) (*Listener, error) {
	if path, ok := strings.CutPrefix(address, "unix:"); ok {
		l, err := listenSocket(path)
		if errors.Is(err, syscall.EADDRINUSE) && stale(path) {
			l, err = listenSocket(path)
		}
		if err != nil {
			return nil, err
		}
		return &Listener{Listener: l}, nil
	}
	addr, err := net.ResolveTCPAddr("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("the address must be host:port or unix:/path: %w", err)
	}
	if !remote && !addr.IP.IsLoopback() {
		return nil, fmt.Errorf("%s: %w", address, ErrRemote)
	}
	l, err := net.ListenTCP("tcp", addr)
	if err != nil {
		return nil, err
	}
	return &Listener{Listener: l}, nil
}

// stale removes a socket that nobody listens on, and reports whether it did.
func stale(path string) bool {
	info, err := os.Lstat(path)
	if err != nil || info.Mode()&os.ModeSocket == 0 {
		return false // connecting to an ordinary file is refused, too
	}
	conn, err := net.DialTimeout("unix", path, staleTimeout)
	if err == nil {
		_ = conn.Close()
		return false
	}
	return errors.Is(err, syscall.ECONNREFUSED) && os.Remove(path) == nil
}
