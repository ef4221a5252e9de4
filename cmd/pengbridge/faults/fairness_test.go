//go:build linux

package faults

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	pb "github.com/pengbridge/pengbridge/api/pengbridge/v1"
	"github.com/pengbridge/pengbridge/core/packet"
	"github.com/pengbridge/pengbridge/core/wire"
)

const (
	writers      = 8
	writerBody   = 2000
	smallBacklog = 4 * readGrant // so that most writers always wait in line
)

// TestFairnessAfterAResume: writers that always have more to send are held back by a full log. When the subscriber reads again,
// they take turns: the gate lets them in in the order in which they came, 64 KiB at a time, and the one that was inside comes
// last.
//
// Between two turns of one of them, each other one that waits has a turn before it. While it is inside, as many others may
// get in as the backlog has grants, four, and wait in front of it again. And while the kernel still moves its next bytes to
// the sidecar's socket, the rest of a step, four turns at most, may pass. So nobody waits for longer than the packets of seven
// plus twice four turns. This holds from step to step: the next batch is acknowledged when every thread of the sidecar sleeps
// and every socket has bytes for it, so that nobody is late in line because it did not get a processor.
func TestFairnessAfterAResume(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	s, err := startSidecar(ctx, "unix")
	require.NoError(t, err)
	defer func() { require.NoError(t, s.close()) }()
	crowd := newCrowd(ctx, t, s)
	defer crowd.close()
	log, err := s.control.API.Subscribe(ctx, &pb.SubscribeRequest{
		EndpointId: crowd.endpoint, Subscriber: subscriber, Mode: pb.SubscriberMode_SUBSCRIBER_MODE_ACKNOWLEDGING,
	})
	require.NoError(t, err)
	crowd.press(ctx, t)

	frame := len(countFrame(0, 0, writerBody))
	turn := readGrant/frame + 1 // a frame that was begun before may end in it
	most := (writers - 1 + 2*smallBacklog/readGrant) * turn
	resumed := crowd.info(ctx, t).GetLastSequence()
	waited := make(map[uint64]int, writers) // packets of others since a connection's last one
	for id := range uint64(writers) {
		waited[id+1] = 0
	}
	for seen := 0; seen < writers*8*turn; {
		batch, err := log.Recv()
		require.NoError(t, err)
		for _, e := range batch.GetEvents() {
			if e.GetSequence() <= resumed {
				continue
			}
			require.True(t, isCount(e), "%v", e)
			seen++
			for id := range waited {
				if id != e.GetConnectionId() {
					waited[id]++
				}
				require.LessOrEqual(t, waited[id], most, "connection %d waits at event %d", id, e.GetSequence())
			}
			waited[e.GetConnectionId()] = 0
		}
		if n := len(batch.GetEvents()); n > 0 {
			crowd.acknowledge(ctx, t, batch.GetEvents()[n-1].GetSequence())
		}
	}
}

// crowd is an endpoint and writers that fill its log.
type crowd struct {
	sidecar  *sidecar
	endpoint string
	writers  []*writer
}

// writer writes numbered packets as far as the system takes them.
type writer struct {
	conn      *net.TCPConn
	raw       syscall.RawConn
	addresses string // of the sidecar's socket and the writer's, as /proc/net/tcp spells them: another socket may have the same port
	id        uint32
	number    uint32
	rest      []byte // of a frame that was taken in part
}

func newCrowd(ctx context.Context, t *testing.T, s *sidecar) *crowd {
	t.Helper()
	bound, err := s.control.API.Bind(ctx, &pb.BindRequest{Address: "127.0.0.1:0", Options: &pb.EndpointOptions{
		Packets: []*pb.Packet{{Name: "count"}},
		Limits:  &pb.Limits{BacklogBytes: smallBacklog},
		Events:  &pb.EventOptions{ExpectedSubscriber: subscriber},
	}})
	require.NoError(t, err)
	c := &crowd{sidecar: s, endpoint: bound.GetEndpointId()}
	for id := range uint32(writers) {
		conn, err := net.Dial("tcp", addressOf(bound))
		require.NoError(t, err)
		w := &writer{conn: conn.(*net.TCPConn), id: id}
		w.addresses = procAddress(conn.RemoteAddr()) + procAddress(conn.LocalAddr())
		c.writers = append(c.writers, w)
		w.raw, err = w.conn.SyscallConn()
		require.NoError(t, err)
		w.rest = wire.AppendFrame(nil, packet.IDSettype, 0, packet.AppendSettype(nil, "classic"))
		w.rest = wire.AppendFrame(w.rest, packet.IDAccept, 0, packet.AppendAccept(nil))
		_, err = w.conn.Write(w.rest)
		require.NoError(t, err)
		w.rest = nil
	}
	require.NoError(t, eventually(ctx, "everybody to join", func() bool {
		return c.info(ctx, t).GetPacketsReceived() == 2*writers
	}))
	return c
}

// procAddress spells an address on 127.0.0.1 as /proc/net/tcp does.
func procAddress(a net.Addr) string { return fmt.Sprintf("0100007F:%04X", a.(*net.TCPAddr).Port) }

func (c *crowd) close() {
	for _, w := range c.writers {
		_ = w.conn.Close()
	}
}

// press lets all write until the endpoint has paused and the system takes nothing more from anybody.
func (c *crowd) press(ctx context.Context, t *testing.T) {
	t.Helper()
	require.NoError(t, eventually(ctx, "everybody to be held back", func() bool {
		return c.write(t) == 0 && c.info(ctx, t).GetPhase() == pb.EndpointPhase_ENDPOINT_PHASE_PAUSED
	}))
	c.rest(ctx, t)
}

// write lets all write until the system takes no more, and returns how many bytes it took.
func (c *crowd) write(t *testing.T) (taken int) {
	t.Helper()
	for _, w := range c.writers {
		taken += w.write(t)
	}
	return taken
}

// acknowledge lets the sidecar go on, and returns when it can go no further.
func (c *crowd) acknowledge(ctx context.Context, t *testing.T, sequence uint64) {
	t.Helper()
	_, err := c.sidecar.control.API.Acknowledge(ctx, &pb.AcknowledgeRequest{
		EndpointId: c.endpoint, Acknowledgement: &pb.Acknowledgement{Subscriber: subscriber, Sequence: sequence},
	})
	require.NoError(t, err)
	c.rest(ctx, t)
}

func (c *crowd) info(ctx context.Context, t *testing.T) *pb.EndpointInfo {
	t.Helper()
	listed, err := c.sidecar.control.API.ListEndpoints(ctx, &pb.ListEndpointsRequest{})
	require.NoError(t, err)
	return listed.GetEndpoints()[0]
}

// rest waits until nothing goes on, for three looks: one thread may have woken another between the looks at the two.
func (c *crowd) rest(ctx context.Context, t *testing.T) {
	t.Helper()
	looks, going := 0, ""
	err := eventually(ctx, "the sidecar to rest", func() bool {
		looks++
		if going = c.goesOn(t); going != "" {
			looks = 0
		}
		return looks == 3
	})
	require.NoError(t, err, going)
}

// goesOn says what still goes on: until it is nothing, the system takes bytes from a writer, or brings them to the sidecar, or a
// thread of that is awake.
func (c *crowd) goesOn(t *testing.T) string {
	t.Helper()
	if taken := c.write(t); taken > 0 {
		return fmt.Sprintf("the system took %d bytes", taken)
	}
	if w := c.absent(t); w != nil {
		return fmt.Sprintf("nothing has come from writer %d", w.id)
	}
	if !asleep(c.sidecar.command.Process.Pid) {
		return "the sidecar is awake"
	}
	return ""
}

// absent returns a writer of whom the sidecar has nothing to read, if there is one.
func (c *crowd) absent(t *testing.T) *writer {
	t.Helper()
	sockets, err := os.ReadFile("/proc/net/tcp")
	require.NoError(t, err)
	waiting := make(map[string]bool)
	for line := range strings.Lines(string(sockets)) {
		fields := strings.Fields(line) // number, own address, peer's address, state, bytes to send : bytes to read
		_, unread, _ := strings.Cut(fields[4], ":")
		waiting[fields[1]+fields[2]] = strings.Trim(unread, "0") != ""
	}
	for _, w := range c.writers {
		if !waiting[w.addresses] {
			return w
		}
	}
	return nil
}

// asleep reports whether all threads of a process are.
func asleep(pid int) bool {
	threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
	for _, thread := range threads {
		stat, err := os.ReadFile(thread)
		if err == nil && !strings.Contains(string(stat), ") S ") {
			return false
		}
	}
	return true
}

// write writes until the system takes no more, and returns how many bytes it took.
func (w *writer) write(t *testing.T) (taken int) {
	t.Helper()
	for {
		if len(w.rest) == 0 {
			w.rest = countFrame(w.id, w.number, writerBody)
			w.number++
		}
		var n int
		var err error
		require.NoError(t, w.raw.Write(func(fd uintptr) bool {
			n, err = syscall.Write(int(fd), w.rest)
			return true
		}))
		if err == syscall.EAGAIN {
			return taken
		}
		require.NoError(t, err)
		w.rest = w.rest[n:]
		taken += n
	}
}
