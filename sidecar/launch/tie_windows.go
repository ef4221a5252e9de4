package launch

import (
	"errors"
	"os"
	"unsafe"

	"golang.org/x/sys/windows"
)

// tieLife puts the child into a job, which the system ends when the last handle to it is closed. That handle is ours, so even a
// child that hangs ends with the parent.
func tieLife(child *os.Process) (release func(), err error) {
	job, err := windows.CreateJobObject(nil, nil)
	if err != nil {
		return nil, os.NewSyscallError("CreateJobObject", err)
	}
	info := windows.JOBOBJECT_EXTENDED_LIMIT_INFORMATION{}
	info.BasicLimitInformation.LimitFlags = windows.JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE
	_, err = windows.SetInformationJobObject(job, windows.JobObjectExtendedLimitInformation,
		uintptr(unsafe.Pointer(&info)), uint32(unsafe.Sizeof(info)))
	if err == nil {
		err = assign(job, child)
	}
	if err != nil {
		return nil, errors.Join(err, windows.CloseHandle(job))
	}
	return func() { _ = windows.CloseHandle(job) }, nil
}

func assign(job windows.Handle, child *os.Process) (err error) {
	handleErr := child.WithHandle(func(process uintptr) {
		err = os.NewSyscallError("AssignProcessToJobObject", windows.AssignProcessToJobObject(job, windows.Handle(process)))
	})
	return errors.Join(handleErr, err)
}

// wake has nothing to do here: there is no signal that stops a process.
func wake(*os.Process) {}
