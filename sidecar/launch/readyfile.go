package launch

// The ready file of a sidecar that was not spawned: the ready line, where whoever waits for it looks.

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// ClearReadyFile makes way for a ready file before there is one to write: it removes the file of a sidecar that was killed, and
// makes sure that another can be written. What is no ordinary file, such as /dev/stdout, is not replaced.
func ClearReadyFile(path string) error {
	f, err := createBeside(path)
	if err != nil {
		return err
	}
	if err := errors.Join(f.Close(), os.Remove(f.Name())); err != nil {
		return err
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s is not a regular file", path)
	}
	return os.Remove(path)
}

// WriteReadyFile writes the ready line to a file of mode 0600. Whoever waits for the file never sees half of it.
func WriteReadyFile(path string, r Ready) error {
	f, err := createBeside(path)
	if err != nil {
		return err
	}
	return f.commit(WriteReady(f, r))
}

// RemoveReadyFile removes the file if it is the one of the process: another sidecar may have written its own there since.
func RemoveReadyFile(path string, pid int) {
	f, err := os.Open(path)
	if err != nil {
		return
	}
	ready, err := readReady(f)
	_ = f.Close()
	if err == nil && ready.PID == pid {
		_ = os.Remove(path)
	}
}
