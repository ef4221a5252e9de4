//go:build unix

package faults

import (
	"errors"
	"fmt"
	"slices"
)

// terms are what a run has promised its oracle.
type terms struct {
	recorded bool // whether the log has what was sent
	known    bool // whether the application told of its commands
	complete bool // whether the application has read the log to its end
}

// settled reports whether everything that is on its way has arrived: what peers sent is with the application, and what that
// sent back is with them. It holds for connections that stand.
func (o *oracle) settled(t terms) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, r := range o.lives {
		switch {
		case r.over && (r.conn == nil || r.conn.stage == closed):
		case r.over: // its close is still to be read
			return false
		case r.conn == nil && r.attempted > 0, r.conn != nil && r.conn.received != r.attempted:
			return false
		case r.conn != nil && len(r.echoes) != len(r.conn.expected(t)):
			return false
		}
	}
	return true
}

// sentBack reports whether the log has, of each connection that stands, every packet sent back that the present process has
// handled.
func (o *oracle) sentBack() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, c := range o.conns {
		if c.stage == closed || !c.known || o.lives[c.life].over {
			continue
		}
		for number := c.former; number < c.received; number++ {
			if !slices.Contains(c.sent, number) {
				return false
			}
		}
	}
	return true
}

// expected returns the packets that were sent to a connection: what the log says, or what the answers to commands say.
func (c *connection) expected(t terms) []uint32 {
	if t.recorded {
		return c.sent
	}
	var numbers []uint32
	for _, command := range c.commands {
		if command.reason == "" {
			numbers = append(numbers, command.number)
		}
	}
	return numbers
}

// unanswered returns how many of the expected packets may not have been sent: nobody was told what became of their commands.
func (c *connection) unanswered(t terms) int {
	n := 0
	for _, command := range c.commands {
		if command.open && !t.recorded {
			n++
		}
	}
	return n
}

// verdict judges the run when it is over, and returns everything that is wrong.
func (o *oracle) verdict(t terms) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, c := range o.conns {
		if err := o.judgeConnection(c, t); err != nil {
			o.complain("connection %d: %w", c.id, err)
		}
	}
	for _, r := range o.lives {
		if err := o.judgeLife(r, t); err != nil {
			o.complain("life %x: %w", r.id, err)
		}
	}
	for sequence, digest := range o.observed {
		if sequence <= uint64(len(o.digests)) && o.digests[sequence-1] != digest {
			o.complain("the watcher saw another event %d than the application", sequence)
		}
	}
	if t.complete && o.phase < interrupted {
		o.complain("the log ended in phase %d", o.phase)
	}
	return errors.Join(o.complaints...)
}

func (o *oracle) judgeConnection(c *connection, t terms) error {
	if t.complete && c.stage != closed {
		return fmt.Errorf("has no close event; stage %d", c.stage)
	}
	if t.complete && t.recorded && t.known {
		if err := c.judgeCommands(); err != nil {
			return err
		}
	}
	for _, command := range c.commands {
		var plausible bool
		switch command.reason {
		case "":
			plausible = true
		case "UNKNOWN_CONNECTION":
			plausible = !t.complete || c.stage == closed
		case "ENDPOINT_STOPPED":
			plausible = o.ended
		case "EVENT_LOG_FULL":
			plausible = t.recorded
		case "SEND_QUEUE_FULL":
			plausible = o.lives[c.life].choked
		}
		if !plausible {
			return fmt.Errorf("command %v failed: %s", command.key, command.reason)
		}
	}
	return nil
}

// judgeCommands compares what was sent, by the answers to the commands, with what was sent, by the log. A command that
// nobody was told of may have been applied or not.
func (c *connection) judgeCommands() error {
	logged := c.sent
	for _, command := range c.commands {
		applied := len(logged) > 0 && logged[0] == command.number
		switch {
		case command.open && !applied, command.reason != "" && !applied:
			continue
		case !applied:
			return fmt.Errorf("command %v was answered, and packet %d was not sent: %v", command.key, command.number, logged)
		case command.reason != "":
			return fmt.Errorf("command %v failed (%s), and packet %d was sent", command.key, command.reason, command.number)
		}
		logged = logged[1:]
	}
	if len(logged) > 0 {
		return fmt.Errorf("packets %v were sent without a command", logged)
	}
	return nil
}

func (o *oracle) judgeLife(r *record, t terms) error {
	if r.conn == nil { // nothing of it came in
		if r.left != stays && !r.cut && r.attempted > 0 && !o.ended {
			return errors.New("said goodbye, and nothing it had sent arrived")
		}
		return nil
	}
	if r.conn.received > r.attempted {
		return fmt.Errorf("%d packets arrived of %d", r.conn.received, r.attempted)
	}
	orderly := r.left != stays && !r.cut && r.kicked == nil && !r.choked && !o.ended
	if orderly && r.conn.stage == closed && r.conn.received != r.attempted {
		return fmt.Errorf("left in good order, and %d of %d packets arrived", r.conn.received, r.attempted)
	}
	if err := r.judgeEchoes(r.conn.expected(t), t); err != nil {
		return err
	}
	return o.judgeReason(r)
}

// judgeEchoes compares what was sent with what arrived. Of a log that was not read to its end, some of what was sent is not
// known.
func (r *record) judgeEchoes(sent []uint32, t terms) error {
	same := min(len(r.echoes), len(sent))
	switch {
	case !slices.Equal(r.echoes[:same], sent[:same]), t.complete && len(r.echoes) > len(sent):
		return fmt.Errorf("got %v, sent was %v", r.echoes, sent)
	case r.told && len(r.echoes) < len(sent)-r.conn.unanswered(t):
		return fmt.Errorf("was told the reason, but of %d packets before it got %d", len(sent), len(r.echoes))
	case t.complete && t.recorded && r.conn.controls != r.past:
		return fmt.Errorf("%d packets were sent past the application, the log has %d", r.past, r.conn.controls)
	case r.controls > r.past, r.told && r.controls != r.past:
		return fmt.Errorf("%d packets were sent past the application, %d arrived", r.past, r.controls)
	}
	return nil
}

// judgeReason looks at how a connection ended: by something that happened to it, and with that thing's reason.
func (o *oracle) judgeReason(r *record) error {
	if r.conn.stage != closed {
		return nil
	}
	got := text(r.conn.reason)
	var possible []string
	if r.cut || r.left == halfCloses {
		possible = append(possible, "none")
	}
	if r.left == goodbye {
		possible = append(possible, goodbyeReason)
	}
	if r.kicked != nil {
		possible = append(possible, *r.kicked)
	}
	if r.choked {
		possible = append(possible, "sendqueuefull")
	}
	if o.ended {
		possible = append(possible, o.ending)
	}
	if !slices.Contains(possible, got) {
		return fmt.Errorf("closed with %q, possible were %q", got, possible)
	}
	if r.told && text(r.reason) != got {
		return fmt.Errorf("was told %q, the application %q", text(r.reason), got)
	}
	reads := !r.cut && !r.choked && r.left == stays
	if reads && !r.told && o.owed(r, got) {
		return fmt.Errorf("was not told %q, though it reads", got)
	}
	return nil
}

// owed reports whether a peer that reads must have been told the reason of its close: in time it was. o.mu is held.
func (o *oracle) owed(r *record, reason string) bool {
	switch {
	case r.kicked != nil && reason == *r.kicked && !o.ended:
		return r.overAt.Sub(r.kickedAt) < promptly
	case o.patient && reason == o.ending:
		return r.overAt.Sub(o.endedAt) < promptly
	}
	return false
}

// hurt returns how many connections something has happened to, so that they may be cut.
func (o *oracle) hurt() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	n := 0
	for _, r := range o.lives {
		if r.cut || r.choked || r.left != stays {
			n++
		}
	}
	return n
}

// text spells a reason out.
func text(reason *string) string {
	if reason == nil {
		return "none"
	}
	return *reason
}
