package endpoint

import (
	"context"
	"net"
	"net/netip"
	"strconv"
	"strings"

	"github.com/pengbridge/pengbridge/core/event"
	"github.com/pengbridge/pengbridge/core/packet"
)

// ParseAddress reads "host:port", "host", ":port", "[v6]:port" or "v6". A missing port is DefaultPort. The host is not
// looked up. The error is a *packet.InvalidError for the field "address".
func ParseAddress(s string) (event.Addr, error) {
	invalid := func(problem string) (event.Addr, error) {
		return event.Addr{}, &packet.InvalidError{Field: "address", Problem: strconv.Quote(s) + " " + problem}
	}
	if strings.ContainsAny(s, " \t\r\n\x00/") {
		return invalid("is not an address: use host:port")
	}
	if ip, err := netip.ParseAddr(s); err == nil && !strings.ContainsAny(s, "[]") { // IPv6 needs no brackets without a port
		return event.Addr{Host: ip.String(), Port: DefaultPort}, nil
	}
	host, port := s, ""
	if strings.HasPrefix(s, "[") || strings.Contains(s, ":") {
		var err error
		host, port, err = net.SplitHostPort(s)
		if err != nil {
			if !strings.HasPrefix(s, "[") || !strings.HasSuffix(s, "]") {
				return invalid("is not an address: use host:port, with an IPv6 host in brackets")
			}
			host = s[1 : len(s)-1]
		}
		if strings.HasPrefix(s, "[") {
			ip, err := netip.ParseAddr(host)
			if err != nil || !ip.Is6() {
				return invalid("has no IPv6 address in its brackets")
			}
			host = ip.String()
		}
	}
	if strings.ContainsAny(host, "[]") {
		return invalid("has brackets that do not enclose an IPv6 address")
	}
	if port == "" {
		return event.Addr{Host: host, Port: DefaultPort}, nil
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return invalid("has no port from 0 to 65535")
	}
	return event.Addr{Host: host, Port: uint16(n)}, nil
}

// listenAddress returns the network and address to listen on: "" and 0.0.0.0 are IPv4 only, :: is both families.
func listenAddress(a event.Addr) (network, address string) {
	network = "tcp"
	if a.Host == "" || a.Host == "0.0.0.0" {
		network = "tcp4"
	}
	return network, joinAddr(a)
}

// dialAddress returns the address to connect to: "" and 0.0.0.0 mean this machine.
func dialAddress(a event.Addr) string {
	if a.Host == "" || a.Host == "0.0.0.0" {
		a.Host = "127.0.0.1"
	}
	return joinAddr(a)
}

func joinAddr(a event.Addr) string {
	return net.JoinHostPort(a.Host, strconv.Itoa(int(a.Port)))
}

// addrOf converts a socket's address.
func addrOf(a net.Addr) event.Addr {
	tcp, ok := a.(*net.TCPAddr)
	if !ok {
		return event.Addr{}
	}
	return event.Addr{Host: tcp.AddrPort().Addr().Unmap().String(), Port: uint16(tcp.Port)}
}

// dialTCP opens a TCP connection. The addresses of a name are tried as net.Dialer does it, IPv6 and IPv4 in parallel.
func dialTCP(ctx context.Context, address string) (*net.TCPConn, error) {
	var d net.Dialer
	nc, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	return nc.(*net.TCPConn), nil
}
