package launch

// The ready file of a sidecar that was not spawned: the ready line, in a file for which others can wait.

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// ClearReadyFile makes way for a ready file before there is one to write: it removes the file of a sidecar that was killed, and
// makes sure that another can be written. A file that is neither a ready file nor empty is not removed: that is an error.
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
	case info.Size() > 0 && readyPID(path) == 0:
		return fmt.Errorf("%s has something else in it", path)
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

// RemoveReadyFile removes the file if the process with the given id wrote it: another sidecar may have replaced it since.
func RemoveReadyFile(path string, pid int) {
	if readyPID(path) == pid {
		_ = os.Remove(path)
	}
}

// readyPID returns the id of the process that wrote a ready file, of whatever version; 0 if it is no ready file.
func readyPID(path string) int {
	f, err := os.Open(path)
	if err != nil {
		return 0
	}
	defer f.Close()
	var ready Ready
	line, err := readLine(f)
	if err != nil || json.Unmarshal(line, &ready) != nil {
		return 0
	}
	return ready.PID
}
