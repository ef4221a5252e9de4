//go:build !windows && !linux

package launch

func openProcess(pid int, getppid func() int) (processHandle, error) {
	return newPoller(pid, getppid), nil
}
