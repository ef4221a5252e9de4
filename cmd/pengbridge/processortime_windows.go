package main

import (
	"syscall"
	"time"
)

// processorTime returns how long the process has kept processors busy. If the system does not say, it is nothing.
func processorTime() time.Duration {
	self, err := syscall.GetCurrentProcess()
	if err != nil {
		return 0
	}
	var created, exited, kernel, user syscall.Filetime
	if syscall.GetProcessTimes(self, &created, &exited, &kernel, &user) != nil {
		return 0
	}
	return duration(kernel) + duration(user)
}

// duration returns a length of time, which Windows counts in 100 ns.
func duration(t syscall.Filetime) time.Duration {
	return time.Duration(int64(t.HighDateTime)<<32|int64(t.LowDateTime)) * 100
}
