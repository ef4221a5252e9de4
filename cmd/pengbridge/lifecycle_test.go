//go:build !windows

package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	pb "github.com/pengbridge/pengbridge/api/pengbridge/v1"
	client "github.com/pengbridge/pengbridge/clients/go"
	"github.com/pengbridge/pengbridge/sidecar/launch"
)

func start(t testing.TB, c launch.Command) *launch.Process {
	t.Helper()
	c.Path = program(t, "pengbridge")
	process, err := launch.Start(timeout(t), c)
	require.NoError(t, err)
	t.Cleanup(func() { _ = process.Close() })
	return process
}

func socket(t testing.TB, ready launch.Ready) string {
	t.Helper()
	path, ok := strings.CutPrefix(ready.Address, "unix:")
	require.True(t, ok, ready.Address)
	return path
}

func TestSpawnedLife(t *testing.T) {
	var log bytes.Buffer
	tokenFile := filepath.Join(t.TempDir(), "tool")
	process := start(t, launch.Command{Stderr: &log, ReadOnlyTokenFile: tokenFile})
	assert.Equal(t, version, process.Ready.Version)

	tool, err := client.Attach(timeout(t), process.Ready.Address, client.AttachOptions{TokenFile: tokenFile})
	require.NoError(t, err)
	info, err := tool.API.GetInfo(timeout(t), &pb.GetInfoRequest{})
	require.NoError(t, err)
	assert.Equal(t, "read-only", info.GetScope())
	assert.EqualValues(t, process.Ready.PID, info.GetPid())
	_, err = tool.API.Bind(timeout(t), &pb.BindRequest{Address: "127.0.0.1:0"})
	assert.Equal(t, codes.PermissionDenied, status.Code(err))
	require.NoError(t, tool.Close())

	require.NoError(t, process.Close(), "%s", &log)
	assert.NoDirExists(t, filepath.Dir(socket(t, process.Ready)))
	assert.NoFileExists(t, tokenFile)
	assert.Contains(t, log.String(), launch.ErrStdinClosed.Error())
}

func TestEveryCallNeedsAToken(t *testing.T) {
	process := start(t, launch.Command{})
	conn, err := grpc.NewClient(process.Ready.Address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	require.NoError(t, err)
	defer conn.Close()
	_, err = pb.NewSidecarServiceClient(conn).GetInfo(timeout(t), &pb.GetInfoRequest{})
	assert.Equal(t, codes.Unauthenticated, status.Code(err))
	answer, err := healthpb.NewHealthClient(conn).Check(timeout(t), &healthpb.HealthCheckRequest{})
	require.NoError(t, err)
	assert.Equal(t, healthpb.HealthCheckResponse_SERVING, answer.GetStatus(), "ready means serving")
}

func TestSidecarsDoNotMeet(t *testing.T) {
	first, second := start(t, launch.Command{}), start(t, launch.Command{})
	assert.NotEqual(t, first.Ready.Address, second.Ready.Address)
	assert.NotEqual(t, first.Token, second.Token)
	require.NoError(t, first.Close())
	assert.FileExists(t, socket(t, second.Ready))
	require.NoError(t, second.Close())
}

func TestLongTempDirMeansTCP(t *testing.T) {
	long := filepath.Join(t.TempDir(), strings.Repeat("d", 100))
	require.NoError(t, os.Mkdir(long, 0o700))
	t.Setenv("TMPDIR", long)
	t.Setenv(client.BinaryVariable, program(t, "pengbridge"))
	sidecar, err := client.Spawn(timeout(t), client.SpawnOptions{})
	require.NoError(t, err)
	_, err = sidecar.API.GetInfo(timeout(t), &pb.GetInfoRequest{})
	require.NoError(t, err)
	require.NoError(t, sidecar.Close())
	receive(t, sidecar.Done())
}

func TestItEndsWithItsParent(t *testing.T) {
	for _, mode := range []string{"alone", "fork"} {
		t.Run(mode, func(t *testing.T) {
			parent := exec.Command(program(t, "middleman"), program(t, "pengbridge"), mode)
			stdout, err := parent.StdoutPipe()
			require.NoError(t, err)
			stderr, err := parent.StderrPipe()
			require.NoError(t, err)
			require.NoError(t, parent.Start())
			defer func() { _ = parent.Wait() }()

			var ready launch.Ready
			require.NoError(t, json.NewDecoder(stdout).Decode(&ready))
			if mode == "fork" {
				pid, err := bufio.NewReader(stderr).ReadString('\n')
				require.NoError(t, err)
				fork, err := strconv.Atoi(strings.TrimSpace(pid))
				require.NoError(t, err)
				defer func() { _ = syscall.Kill(fork, syscall.SIGKILL) }()
			}
			dir := filepath.Dir(socket(t, ready))
			require.DirExists(t, dir)
			require.NoError(t, parent.Process.Kill())
			require.Eventually(t, func() bool {
				_, err := os.Stat(dir)
				return os.IsNotExist(err)
			}, wait, 10*time.Millisecond, "its socket goes when it ends")
		})
	}
}

func TestSignalsWhenSpawned(t *testing.T) {
	var log bytes.Buffer
	process := start(t, launch.Command{Stderr: &log})
	sidecar, err := os.FindProcess(process.Ready.PID)
	require.NoError(t, err)
	for _, sig := range []os.Signal{syscall.SIGINT, syscall.SIGHUP, syscall.SIGPIPE, syscall.SIGTERM} {
		require.NoError(t, sidecar.Signal(sig))
	}
	require.NoError(t, process.Wait(), "%s", &log)
	assert.Contains(t, log.String(), "a signal asked for it")
}

func TestSecondSignalForces(t *testing.T) {
	process := start(t, launch.Command{Drain: launch.MaxDrain})
	tokens := filepath.Join(t.TempDir(), "tokens")
	require.NoError(t, launch.WriteTokenFile(tokens, launch.Token{Secret: process.Token, Owner: "x"}))
	app, err := client.Attach(timeout(t), process.Ready.Address, client.AttachOptions{TokenFile: tokens})
	require.NoError(t, err)
	defer app.Close()
	// An endpoint waits for its subscriber to take the last events, which never comes: the drain takes its time.
	_, err = app.API.Bind(timeout(t), &pb.BindRequest{Address: "127.0.0.1:0", Options: &pb.EndpointOptions{
		Events: &pb.EventOptions{ExpectedSubscriber: "nobody"},
	}})
	require.NoError(t, err)

	sidecar, err := os.FindProcess(process.Ready.PID)
	require.NoError(t, err)
	require.NoError(t, sidecar.Signal(syscall.SIGTERM))
	health := healthpb.NewHealthClient(app.Conn())
	require.Eventually(t, func() bool {
		answer, err := health.Check(timeout(t), &healthpb.HealthCheckRequest{})
		return err == nil && answer.GetStatus() == healthpb.HealthCheckResponse_NOT_SERVING
	}, wait, 5*time.Millisecond, "a draining sidecar says so")
	require.NoError(t, sidecar.Signal(syscall.SIGTERM))
	receive(t, process.Done())
	var exit *exec.ExitError
	require.ErrorAs(t, process.Wait(), &exit)
	assert.Equal(t, launch.ExitForced, exit.ExitCode())
}

// TestASidecarThatStandsStillEndsWell: its parent sets it going again, so that it can say its goodbyes.
func TestASidecarThatStandsStillEndsWell(t *testing.T) {
	process := start(t, launch.Command{Drain: launch.MaxDrain})
	require.NoError(t, syscall.Kill(process.Ready.PID, syscall.SIGSTOP))
	require.NoError(t, process.Close())
}

func TestGarbageInsteadOfHello(t *testing.T) {
	for name, stdin := range map[string]io.Reader{
		"garbage": strings.NewReader("GET / HTTP/1.1\r\n\r\n"),
		"nothing": strings.NewReader(""),
		"no pipe": nil, // the null device
	} {
		t.Run(name, func(t *testing.T) {
			command := exec.CommandContext(timeout(t), program(t, "pengbridge"), "serve", "--spawned")
			command.Stdin = stdin
			stdout, err := command.Output()
			var exit *exec.ExitError
			require.ErrorAs(t, err, &exit)
			assert.Equal(t, launch.ExitLaunch, exit.ExitCode())
			assert.Regexp(t, `^\{"error":".*hello line.*"\}\n$`, string(stdout))
			assert.Contains(t, string(exit.Stderr), "hello line")
		})
	}
}

// TestStderrNobodyReads lets a sidecar log far more than a pipe holds.
func TestStderrNobodyReads(t *testing.T) {
	for name, dead := range map[string]bool{"unread": false, "dead": true} {
		t.Run(name, func(t *testing.T) {
			stderr, write, err := os.Pipe()
			require.NoError(t, err)
			defer stderr.Close()
			if dead {
				require.NoError(t, stderr.Close())
			}
			a := serveInto(t, write, "--listen", "127.0.0.1:0", "--log-level", "debug")
			sidecar, err := client.Attach(timeout(t), a.ready.Address, client.AttachOptions{TokenFile: a.tokens})
			require.NoError(t, err)
			for range 1000 { // each is a log line
				_, err := sidecar.API.GetInfo(timeout(t), &pb.GetInfoRequest{})
				require.NoError(t, err)
			}
			require.NoError(t, sidecar.Close())
			require.NoError(t, a.command.Process.Signal(syscall.SIGTERM))
			require.NoError(t, a.command.Wait())
			if !dead {
				unread, err := io.ReadAll(stderr)
				require.NoError(t, err)
				assert.GreaterOrEqual(t, len(unread), 16<<10, "the pipe was full, or this test shows nothing")
			}
		})
	}
}
