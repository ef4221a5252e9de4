//go:build unix

package faults

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// state shows where a run that failed stands.
func (r *run) state() string {
	var b strings.Builder
	o := r.oracle
	o.mu.Lock()
	for _, id := range slices.Sorted(maps.Keys(o.lives)) {
		l := o.lives[id]
		fmt.Fprintf(&b, "life %x: %d packets attempted, %d came back; over %v, left %d, cut %v, told %v (%s)\n",
			id, l.attempted, len(l.echoes), l.over, l.left, l.cut, l.told, text(l.reason))
		if c := l.conn; c != nil {
			fmt.Fprintf(&b, "  connection %d: stage %d, %d received, %d sent, %d commands, reason %s\n",
				c.id, c.stage, c.received, len(c.sent), len(c.commands), text(c.reason))
		}
	}
	fmt.Fprintf(&b, "%d events; the endpoint is in phase %d\n", len(o.digests), o.phase)
	o.mu.Unlock()
	if r.sidecar != nil {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		info, err := r.info(ctx)
		fmt.Fprintf(&b, "endpoint: %v %v\n", info, err)
	}
	return b.String()
}
