//go:build unix

package faults

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	pb "github.com/pengbridge/pengbridge/api/pengbridge/v1"
	client "github.com/pengbridge/pengbridge/clients/go"
	"github.com/pengbridge/pengbridge/sidecar/launch"
)

// sidecar is a process under test, with a connection of our own to it that nothing breaks.
type sidecar struct {
	dir     string // of its token file
	address string
	metrics string
	command *exec.Cmd
	log     *logBuffer
	exited  chan struct{}
	err     error // of the process, once it has exited
	control *client.Sidecar
	quiet   figures // before anything happened, without memory
}

// figures are what must not grow from run to run. Memory is what is resident, in bytes.
type figures struct{ goroutines, files, memory int }

// startSidecar starts a process and waits until it serves, over TCP or a Unix socket ("tcp", "unix").
func startSidecar(ctx context.Context, network string) (s *sidecar, err error) {
	dir, err := os.MkdirTemp("", "faults-")
	if err != nil {
		return nil, err
	}
	s = &sidecar{dir: dir, log: new(logBuffer), exited: make(chan struct{})}
	token := launch.Token{Secret: launch.NewSecret(), Owner: "game"}
	if err := launch.WriteTokenFile(s.tokens(), token); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	listen := "127.0.0.1:0"
	if network == "unix" {
		listen = "unix:" + filepath.Join(dir, "api")
	}
	ready := filepath.Join(dir, "ready")
	s.command = exec.Command(os.Getenv(client.BinaryVariable), "serve", "--listen", listen, "--token-file", s.tokens(),
		"--ready-file", ready, "--metrics", "127.0.0.1:0", "--drain", "60s")
	s.command.Stderr = s.log
	if err := s.command.Start(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	go func() {
		s.err = s.command.Wait()
		close(s.exited)
	}()
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	var said launch.Ready
	err = eventually(ctx, "the sidecar to be ready", func() bool {
		data, err := os.ReadFile(ready)
		s.metrics = s.log.find(`http://\S*/metrics`)
		return err == nil && json.Unmarshal(data, &said) == nil && s.metrics != ""
	})
	if err != nil {
		return nil, err
	}
	s.address = said.Address
	if s.control, err = s.attach(ctx, s.address); err != nil {
		return nil, err
	}
	return s, s.measureQuiet(ctx)
}

// measureQuiet takes the figures of a sidecar that has nothing to do. What hands them out takes one to three goroutines for
// it, as they happen to be scheduled, and on one processor mostly the same number: the most of some looks is what comes again.
func (s *sidecar) measureQuiet(ctx context.Context) error {
	for range 5 {
		now, err := s.measure(ctx)
		if err != nil {
			return err
		}
		s.quiet = figures{max(s.quiet.goroutines, now.goroutines), max(s.quiet.files, now.files), 0}
	}
	return nil
}

func (s *sidecar) tokens() string { return filepath.Join(s.dir, "tokens") }

// attach connects to the sidecar at an address, its own or that of a proxy.
func (s *sidecar) attach(ctx context.Context, address string) (*client.Sidecar, error) {
	return client.Attach(ctx, address, client.AttachOptions{TokenFile: s.tokens()})
}

// freeze stops the process, and returns when it stands still.
func (s *sidecar) freeze(ctx context.Context) error {
	return freeze(ctx, s.command.Process)
}

func (s *sidecar) thaw() error { return s.command.Process.Signal(syscall.SIGCONT) }

// freeze stops a process, and returns when it stands still.
func freeze(ctx context.Context, process *os.Process) error {
	if err := process.Signal(syscall.SIGSTOP); err != nil {
		return err
	}
	return eventually(ctx, "a process to stand still", func() bool {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", process.Pid))
		return errors.Is(err, os.ErrNotExist) || bytes.Contains(stat, []byte(") T "))
	})
}

// end asks the process to end, and returns when it has, in good order.
func (s *sidecar) end(ctx context.Context) error {
	if err := s.command.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	return s.await(ctx)
}

// await returns when the process has ended in good order.
func (s *sidecar) await(ctx context.Context) error {
	select {
	case <-s.exited:
		return s.err
	case <-ctx.Done():
		return fmt.Errorf("the sidecar does not end: %w", context.Cause(ctx))
	}
}

// close kills the process if it still runs, and removes what it leaves.
func (s *sidecar) close() error {
	if s.control != nil {
		_ = s.control.Close()
	}
	_ = s.command.Process.Kill()
	<-s.exited
	return os.RemoveAll(s.dir)
}

// measure asks for the process's figures.
func (s *sidecar) measure(ctx context.Context) (figures, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.metrics, nil)
	if err != nil {
		return figures{}, err
	}
	request.Close = true // or the connection would count
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return figures{}, err
	}
	defer response.Body.Close()
	found := map[string]int{}
	for lines := bufio.NewScanner(response.Body); lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), " ")
		if n, err := strconv.ParseFloat(value, 64); err == nil {
			found[name] = int(n)
		}
	}
	return figures{found["go_goroutines"], found["process_open_fds"], found["process_resident_memory_bytes"]}, nil
}

// empty waits until the sidecar is as it was before the run: no endpoint, no memory held for anybody, no goroutine and no
// file more than in the beginning.
func (s *sidecar) empty(ctx context.Context) error {
	var why error
	err := eventually(ctx, "the sidecar to be empty", func() bool {
		if remains := s.remains(ctx); remains == nil || ctx.Err() == nil {
			why = remains
		}
		return why == nil
	})
	if err != nil {
		_ = s.command.Process.Signal(syscall.SIGQUIT) // what its goroutines do goes into the log
		_ = s.thaw()
		<-s.exited
	}
	return errors.Join(err, why)
}

// remains says what is left of a run.
func (s *sidecar) remains(ctx context.Context) error {
	listed, err := s.control.API.ListEndpoints(ctx, &pb.ListEndpointsRequest{})
	if err != nil {
		return err
	}
	if len(listed.GetEndpoints()) > 0 {
		return fmt.Errorf("endpoints are left: %v", listed)
	}
	info, err := s.control.API.GetInfo(ctx, &pb.GetInfoRequest{})
	if err != nil {
		return err
	}
	if info.GetMemoryUsedBytes() > 0 {
		return fmt.Errorf("%d bytes are still counted", info.GetMemoryUsedBytes())
	}
	now, err := s.measure(ctx)
	if err != nil {
		return err
	}
	if now.goroutines > s.quiet.goroutines || now.files > s.quiet.files {
		return fmt.Errorf("%+v are left, %+v were there in the beginning", now, s.quiet)
	}
	return nil
}

// logBuffer keeps what the sidecar logs.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// find returns the first match of a pattern.
func (b *logBuffer) find(pattern string) string {
	return regexp.MustCompile(pattern).FindString(b.String())
}

// eventually looks until a condition holds, or ctx ends.
func eventually(ctx context.Context, what string, condition func() bool) error {
	ticker := time.NewTicker(2 * time.Millisecond)
	defer ticker.Stop()
	for !condition() {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return fmt.Errorf("waiting for %s: %w", what, context.Cause(ctx))
		}
	}
	return nil
}
