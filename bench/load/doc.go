// Package load is the load generator of the benchmarks: connections that speak just enough peng3dnet to keep a server busy.
//
// One thread drives all connections through epoll, writes prepared bytes and counts the frames that come back. That costs it
// about one system call in and one out for each packet in flight, whatever the number of connections, so that a server has
// more to do than we have. Every wait is bounded: a server that stops answering ends a measurement with [ErrStalled].
package load
