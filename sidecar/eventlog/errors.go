// What can go wrong for a subscriber.

package eventlog

import (
	"errors"
	"fmt"
)

// Errors of subscribers. Messages say what happened to the subscriber, for a person.
var (
	// ErrTakenOver ends a cursor when another session subscribes under the same name.
	ErrTakenOver = errors.New("the same subscriber has subscribed again elsewhere")
	// ErrResumed ends a cursor when its own session subscribes again. A session has one live stream at a time. If the newer
	// stream is not that one, because its request came late over a broken connection, the session subscribes once more.
	ErrResumed = errors.New("the same session has subscribed again")
	// ErrCursorClosed is what a cursor returns after its Close.
	ErrCursorClosed = errors.New("the cursor is closed")
	// ErrUnknownSubscriber: no durable subscriber has that name, or it was away too long and is forgotten.
	ErrUnknownSubscriber = errors.New("no durable subscriber of that name; subscribe first")
)

// OtherModeError says that a durable subscriber is known in another mode: it keeps the one with which it first came.
type OtherModeError struct {
	Name string
	Mode Mode // the one it keeps
}

// Error names the mode.
func (e *OtherModeError) Error() string {
	return fmt.Sprintf("subscriber %q is known as %v; subscribe as that, or under another name", e.Name, e.Mode)
}

// GoneError says that events a subscriber asked for are no longer held.
type GoneError struct {
	Sequence uint64 // the first one asked for
	Oldest   uint64 // the oldest one held; one more than the last when nothing is held
}

// Error names the oldest sequence that can be had.
func (e *GoneError) Error() string {
	return fmt.Sprintf("sequence %d is no longer held: the oldest one is %d, subscribe from there", e.Sequence, e.Oldest)
}

// RangeError says that a sequence is too large: an acknowledged one lies beyond the last event sent to the subscriber, or a
// subscription begins beyond the next event of the log.
type RangeError struct {
	Sequence uint64 // the one asked for
	Oldest   uint64 // the oldest one held; one more than the last when nothing is held
	Limit    uint64 // the largest that was possible
}

// Error names the largest possible sequence.
func (e *RangeError) Error() string {
	return fmt.Sprintf("sequence %d is beyond %d, the largest possible now; the oldest one held is %d",
		e.Sequence, e.Limit, e.Oldest)
}
