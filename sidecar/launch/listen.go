package launch

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
)

// maxSocketPath is the longest path a Unix socket gets here, bytes. Systems allow 104 or 108, the terminating zero included.
const maxSocketPath = 100

const (
	socketDirPrefix = "pengbridge-"
	socketName      = "pengbridge.sock"
)

// Listener is a local listener and the directory of its socket. Close removes both.
type Listener struct {
	net.Listener
	dir string // "" for TCP
}

// Listen returns a listener that only this machine can reach: a Unix socket of mode 0600 in a private directory of the
// system's temporary one, or, where that cannot be (on Windows, or if the path would be too long), 127.0.0.1 with a port of
// the kernel's choice.
func Listen() (*Listener, error) {
	var unixErr error
	if runtime.GOOS != "windows" {
		l, err := listenUnix()
		if err == nil {
			return l, nil
		}
		unixErr = err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, errors.Join(unixErr, err)
	}
	return &Listener{Listener: l}, nil
}

func listenUnix() (*Listener, error) {
	dir, err := os.MkdirTemp("", socketDirPrefix) // of mode 0700
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, socketName)
	l, err := listenSocket(path)
	if err != nil {
		return nil, errors.Join(err, os.Remove(dir))
	}
	return &Listener{Listener: l, dir: dir}, nil
}

func listenSocket(path string) (net.Listener, error) {
	if len(path) > maxSocketPath {
		return nil, fmt.Errorf("the path %s is too long for a Unix socket", path)
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

// Target returns the address in the form that gRPC clients take.
func (l *Listener) Target() string { return Target(l.Addr()) }

// Target returns a listener's address in the form that gRPC clients take: "unix:/path" or "host:port".
func Target(a net.Addr) string {
	if a.Network() == "unix" {
		return "unix:" + a.String()
	}
	return a.String()
}

// Close stops listening and removes the socket with its directory. Closing again is an error, as for any listener.
func (l *Listener) Close() error {
	err := l.Listener.Close()
	if l.dir != "" {
		if rmErr := os.Remove(l.dir); !errors.Is(rmErr, os.ErrNotExist) {
			err = errors.Join(err, rmErr)
		}
	}
	return err
}
