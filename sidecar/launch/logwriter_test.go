package launch

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestLogWriterWritesEverythingBeforeClose(t *testing.T) {
	var out bytes.Buffer
	w := NewLogWriter(&out)
	for range 1000 {
		_, err := io.WriteString(w, "line\n")
		require.NoError(t, err)
	}
	require.True(t, w.Close(wait))
	assert.Equal(t, strings.Repeat("line\n", 1000), out.String())
	_, err := io.WriteString(w, "late\n")
	assert.NoError(t, err)
}

func TestLogWriterNeverBlocks(t *testing.T) {
	r, out := io.Pipe() // a write waits until it is read
	w := NewLogWriter(out)
	line := []byte(strings.Repeat("x", 1023) + "\n")
	for range 10 * logBuffer / len(line) {
		_, err := w.Write(line)
		require.NoError(t, err)
	}
	require.False(t, w.Close(time.Millisecond), "nobody read it")

	read := make(chan string)
	go func() {
		text, _ := io.ReadAll(r)
		read <- string(text)
	}()
	require.True(t, w.Close(wait))
	require.NoError(t, out.Close())
	text := <-read
	assert.LessOrEqual(t, len(text), 3*logBuffer)
	assert.Contains(t, text, `msg="log lines dropped, stderr is not read" lines=`)
}

func TestLogWriterSurvivesDeadOutput(t *testing.T) {
	out := &deadWriter{}
	w := NewLogWriter(out)
	for range 3 {
		_, err := io.WriteString(w, "line\n")
		require.NoError(t, err)
	}
	require.True(t, w.Close(wait))
	assert.Positive(t, out.writes.Load())
}

type deadWriter struct{ writes atomic.Int32 }

func (d *deadWriter) Write([]byte) (int, error) {
	d.writes.Add(1)
	return 0, errors.New("broken pipe")
}

func BenchmarkLogWriter(b *testing.B) {
	w := NewLogWriter(io.Discard)
	line := []byte(strings.Repeat("x", 120) + "\n")
	b.ReportAllocs()
	for b.Loop() {
		_, _ = w.Write(line)
	}
	w.Close(wait)
}
