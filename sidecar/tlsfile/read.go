package tlsfile

import (
	"errors"
	"fmt"
	"io"
	"os"
)

// maxFile is the size of the largest file that is read, in bytes. The authorities that a browser trusts take a quarter of it.
const maxFile = 1 << 20

// read reads a file. The path comes from an application, and only an ordinary file is sure to end and not to make us wait.
func read(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("not an ordinary file: " + path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // it was only read
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(data) > maxFile {
		err = fmt.Errorf("more than %d bytes: %s", maxFile, path)
	}
	return data, err
}
