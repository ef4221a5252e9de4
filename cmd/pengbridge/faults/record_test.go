//go:build unix

package faults

import "time"

// promptly is how soon after its goodbye a connection is over: peers close when they see the end of the stream, for which the
// sidecar waits 0.2 s, and 1 s more before it cuts. A goodbye may be lost then, but only on a peer whose process stood still
// for so long.
const promptly = time.Second

// record is what a peer did and saw in one life, and what was done to it.
type record struct {
	id        uint32
	conn      *connection // as the log knows it; nil until a packet came in
	attempted uint32      // packets that were written, the last one maybe in part
	echoes    []uint32    // numbers that came back
	controls  int         // packets that came past the application
	past      int         // packets that were sent so
	told      bool        // a closeconn came, with reason
	reason    *string
	over      bool
	overAt    time.Time

	// What may have ended it.
	left     leaving
	cut      bool    // a fault hit its connection: what was under way may be lost
	kicked   *string // the application closed it, with this reason
	kickedAt time.Time
	choked   bool // it did not read
}

// life returns the record of a life. o.mu is held.
func (o *oracle) life(id uint32) *record {
	r := o.lives[id]
	if r == nil {
		o.complain("life %x was never lived", id)
		r = &record{id: id}
		o.lives[id] = r
	}
	return r
}

// about changes a life's record.
func (o *oracle) about(id uint32, do func(*record)) {
	o.mu.Lock()
	defer o.mu.Unlock()
	do(o.life(id))
}

// What peers report.

func (o *oracle) born(id uint32) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.lives[id] = &record{id: id}
}

func (o *oracle) attempted(id uint32)         { o.about(id, func(r *record) { r.attempted++ }) }
func (o *oracle) left(id uint32, how leaving) { o.about(id, func(r *record) { r.left = how }) }
func (o *oracle) controlled(id uint32)        { o.about(id, func(r *record) { r.controls++ }) }

func (o *oracle) echoed(id, number uint32) {
	o.about(id, func(r *record) {
		if r.told {
			o.complain("life %x got a packet behind the reason", id)
		}
		r.echoes = append(r.echoes, number)
	})
}

func (o *oracle) told(id uint32, reason *string) {
	o.about(id, func(r *record) {
		if r.told {
			o.complain("life %x was told twice", id)
		}
		r.told, r.reason = true, reason
	})
}

func (o *oracle) died(id uint32, err error) {
	o.about(id, func(r *record) {
		r.over, r.overAt = true, time.Now()
		if err != nil && !r.cut {
			o.complain("life %x: what came makes no sense: %w", id, err)
		}
	})
}

// What is done to peers.

func (o *oracle) cut(id uint32)    { o.about(id, func(r *record) { r.cut = true }) }
func (o *oracle) choked(id uint32) { o.about(id, func(r *record) { r.choked = true }) }

// kicked says that the application closes the connection with a reason; nil: it did not come to that.
func (o *oracle) kicked(id uint32, reason *string) {
	o.about(id, func(r *record) { r.kicked, r.kickedAt = reason, time.Now() })
}

// sentPast says that a packet was sent past the application.
func (o *oracle) sentPast(conn uint64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.life(o.conns[conn].life).past++
}

// connectionOf returns the number of a life's connection, from when the log has told until the application closes it.
func (o *oracle) connectionOf(id uint32) (conn uint64, ok bool) {
	o.about(id, func(r *record) {
		if ok = r.conn != nil && r.conn.stage == active && r.kicked == nil; ok {
			conn = r.conn.id
		}
	})
	return conn, ok
}
