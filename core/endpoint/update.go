package endpoint

import (
	"fmt"

	"github.com/pengbridge/pengbridge/core/packet"
	"github.com/pengbridge/pengbridge/core/session"
)

// Update changes what packet rules and broadcasts look at.
type Update struct {
	session.Changes
	Join  []string
	Leave []string // groups that the connection is not in are ignored
}

const (
	// MaxGroups is how many groups a connection can be in.
	MaxGroups = 64
	// MaxGroupName is the longest name of a group, in bytes.
	MaxGroupName = 256
)

// Update changes a connection's state, mode, type and groups: all that is asked for, or nothing. The changes hold from the very
// next packet on. Errors: ErrUnknownConn, ErrNotActive (state and type), ErrStopped, *packet.InvalidError.
func (e *Endpoint) Update(id uint64, u Update) error {
	for _, name := range u.Join {
		if name == "" || len(name) > MaxGroupName {
			return &packet.InvalidError{Field: "join_groups", Problem: "a group's name must have 1 to 256 bytes"}
		}
	}
	c, err := e.find(id)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.sess.Closing() {
		return ErrUnknownConn
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	groups := c.regroup(u.Join, u.Leave)
	if len(groups) > MaxGroups {
		return &packet.InvalidError{Field: "join_groups", Problem: fmt.Sprintf("a connection can be in %d groups at most", MaxGroups)}
	}
	if err := c.sess.Set(u.Changes); err != nil {
		return connError(err)
	}
	e.setGroups(c, groups)
	return nil
}

// regroup returns the groups the connection would be in.
func (c *conn) regroup(join, leave []string) map[string]struct{} {
	if len(join) == 0 && len(leave) == 0 {
		return c.groups
	}
	groups := make(map[string]struct{}, len(c.groups)+len(join))
	for name := range c.groups {
		groups[name] = struct{}{}
	}
	for _, name := range leave {
		delete(groups, name)
	}
	for _, name := range join {
		groups[name] = struct{}{}
	}
	return groups
}

// setGroups makes the connection a member of exactly these groups. c.mu and e.mu are held.
func (e *Endpoint) setGroups(c *conn, groups map[string]struct{}) {
	for name := range c.groups {
		if _, stays := groups[name]; !stays {
			e.leave(name, c)
		}
	}
	for name := range groups {
		members := e.groups[name]
		if members == nil {
			members = make(map[uint64]*conn)
			e.groups[name] = members
		}
		members[c.id] = c
	}
	c.groups = groups
}

// leave takes a connection out of a group, and forgets the group when it is empty. e.mu is held.
func (e *Endpoint) leave(name string, c *conn) {
	delete(e.groups[name], c.id)
	if len(e.groups[name]) == 0 {
		delete(e.groups, name)
	}
}
