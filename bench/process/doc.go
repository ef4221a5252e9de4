// Package process reads from the kernel what processes cost: their time on processors, and their memory.
package process
