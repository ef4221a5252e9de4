// Package eventlog is the ordered log of one endpoint's events, which are kept until its subscribers have them.
//
// The endpoint appends events ([Log.Append]); each gets the next sequence number, from 1 up, and is encoded once, in the
// form in which it travels: as one element of pengbridge.v1.SubscribeResponse.events. Every stretch of the log is
// therefore a finished message, and a subscriber's [Cursor] hands out such stretches without copying. The body of a large
// event is not copied into the log either, if the event owns it.
//
// There are three kinds of subscribers. An [Acknowledging] one owes acknowledgements and has at most two batches under
// way; for a [Durable] one, an event counts as acknowledged once it was written to its stream. Both are durable: they get every
// event once and in order, over any number of streams. An [Observer] sees what is held and what comes.
//
// What is held follows from them. Everything that a durable subscriber (of either kind) has not acknowledged is kept, and
// when that becomes too much the gate closes: the endpoint stops reading its sockets ([Log.Enter]). Besides, the newest
// Options.RingBytes are kept while somebody may want them: an observer, a durable subscriber that does not acknowledge
// and may resume a little earlier, or, where there is no durable subscriber, whoever comes next.
//
// An event's way through the files: draft.go and encode.go (encoded, without its sequence), store.go (its place in a chunk),
// cursor.go and batch.go (on its way to a subscriber), subscriber.go (acknowledged), log.go (settle: forgotten), gate.go (room
// for the next read).
package eventlog
