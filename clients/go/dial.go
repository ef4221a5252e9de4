package pengbridge

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"strings"
	"sync/atomic"
	"syscall"
)

// dialer connects to a sidecar. Its methods may be called concurrently.
type dialer struct {
	deserted atomic.Bool // whether the last attempt found that nobody listens; see isDeserted
}

// dial connects to an address as gRPC writes it: "host:port", or "unix:" and a path.
func (d *dialer) dial(ctx context.Context, address string) (net.Conn, error) {
	network := "tcp"
	if path, ok := strings.CutPrefix(address, "unix:"); ok {
		network, address = "unix", strings.TrimPrefix(path, "//")
	}
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	d.deserted.Store(err != nil && isDeserted(err))
	return conn, err
}

// isDeserted reports whether an attempt to connect failed because the sidecar listens no more. That is sure only on this machine:
// elsewhere, something in between may have refused the connection. Windows gives other errors, so there it is never reported.
func isDeserted(err error) bool {
	var attempt *net.OpError
	if !errors.As(err, &attempt) {
		return false
	}
	switch address := attempt.Addr.(type) {
	case *net.UnixAddr:
		return errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, fs.ErrNotExist)
	case *net.TCPAddr:
		return errors.Is(err, syscall.ECONNREFUSED) && address.IP.IsLoopback()
	}
	return false
}
