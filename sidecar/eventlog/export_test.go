package eventlog

// Position returns the next sequence that the cursor looks at. Where a filtered cursor pauses between batches depends on
// the log's chunks, which the model of the tests knows nothing of.
func (c *Cursor) Position() uint64 {
	c.log.mu.Lock()
	defer c.log.mu.Unlock()
	return c.next
}

// Parked returns how many cursors the next event will wake.
func (l *Log) Parked() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.parked)
}
