package endpoint_test

import (
	"net"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pengbridge/pengbridge/core/endpoint"
	"github.com/pengbridge/pengbridge/core/event"
	"github.com/pengbridge/pengbridge/core/packet"
)

// TestParseAddress follows the reference's addresses (protocol, section 10), and IPv6 besides.
func TestParseAddress(t *testing.T) {
	for s, want := range map[string]event.Addr{
		"":                    {Host: "", Port: 8080},
		":":                   {Host: "", Port: 8080},
		":80":                 {Host: "", Port: 80},
		"localhost":           {Host: "localhost", Port: 8080},
		"localhost:":          {Host: "localhost", Port: 8080},
		"localhost:0":         {Host: "localhost", Port: 0},
		"0.0.0.0:65535":       {Host: "0.0.0.0", Port: 65535},
		"::":                  {Host: "::", Port: 8080},
		"::1":                 {Host: "::1", Port: 8080},
		"[::1]":               {Host: "::1", Port: 8080},
		"[::1]:99":            {Host: "::1", Port: 99},
		"[0::0:1]:99":         {Host: "::1", Port: 99},
		"fe80::1%eth0":        {Host: "fe80::1%eth0", Port: 8080},
		"[fe80::1%eth0]:1":    {Host: "fe80::1%eth0", Port: 1},
		"gäste.example:1":     {Host: "gäste.example", Port: 1},
		"[::ffff:1.2.3.4]:80": {Host: "::ffff:1.2.3.4", Port: 80},
	} {
		got, err := endpoint.ParseAddress(s)
		require.NoError(t, err, "%q", s)
		require.Equal(t, want, got, "%q", s)
	}
	for _, s := range []string{
		"host:65536", "host:-1", "host:+80", "host: 80", "host:8_0", "host:http", "a:b:1", "tcp://h:1", "h/x", "h\n",
		"[::1", "::1]", "[::1]x", "[localhost]:1", "[1.2.3.4]:1", "[]:1", "::1:x",
	} {
		_, err := endpoint.ParseAddress(s)
		var invalid *packet.InvalidError
		require.ErrorAs(t, err, &invalid, "%q", s)
		require.Equal(t, "address", invalid.Field)
	}
}

// FuzzParseAddress: what was read can be written, and reads as the same.
func FuzzParseAddress(f *testing.F) {
	for _, s := range []string{"", ":80", "host", "host:1", "::1", "[::1]:80", "[fe80::1%x]:1", "[::%]]", "a:b:c"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := endpoint.ParseAddress(s)
		if err != nil {
			var invalid *packet.InvalidError
			require.ErrorAs(t, err, &invalid)
			return
		}
		again, err := endpoint.ParseAddress(address(a))
		require.NoError(t, err)
		require.Equal(t, a, again)
	})
}

// TestNames: the hosts that servers listen on and clients reach them by.
func TestNames(t *testing.T) {
	for _, test := range []struct {
		listen  string
		reached []string // by clients
		missed  []string
		v6      bool
	}{
		{"127.0.0.1:0", []string{"127.0.0.1", "localhost", "", "0.0.0.0"}, []string{"127.0.0.2"}, false},
		{"localhost:0", []string{"localhost"}, nil, false},
		{":0", []string{"127.0.0.1", "127.0.0.2", ""}, nil, false},
		{"0.0.0.0:0", []string{"127.0.0.1", "", "0.0.0.0"}, nil, false},
		{"[::1]:0", []string{"::1"}, []string{"127.0.0.1"}, true},
		{"[::]:0", []string{"::1", "127.0.0.1"}, nil, true},
		{":0", nil, []string{"::1"}, true},
	} {
		t.Run(test.listen, func(t *testing.T) {
			if test.v6 && !hasIPv6() {
				t.Skip("the kernel has no IPv6")
			}
			server, err := endpoint.Listen(t.Context(), test.listen, endpoint.ServerOptions{Options: endpoint.Options{Packets: appTypes}})
			require.NoError(t, err)
			defer func() { require.NoError(t, server.Stop()) }()
			require.NotZero(t, server.Addr().Port, "port 0 is any free one, and is told")
			for _, host := range test.reached {
				client, err := endpoint.Dial(t.Context(), address(event.Addr{Host: host, Port: server.Addr().Port}), endpoint.ClientOptions{
					Options: endpoint.Options{Packets: appTypes}, WaitHandshake: true,
				})
				require.NoError(t, err, host)
				require.Equal(t, server.Addr().Port, client.Remote.Port)
				require.Equal(t, host, client.Addr().Host, "as it was asked for")
				require.NoError(t, client.Stop())
			}
			for _, host := range test.missed {
				_, err := endpoint.Dial(t.Context(), address(event.Addr{Host: host, Port: server.Addr().Port}), endpoint.ClientOptions{})
				require.ErrorIs(t, err, endpoint.ErrConnectRefused, host)
			}
		})
	}
}

func hasIPv6() bool {
	l, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		return false
	}
	_ = l.Close()
	return true
}
