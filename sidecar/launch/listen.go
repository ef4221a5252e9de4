package launch

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// MaxSocketPath is the longest path of a Unix socket here, in bytes. Systems allow 104 or 108, including the terminating zero.
const MaxSocketPath = 100

const (
	// socketDirPrefix begins the name of the directory of a sidecar's socket. Until the sidecar listens, there is a dot before
	// it: otherwise sweep could take the directory for one that was left behind.
	socketDirPrefix = "pengbridge-"
	socketName      = "pengbridge.sock"
)

// Listener is a local listener and the directory of its socket. Close removes both.
type Listener struct {
	net.Listener
	dir string // of a spawned sidecar's Unix socket; else ""
}

// Listen returns a listener that only this machine can reach: a Unix socket of mode 0600 in a private directory of the
// system's temporary one, or, where that cannot be (on Windows, or if the path would be too long), 127.0.0.1 with a port of
// the kernel's choice.
//
// It also removes what killed sidecars of the same user have left behind: see sweep.
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
	sweep(os.TempDir())
	starting, err := os.MkdirTemp("", "."+socketDirPrefix) // of mode 0700
	if err != nil {
		return nil, err
	}
	l, err := listenSocket(filepath.Join(starting, socketName))
	if err != nil {
		return nil, errors.Join(err, os.Remove(starting))
	}
	l.SetUnlinkOnClose(false) // it would look in the wrong place
	temp, name := filepath.Split(starting)
	dir := filepath.Join(temp, strings.TrimPrefix(name, "."))
	if err := os.Rename(starting, dir); err != nil {
		return nil, errors.Join(err, l.Close(), os.RemoveAll(starting))
	}
	return &Listener{Listener: l, dir: dir}, nil
}

func listenSocket(path string) (*net.UnixListener, error) {
	if len(path) > MaxSocketPath {
		return nil, fmt.Errorf("the path %s is too long for a Unix socket", path)
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

// Addr returns the address at which clients find it.
func (l *Listener) Addr() net.Addr {
	if l.dir != "" {
		return &net.UnixAddr{Name: filepath.Join(l.dir, socketName), Net: "unix"}
	}
	return l.Listener.Addr()
}

// Target returns the address in the form that gRPC clients take: "unix:/path" or "host:port".
func (l *Listener) Target() string {
	if a := l.Addr(); a.Network() == "unix" {
		return "unix:" + a.String()
	}
	return l.Addr().String()
}

// Local reports whether only this machine can reach the listener.
func (l *Listener) Local() bool {
	tcp, ok := l.Addr().(*net.TCPAddr)
	return !ok || tcp.IP.IsLoopback()
}

// Close stops listening and removes the socket with its directory. Closing again is an error, as for any listener.
func (l *Listener) Close() error {
	err := l.Listener.Close()
	if l.dir == "" {
		return err
	}
	for _, path := range []string{filepath.Join(l.dir, socketName), l.dir} {
		if rmErr := os.Remove(path); !errors.Is(rmErr, os.ErrNotExist) {
			err = errors.Join(err, rmErr)
		}
	}
	return err
}
