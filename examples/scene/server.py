"""The scene's server: it tells every player where the others are. No window, no peng3d.

python examples/scene/server.py [--port 8080] [--ready-file FILE] [--seconds N]
"""

import argparse
import json
import math
import os
import signal
import time

import pengbridge as peng3dnet
from drones import MAX_RATE, Drones
from packets import ALL, APPEARED, COLOURS, DRONES, JOIN, LEFT, MOVE, MOVED, REACH, WELCOME

NAME_LENGTH = 16  # characters; longer names are cut
IDLE = 0.5  # seconds between two looks at the clock when nothing is to be sent
TICK = 0.01  # seconds; the same while drones fly
LAST_WORDS = 2.0  # seconds for the players to be told that the server ends


class PlayerOnServer(peng3dnet.ClientOnServer):
    """A connection. It becomes a player when it joins; until then its colour is None."""

    colour = None

    def __init__(self, server, conn, addr, cid):
        super().__init__(server, conn, addr, cid)
        self.place = {"x": 0.0, "z": 0.0, "heading": 0.0}

    def on_close(self, reason=None):
        self.server.drones.pop(self.cid, None)
        if self.colour is not None:
            self.server.tell_others(self, LEFT, {"id": self.cid})
            print(f"{self.name} has left: {reason}", flush=True)


class JoinPacket(peng3dnet.packet.SmartPacket):
    side = peng3dnet.SIDE_SERVER
    invalid_action = "close"  # nobody joins twice

    def receive(self, msg, cid=None):
        self.peer.welcome(self.peer.clients[cid], str(msg["name"])[:NAME_LENGTH], msg["colour"])


class MovePacket(peng3dnet.packet.SmartPacket):
    side = peng3dnet.SIDE_SERVER
    state = peng3dnet.STATE_LOGGEDIN

    def receive(self, msg, cid=None):
        player = self.peer.clients[cid]
        x, z, heading = (float(msg[key]) for key in ("x", "z", "heading"))
        if not all(map(math.isfinite, (x, z, heading))):
            self.peer.close_connection(cid, "nowhere")
            return
        player.place = {"x": on_floor(x), "z": on_floor(z), "heading": heading}
        self.peer.tell_others(player, MOVED, {"id": cid, **player.place})


class DronesPacket(peng3dnet.packet.SmartPacket):
    side = peng3dnet.SIDE_SERVER
    state = peng3dnet.STATE_LOGGEDIN

    def receive(self, msg, cid=None):
        drones = Drones(min(int(msg["rate"]), MAX_RATE), time.monotonic())
        self.peer.drones[cid] = drones
        for drone in drones.introductions():
            self.peer.send_message(APPEARED, drone, cid)


class SceneServer(peng3dnet.Server):
    """The server. Its thread is the one that calls serve.

    Args:
        port: on the loopback interface; 0 for any that is free.

    Attributes:
        drones: those that asked for drones have them here, by cid.
    """

    def __init__(self, port):
        super().__init__(addr=("127.0.0.1", port), clientcls=PlayerOnServer)
        self.drones = {}
        for name in ALL:
            kind = {JOIN: JoinPacket, MOVE: MovePacket, DRONES: DronesPacket}.get(name, peng3dnet.packet.Packet)
            self.register_packet(name, kind(self.registry, self))

    @property
    def address(self):
        """Where it listens, once it runs: "host:port"."""
        return "{}:{}".format(*self.sock.getsockname())

    def serve(self, seconds=math.inf):
        """Serves until the server is stopped, or for so many seconds."""
        end = time.monotonic() + seconds
        while self.run and (left := end - time.monotonic()) > 0:
            self.process(wait=True, timeout=min(left, TICK if self.drones else IDLE))
            now = time.monotonic()
            for cid, drones in self.drones.items():
                for move in drones.due(now):
                    self.send_message(MOVED, move, cid)

    def players(self):
        """Those who have joined."""
        return [client for client in self.clients.values() if client.colour is not None]

    def tell_others(self, player, packet, data):
        """Sends a packet to all players but one."""
        for other in self.players():
            if other is not player:
                self.send_message(packet, data, other.cid)

    def welcome(self, player, name, wanted):
        """Makes a connection a player, with the colour it wanted if that is free."""
        taken = {other.colour for other in self.players()}
        free = [colour for colour in COLOURS if colour not in taken]
        if not free:
            self.close_connection(player.cid, "the scene is full")
            return
        player.name = name
        player.colour = wanted if wanted in free else free[0]
        player.state = peng3dnet.STATE_LOGGEDIN
        self.send_message(WELCOME, {"colour": player.colour}, player.cid)
        for other in self.players():
            if other is not player:
                self.send_message(APPEARED, looks_of(other), player.cid)
        self.tell_others(player, APPEARED, looks_of(player))
        print(f"{name} has joined, in {player.colour}", flush=True)


def looks_of(player):
    """The body of APPEARED."""
    return {"id": player.cid, "name": player.name, "colour": player.colour, **player.place}


def on_floor(coordinate):
    """Brings a coordinate back to where players can go."""
    return max(-REACH, min(REACH, coordinate))


def write_whole(path, text):
    """Writes a file that nobody ever sees half written."""
    fresh = f"{path}.{os.getpid()}"
    with open(fresh, "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(fresh, path)


def main():
    parser = argparse.ArgumentParser(description="The scene's server. It listens on 127.0.0.1.")
    parser.add_argument("--port", type=int, default=8080, help="0 for any that is free (default: 8080)")
    parser.add_argument("--ready-file", metavar="FILE", help='is written when players can connect: {"address", "pid"}')
    parser.add_argument("--seconds", type=float, default=math.inf, metavar="N", help="end after N seconds")
    args = parser.parse_args()

    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends as Ctrl-C does
    server = SceneServer(args.port)
    try:
        server.runAsync()
        print(f"listening on {server.address}", flush=True)
        if args.ready_file:
            write_whole(args.ready_file, json.dumps({"address": server.address, "pid": os.getpid()}))
        server.serve(args.seconds)
    except KeyboardInterrupt:
        pass
    finally:
        server.shutdown(timeout=LAST_WORDS, reason="the scene closes")


if __name__ == "__main__":
    main()
