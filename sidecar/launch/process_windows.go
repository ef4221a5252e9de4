package launch

import (
	"errors"
	"os"

	"golang.org/x/sys/windows"
)

// openProcess watches with a handle, which never comes to mean another process. Asking for the parent's id would not do: on
// Windows it stays the same when the parent has ended.
func openProcess(pid int, _ func() int) (processHandle, error) {
	process, err := windows.OpenProcess(windows.SYNCHRONIZE, false, uint32(pid))
	if err != nil {
		return nil, os.NewSyscallError("OpenProcess", err)
	}
	closed, err := windows.CreateEvent(nil, 1, 0, nil)
	if err != nil {
		return nil, errors.Join(os.NewSyscallError("CreateEvent", err), windows.CloseHandle(process))
	}
	return &handle{process, closed}, nil
}

type handle struct {
	process windows.Handle
	closed  windows.Handle // an event
}

// wait owns the handles from the moment it is called: close only sets the event.
func (h *handle) wait() bool {
	defer func() {
		_ = windows.CloseHandle(h.process)
		_ = windows.CloseHandle(h.closed)
	}()
	n, err := windows.WaitForMultipleObjects([]windows.Handle{h.process, h.closed}, false, windows.INFINITE)
	return err == nil && n == windows.WAIT_OBJECT_0
}

func (h *handle) close() { _ = windows.SetEvent(h.closed) }
