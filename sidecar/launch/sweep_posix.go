//go:build !windows

package launch

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// sweepEntries bounds how much of a crowded temporary directory is looked at: sweeping is part of every start.
const sweepEntries = 10_000

// sweep removes from temp the directories of sidecars that were killed together with their parents. Such a directory
// belongs to this user alone, has our name, and holds only a socket, which refuses connections: since a directory gets that name
// only when its sidecar listens, nobody will ever listen there again. Anything else, or what cannot be removed, stays.
func sweep(temp string) {
	dir, err := os.Open(temp)
	if err != nil {
		return
	}
	defer dir.Close()
	names, _ := dir.Readdirnames(sweepEntries) // even with an error, there are the names that were read before it
	for _, name := range names {
		if path := filepath.Join(temp, name); strings.HasPrefix(name, socketDirPrefix) && private(path) {
			if stale(filepath.Join(path, socketName)) {
				_ = os.Remove(path)
			}
		}
	}
}

// private reports whether path is a directory itself, not a link to one, which only this user can look into.
func private(path string) bool {
	info, err := os.Lstat(path)
	if err != nil || !info.IsDir() || info.Mode().Perm() != 0o700 {
		return false
	}
	status, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(status.Uid) == os.Getuid()
}
