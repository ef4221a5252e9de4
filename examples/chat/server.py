"""A chat server with nicknames. Run it, then clients in other terminals: python examples/chat/server.py [host:port]"""

import sys

import pengbridge as peng3dnet


class Person(peng3dnet.ClientOnServer):
    """A connection; its name is None until it was given."""

    def on_close(self, reason=None):
        if self.name is not None:
            self.server.announce(f"{self.name} has left ({reason or 'connection lost'})", but=self.cid)


class NickPacket(peng3dnet.packet.SmartPacket):
    side = peng3dnet.SIDE_SERVER

    def receive(self, msg, cid=None):
        person = self.peer.clients[cid]
        wanted = str(msg["name"])[:32]
        if any(wanted == other.name for other in self.peer.clients.values()):
            self.peer.close_connection(cid, "nickname taken")
            return
        person.name = wanted
        person.mode = peng3dnet.MODE_CHAT
        self.peer.announce(f"{wanted} is here")


class SayPacket(peng3dnet.packet.SmartPacket):
    side = peng3dnet.SIDE_SERVER
    mode = peng3dnet.MODE_CHAT
    invalid_action = "close"  # who has no name yet has nothing to say

    def receive(self, msg, cid=None):
        self.peer.announce(f"<{self.peer.clients[cid].name}> {msg['text']}")


class ChatServer(peng3dnet.Server):
    def announce(self, text, but=None):
        """Shows a line to everybody who has a name."""
        print(text, flush=True)
        people = [person.cid for person in self.clients.values() if person.name is not None and person.cid != but]
        self.broadcast("chat:line", {"text": text}, cids=people)


def main():
    server = ChatServer(addr=sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:8080", clientcls=Person)
    server.register_packet("chat:nick", NickPacket(server.registry, server))
    server.register_packet("chat:say", SayPacket(server.registry, server))
    server.register_packet("chat:line", peng3dnet.packet.Packet(server.registry, server))
    server.runAsync()
    print("listening on {}:{}".format(*server.sock.getsockname()), flush=True)
    try:
        server.process_forever()
    except KeyboardInterrupt:
        server.shutdown(timeout=1, reason="the chat closes")


main()
