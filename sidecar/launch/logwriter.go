package launch

import (
	"fmt"
	"io"
	"sync"
	"time"
)

// logBuffer is how many bytes of log lines may wait for a stderr that is not read; further lines are dropped and counted.
const logBuffer = 256 << 10

// LogWriter writes log lines to a stderr that may be gone or unread, without ever letting their writers wait or fail. Each Write
// is one line. Any number of goroutines may write.
type LogWriter struct {
	out  io.Writer
	done chan struct{} // closed when run has returned

	mu      sync.Mutex
	wake    sync.Cond // pending grew, or closed was set
	pending []byte
	dropped int // lines since the last note
	closed  bool
}

// NewLogWriter starts a writer to out. Its goroutine ends after Close, as soon as out lets it.
func NewLogWriter(out io.Writer) *LogWriter {
	w := &LogWriter{out: out, done: make(chan struct{})}
	w.wake.L = &w.mu
	go w.run()
	return w
}

// Write keeps a copy of line for writing, or drops it. It always succeeds.
func (w *LogWriter) Write(line []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed || len(w.pending)+len(line) > logBuffer {
		w.dropped++
		return len(line), nil
	}
	w.pending = append(w.pending, line...)
	w.wake.Signal()
	return len(line), nil
}

// run writes what is pending. An error is no reason to stop: the next line may get through, and nothing piles up.
func (w *LogWriter) run() {
	defer close(w.done)
	var batch []byte
	for {
		w.mu.Lock()
		for len(w.pending) == 0 && !w.closed {
			w.wake.Wait()
		}
		batch, w.pending = w.pending, batch[:0]
		if w.dropped > 0 {
			batch = fmt.Appendf(batch, "level=WARN msg=\"log lines dropped, stderr is not read\" lines=%d\n", w.dropped)
			w.dropped = 0
		}
		closed := w.closed
		w.mu.Unlock()
		if len(batch) > 0 {
			_, _ = w.out.Write(batch)
		}
		if closed {
			return
		}
	}
}

// Close takes no more lines and waits until the pending ones are written, at most for the given time. It reports whether they
// were. If not, the goroutine hangs in a write that ends only when somebody reads out, or with the process.
func (w *LogWriter) Close(timeout time.Duration) bool {
	w.mu.Lock()
	w.closed = true
	w.wake.Signal()
	w.mu.Unlock()

	timer := time.NewTimer(timeout)
	defer timer.Stop()
	select {
	case <-w.done:
		return true
	case <-timer.C:
		return false
	}
}
