"""The demo's game server: a tavern with a cellar.

It is an ordinary peng3dnet program: the import is all that makes it use pengbridge. Its only loop is the game's own, ten
frames a second; the network lives in the sidecar. The demo tells it on stdin what the landlady does.
"""

import queue
import threading
import time

import pengbridge as peng3dnet
from lines import commands, report
from packets import ALL, ENTER, GO, HEARD, MAP, SAY, SEEN, TICK

FRAME = 0.1  # seconds
TAVERN = "tavern"


class Guest(peng3dnet.ClientOnServer):
    """A connection. It becomes a guest when it gives its name."""

    room = None
    ticks = 0

    def on_close(self, reason=None):
        report("gone", name=self.name, reason=reason, ticks=self.ticks)


class EnterPacket(peng3dnet.packet.SmartPacket):
    side = peng3dnet.SIDE_SERVER

    def receive(self, msg, cid=None):
        guest = self.peer.clients[cid]
        guest.name = msg["name"]
        guest.state = peng3dnet.STATE_LOGGEDIN
        self.peer.move(guest, TAVERN)


class GoPacket(peng3dnet.packet.SmartPacket):
    side = peng3dnet.SIDE_SERVER
    state = peng3dnet.STATE_LOGGEDIN

    def receive(self, msg, cid=None):
        self.peer.move(self.peer.clients[cid], msg["room"])


class SayPacket(peng3dnet.packet.SmartPacket):
    side = peng3dnet.SIDE_SERVER
    state = peng3dnet.STATE_LOGGEDIN

    def receive(self, msg, cid=None):
        guest = self.peer.clients[cid]
        self.peer.tell(guest.room, HEARD, {"name": guest.name, "text": msg["text"]})


class Tavern(peng3dnet.ping.PingableServerMixin, peng3dnet.Server):
    """The server and its rooms."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        for name in ALL:
            kind = {ENTER: EnterPacket, GO: GoPacket, SAY: SayPacket}.get(name, peng3dnet.packet.Packet)
            self.register_packet(name, kind(self.registry, self))
        self.frames = 0

    def getPingData(self, msg, cid):
        return {"motd": "The Prancing Penguin", "guests": len(self.guests())}

    def guests(self, room=None):
        """Returns those in a room, or all."""
        return [g for g in self.clients.values() if g.room is not None and room in (None, g.room)]

    def tell(self, room, packet, data):
        """Sends a packet to everybody in a room; to all guests if it is None."""
        self.broadcast(packet, data, cids=[guest.cid for guest in self.guests(room)])

    def move(self, guest, room):
        guest.room = room
        self.tell(room, SEEN, {"name": guest.name, "room": room})

    def tick(self):
        """Lets a tenth of a second pass in the game."""
        self.frames += 1
        for guest in self.guests():
            guest.ticks += 1
        self.tell(None, TICK, {"number": self.frames})

    def draw_map(self, size):
        """Sends everybody a map of size x size tiles: one packet that is compressed once."""
        tiles = bytes((x * y >> 5) % 7 for y in range(size) for x in range(size))
        self.tell(None, MAP, {"tiles": tiles})

    def kick(self, name, reason):
        for guest in self.guests():
            if guest.name == name:
                guest.room = None  # its connection takes a moment to end
                self.close_connection(guest.cid, reason)


def act(server, do, **arguments):
    """Does what the landlady does."""
    if do == "draw_map":
        server.draw_map(**arguments)
    elif do == "kick":
        server.kick(**arguments)
    elif do == "close":
        server.shutdown(timeout=2, **arguments)
    else:
        raise ValueError("unknown command " + do)


def main():
    server = Tavern(addr="127.0.0.1:0", clientcls=Guest)
    server.runAsync()
    report("open", port=server.sock.getsockname()[1], version=peng3dnet.__version__)

    orders = queue.SimpleQueue()

    def listen():
        for command in commands():
            orders.put(command)
        orders.put({"do": "close", "reason": "the demo ended"})

    threading.Thread(target=listen, daemon=True).start()  # it ends with stdin, or with the process

    next_frame = time.monotonic()
    while server.run:
        next_frame += FRAME
        while (rest := next_frame - time.monotonic()) > 0:
            server.process(wait=True, timeout=rest)  # what came in; handlers run here
        server.tick()
        while server.run and not orders.empty():
            act(server, **orders.get())


main()
