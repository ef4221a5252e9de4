package session

import (
	"errors"
	"fmt"
	"time"

	"github.com/pengbridge/pengbridge/core/event"
	"github.com/pengbridge/pengbridge/core/packet"
)

// onSettype: the client announced its connection type.
func (s *Session) onSettype(now time.Time, body []byte, out *Output) {
	name, err := packet.ParseSettype(body)
	if err != nil {
		s.Refuse(now, err, out)
		return
	}
	handshake, known := s.cfg.Lookup(name)
	if !known {
		s.Close(now, text(ReasonUnknownConntype), fmt.Sprintf("the client asks for connection type %.100q", name), out)
		return
	}
	s.view.Conntype, s.handshake = name, handshake
	if handshake == HandshakeNone {
		s.activate()
		return
	}
	s.phase, s.view.State = phaseAcceptWait, StateHandshakeWait
	registry := s.cfg.Registry.Table().InOrder()
	s.sendInternal(now, packet.IDHandshake, packet.AppendHandshake(out.body(), s.cfg.Version, registry), out)
}

// onAccept: the client answered the handshake. If it did not accept, the connection stays as it is, as in the reference: the
// client closes it, or the handshake time runs out.
func (s *Session) onAccept(now time.Time, body []byte, out *Output) {
	success, err := packet.ParseAccept(body)
	if err != nil {
		s.Refuse(now, err, out)
		return
	}
	if !success {
		return
	}
	s.activate()
	s.report(event.Event{Type: event.ServerHandshakeComplete, Time: now}, out)
}

// onHello: the server said which protocol it speaks.
func (s *Session) onHello(now time.Time, body []byte, out *Output) {
	hello, err := packet.ParseHello(body)
	if err != nil {
		s.Refuse(now, err, out)
		return
	}
	if !s.speaksOurProtocol(now, hello.Protocol, out) {
		return
	}
	handshake, _ := s.cfg.Lookup(s.cfg.Conntype) // known: Config says so, and no connection type is ever taken back
	s.sendInternal(now, packet.IDSettype, packet.AppendSettype(out.body(), s.cfg.Conntype), out)
	s.view.Conntype, s.handshake = s.cfg.Conntype, handshake
	if handshake == HandshakeNone {
		s.activate()
		return
	}
	s.phase, s.view.State = phaseHandshakeWait, StateHandshakeWait
}

// onHandshake: the server sent its registry. The whole new table is built before it replaces the old one (defect 25).
func (s *Session) onHandshake(now time.Time, body []byte, out *Output) {
	handshake, err := packet.ParseHandshake(body)
	if err != nil {
		s.Refuse(now, err, out)
		return
	}
	if !s.speaksOurProtocol(now, handshake.Protocol, out) {
		return
	}
	switch err := s.syncRegistry(handshake.Registry); {
	case errors.Is(err, errDifferentNames):
		s.Close(now, text(ReasonRegistry), err.Error(), out)
		return
	case err != nil:
		s.Refuse(now, err, out)
		return
	}
	s.sendInternal(now, packet.IDAccept, packet.AppendAccept(out.body()), out)
	s.activate()
	s.report(event.Event{
		Type: event.ClientHandshakeComplete, Time: now, Registry: s.cfg.Registry.Table().Entries(),
	}, out)
}

var errDifferentNames = errors.New("the client and the server do not have the same packets")

func (s *Session) syncRegistry(server []event.Registered) error {
	if s.cfg.KeepIDs {
		return nil
	}
	return s.cfg.Registry.Change(func(t *packet.Table) (*packet.Table, error) {
		synced, same, err := t.Synced(server)
		if err != nil {
			return nil, err
		}
		if !same && s.cfg.Missing == MissingClose {
			return nil, differentNames(server, synced)
		}
		return synced, nil
	})
}

// differentNames says which packets only one side has: one name of each side, for the others are often just as wrong.
func differentNames(server []event.Registered, client *packet.Table) error {
	var serverLacks, clientLacks []string
	for _, r := range client.InOrder() {
		if client.Local(r.Name) {
			serverLacks = append(serverLacks, r.Name)
		}
	}
	for _, r := range server {
		if _, ok := client.ByName(r.Name); !ok {
			clientLacks = append(clientLacks, r.Name)
		}
	}
	return fmt.Errorf("%w%s%s", errDifferentNames, lacking("server", serverLacks), lacking("client", clientLacks))
}

func lacking(side string, names []string) string {
	switch len(names) {
	case 0:
		return ""
	case 1:
		return fmt.Sprintf("; the %s lacks %.100q", side, names[0])
	default:
		return fmt.Sprintf("; the %s lacks %.100q and %d more", side, names[0], len(names)-1)
	}
}

func (s *Session) speaksOurProtocol(now time.Time, version int64, out *Output) bool {
	if version == packet.ProtocolVersion {
		return true
	}
	s.Close(now, text(ReasonProtoVersion), fmt.Sprintf("the server speaks protocol version %d, we speak %d", version, packet.ProtocolVersion), out)
	return false
}
