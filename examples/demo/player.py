"""A guest of the demo's tavern, played by the reference library itself: this is the real peng3dnet, in its own process.

Usage: player.py <name> <port>. The demo tells it on stdin what to do.
"""

import os
import sys
import warnings
import zlib

os.environ["PYGLET_SHADOW_WINDOW"] = "0"  # importing it would open an X display
warnings.simplefilter("ignore")

import peng3dnet  # noqa: E402
from lines import commands, report  # noqa: E402
from packets import ALL, ENTER, GO, HEARD, MAP, SAY, SEEN, TICK  # noqa: E402

CONNECT_TIMEOUT = 10.0


class SeenPacket(peng3dnet.packet.SmartPacket):
    def receive(self, msg, cid=None):
        report("seen", **msg)


class HeardPacket(peng3dnet.packet.SmartPacket):
    def receive(self, msg, cid=None):
        report("heard", **msg)


class MapPacket(peng3dnet.packet.SmartPacket):
    def receive(self, msg, cid=None):
        report("map", bytes=len(msg["tiles"]), checksum=zlib.crc32(msg["tiles"]))


class TickPacket(peng3dnet.packet.SmartPacket):
    def receive(self, msg, cid=None):
        self.peer.ticks.append(msg["number"])


class Player(peng3dnet.Client):
    def __init__(self, port):
        super().__init__(addr=("127.0.0.1", port))
        self.ticks = []
        kinds = {SEEN: SeenPacket, HEARD: HeardPacket, MAP: MapPacket, TICK: TickPacket}
        for name in ALL:
            kind = kinds.get(name, peng3dnet.packet.SmartPacket)
            self.register_packet(name, kind(self.registry, self))

    def on_close(self, reason=None):
        super().on_close(reason)
        report("closed", reason=reason, ticks=self.ticks)


def act(player, port, do, **arguments):
    """Does what the demo says."""
    if do == "say":
        player.send_message(SAY, arguments)
    elif do == "go":
        player.send_message(GO, arguments)
    elif do == "leave":
        player.close_connection(reason=arguments["reason"])
    elif do == "ping":
        pong = peng3dnet.ping.pingServer(addr=("127.0.0.1", port), data={})
        report("pong", motd=pong["motd"], guests=pong["guests"], delay=pong["delay"])
    else:
        raise ValueError("unknown command " + do)


def main():
    name, port = sys.argv[1], int(sys.argv[2])
    player = Player(port)
    player.runAsync()
    player.process_async()
    player.wait_for_connection(CONNECT_TIMEOUT)
    report("connected", release=peng3dnet.VERSION)
    player.send_message(ENTER, {"name": name})
    for command in commands():
        act(player, port, **command)
    player.stop()


main()
