package launch

import (
	"errors"
	"os"
	"path/filepath"
)

// writePrivateFile replaces a file whole, with mode 0600.
func writePrivateFile(path string, data []byte) error {
	f, err := createBeside(path)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return f.commit(err)
}

// privateFile is a file under a temporary name of mode 0600 that takes its place when it is complete.
type privateFile struct {
	*os.File
	path string
}

func createBeside(path string) (*privateFile, error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return nil, err
	}
	return &privateFile{f, path}, nil
}

// commit renames the file to its place, or removes it if writing it failed.
func (f *privateFile) commit(err error) error {
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), f.path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}
