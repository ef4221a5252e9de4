package endpoint

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"time"

	"github.com/pengbridge/pengbridge/core/event"
	"github.com/pengbridge/pengbridge/core/packet"
	"github.com/pengbridge/pengbridge/core/session"
)

// PingOptions are Options for Ping. The zero value sends an empty map.
type PingOptions struct {
	// Data is a MessagePack map to send along; the server returns it. "time" is added.
	Data []byte
	// TLS protects the connection. nil: nothing does.
	TLS *tls.Config
	// Budget bounds the memory for the answer, as in Options. nil: nothing does but the limit of a packet.
	Budget *Budget
}

// PingResult is a server's answer.
type PingResult struct {
	Body     []byte        // the answer: a MessagePack map
	Delay    time.Duration // from sending the request to receiving the answer
	Received time.Time
}

// pingPatience is how long a server may take to answer a ping, if the context sets no deadline.
const pingPatience = 10 * time.Second

// Ping asks a peng3dnet server for its ping data (connection type "ping"), and leaves nothing behind (defect 12). A server
// that stays silent is given up at the deadline of ctx; if it has none, after 10 s. Errors: ErrConnectRefused,
// *HandshakeError (the server refused, or did not answer), *packet.InvalidError, those of ctx.
func Ping(ctx context.Context, address string, opts PingOptions) (PingResult, error) {
	if opts.Data != nil {
		if err := packet.Check(opts.Data); err != nil {
			return PingResult{}, &packet.InvalidError{Field: "data", Problem: err.Error()}
		}
	}
	if _, err := packet.AppendPing(nil, opts.Data, 0); err != nil {
		return PingResult{}, err
	}
	pong := make(chan PingResult, 1)
	watch := func(ev event.Event) {
		if ev.Type == event.ClientRecv && ev.PacketID == packet.IDPong {
			select {
			case pong <- PingResult{Body: bytes.Clone(ev.Body), Received: ev.Time}:
			default: // only the first answer counts
			}
		}
	}
	patience := pingPatience
	if deadline, ok := ctx.Deadline(); ok {
		patience = max(time.Until(deadline), 0) + time.Second // so that it is ctx that ends the wait
	}
	client, err := Dial(ctx, address, ClientOptions{
		Options: Options{
			TLS: opts.TLS, Budget: opts.Budget, Events: event.Func(watch),
			Limits: Limits{HandshakeTimeout: patience, IdleTimeout: patience},
		},
		Conntype:      session.ConntypePing,
		WaitHandshake: true,
	})
	if err != nil {
		return PingResult{}, explained(err)
	}
	defer client.leavePing()
	asked := time.Now()
	body, err := packet.AppendPing(nil, opts.Data, float64(asked.UnixNano())/1e9)
	if err != nil {
		return PingResult{}, err
	}
	if err := client.Send(0, packet.ID(packet.IDPing), body); err != nil && !errors.Is(err, ErrUnknownConn) {
		return PingResult{}, fmt.Errorf("sending the ping: %w", err)
	} // a connection that is closed already has its reason
	return client.awaitPong(ctx, pong, asked)
}

// awaitPong waits for the answer, or the reason why there is none.
func (cl *Client) awaitPong(ctx context.Context, pong <-chan PingResult, asked time.Time) (PingResult, error) {
	select {
	case result := <-pong:
		result.Delay = result.Received.Sub(asked)
		return result, nil
	case <-cl.conn.closing:
		select {
		case result := <-pong: // it came before the end
			result.Delay = result.Received.Sub(asked)
			return result, nil
		default:
			return PingResult{}, explained(cl.conn.handshakeError())
		}
	case <-ctx.Done():
		return PingResult{}, fmt.Errorf("no answer to the ping: %w", ctx.Err())
	}
}

// leavePing ends a ping's client the way servers expect it.
func (cl *Client) leavePing() {
	reason := session.ReasonPingComplete
	cl.end(ending{reason: &reason, timeout: stopTimeout})
	<-cl.done
}

// explained says of a refused ping what its reason means: a server without pings does not know their connection type.
func explained(err error) error {
	if failed, ok := errors.AsType[*HandshakeError](err); ok && failed.Reason != nil && *failed.Reason == session.ReasonUnknownConntype {
		return &HandshakeError{Reason: failed.Reason, Detail: "the server does not answer pings"}
	}
	return err
}
