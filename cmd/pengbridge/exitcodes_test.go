//go:build !windows

package main

import (
	"errors"
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pengbridge/pengbridge/sidecar/launch"
)

// TestServeSaysWhatIsWrong by its exit code and its last words: with the code of wrong usage, trying again does not help.
func TestServeSaysWhatIsWrong(t *testing.T) {
	folder := t.TempDir()
	tokens := filepath.Join(folder, "tokens")
	require.NoError(t, launch.WriteTokenFile(tokens, launch.Token{Secret: launch.NewSecret(), Owner: "game"}))
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	for name, c := range map[string]struct {
		args []string
		code int
		says string
	}{
		"no address":               {[]string{"--listen", "nonsense"}, launch.ExitUsage, `unix:/path of at most 100 bytes, not "nonsense"`},
		"no port":                  {[]string{"--listen", "127.0.0.1:no-such-port"}, launch.ExitUsage, "--listen must be host:port"},
		"a port beyond all":        {[]string{"--listen", "127.0.0.1:70000"}, launch.ExitUsage, "--listen must be host:port"},
		"no path":                  {[]string{"--listen", "unix:"}, launch.ExitUsage, "--listen must be host:port"},
		"no path but a name":       {[]string{"--listen", "unix:@name"}, launch.ExitUsage, "--listen must be host:port"},
		"too long a path":          {[]string{"--listen", "unix:/" + strings.Repeat("d", 100)}, launch.ExitUsage, "at most 100 bytes"},
		"a path to nowhere":        {[]string{"--listen", "unix:" + filepath.Join(folder, "none", "s")}, launch.ExitListen, "no such file"},
		"no address for metrics":   {[]string{"--listen", "127.0.0.1:0", "--metrics", "9107"}, launch.ExitUsage, "--metrics must be host:port"},
		"taken":                    {[]string{"--listen", taken.Addr().String()}, launch.ExitListen, "address already in use"},
		"taken for metrics":        {[]string{"--listen", "127.0.0.1:0", "--metrics", taken.Addr().String()}, launch.ExitListen, "address already in use"},
		"no limit":                 {[]string{"--listen", "127.0.0.1:0", "--limit", ""}, launch.ExitUsage, `"" must be name=value`},
		"no greatest limit":        {[]string{"--listen", "127.0.0.1:0", "--max-limit", ""}, launch.ExitUsage, `"" must be name=value`},
		"a ready file nowhere":     {[]string{"--listen", "127.0.0.1:0", "--ready-file", filepath.Join(folder, "none", "ready")}, launch.ExitUsage, "--ready-file: name a file in a folder that is there"},
		"a file of others":         {[]string{"--listen", "127.0.0.1:0", "--ready-file", tokens}, launch.ExitUsage, "something else in it"},
		"a ready file that is not": {[]string{"--listen", "127.0.0.1:0", "--ready-file", folder}, launch.ExitUsage, "is not a regular file"},
	} {
		t.Run(name, func(t *testing.T) {
			args := append([]string{"serve", "--token-file", tokens}, c.args...)
			out, err := exec.CommandContext(timeout(t), program(t, "pengbridge"), args...).CombinedOutput()
			exit, ok := errors.AsType[*exec.ExitError](err)
			require.True(t, ok, "%v", err)
			assert.Equal(t, c.code, exit.ExitCode(), "%s", out)
			assert.Contains(t, string(out), c.says)
		})
	}
}
