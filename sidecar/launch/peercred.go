package launch

import (
	"fmt"
	"net"
	"os"

	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
)

// PeerCredentials returns the sidecar's transport credentials: on Linux a connection over a Unix socket is refused unless
// its peer runs as the same user as this process. The socket's mode forbids that already; this holds even if the
// mode was changed or the socket handed on. Encryption is up to inner; nil: nothing is encrypted, which is for local sockets.
func PeerCredentials(inner credentials.TransportCredentials) credentials.TransportCredentials {
	if inner == nil {
		inner = insecure.NewCredentials()
	}
	return peerCredentials{inner, os.Getuid()}
}

type peerCredentials struct {
	credentials.TransportCredentials
	uid int // the user that may connect
}

func (c peerCredentials) ServerHandshake(conn net.Conn) (net.Conn, credentials.AuthInfo, error) {
	socket := conn
	if wrapped, ok := conn.(interface{ NetConn() net.Conn }); ok {
		socket = wrapped.NetConn()
	}
	if unix, ok := socket.(*net.UnixConn); ok {
		uid, known, err := peerUID(unix)
		switch {
		case err != nil:
			return nil, nil, fmt.Errorf("finding out the peer's user: %w", err)
		case known && uid != c.uid:
			return nil, nil, fmt.Errorf("the peer runs as user %d, only user %d may connect", uid, c.uid)
		}
	}
	return c.TransportCredentials.ServerHandshake(conn)
}

func (c peerCredentials) Clone() credentials.TransportCredentials {
	return peerCredentials{c.TransportCredentials.Clone(), c.uid}
}
