"""The game's protocol, which both sides share: states, packets with their checks, and the spectators' connection type.

It is written for peng3dnet, in the way of large programs: packets check keys besides states, hooks change a client's
state just before the next packet is sent, and what concerns one side only is in the same class as the other's.
"""

# ruff: noqa: F405 - the names that the star brings

import peng3dnet
import peng3dnet.conntypes
import peng3dnet.packet
from peng3dnet.constants import *  # noqa: F403 - as programs do

GAME_VERSION = 3

STATE_LOBBY = 66
STATE_PLAYING = 67

CONNTYPE_WATCH = "game:watch"


class GamePacket(peng3dnet.packet.SmartPacket):
    """A packet that has to be a dict with certain keys.

    A server closes connections that send something else; a client refuses to send it.
    """

    from_client = ()
    from_server = ()

    def _receive(self, msg, cid=None):
        missing = self.missing(msg, self.from_server if cid is None else self.from_client)
        if missing:
            self.peer.note(f"{type(self).__name__} without {', '.join(missing)}")
            self.peer.close_connection(cid, "badpacket")
        else:
            super()._receive(msg, cid)

    def _send(self, msg, cid=None):
        if cid is None and self.missing(msg, self.from_client):
            raise ValueError(f"{type(self).__name__} needs {', '.join(self.from_client)}")
        return super()._send(msg, cid)

    def missing(self, msg, keys):
        return [key for key in keys if not isinstance(msg, dict) or key not in msg]


class VersionPacket(GamePacket):
    from_client = ("version",)
    from_server = ("version", "welcome")

    def _receive(self, msg, cid=None):
        if cid is None:  # the server may have closed the connection already
            self.peer.note(f"the server has version {msg['version']}, " + ("welcome" if msg["welcome"] else "go away"))
        else:
            super()._receive(msg, cid)

    def receive(self, msg, cid=None):
        welcome = msg["version"] == GAME_VERSION
        self.peer.send_message("game:version", {"version": GAME_VERSION, "welcome": welcome}, cid)
        if not welcome:
            self.peer.close_connection(cid, "wrongversion")


class LoginPacket(GamePacket):
    from_client = ("name", "password")
    from_server = ("name",)

    def receive(self, msg, cid=None):
        if cid is None:
            if msg["name"] is None:
                self.peer.note("wrong password")
            else:
                self.peer.remote_state = STATE_LOBBY
                self.peer.note(f"logged in as {msg['name']}")
            return
        if self.peer.log_in(cid, msg["name"], msg["password"]):
            self.peer.send_message("game:login", {"name": msg["name"]}, cid)
            # This one needs the state that the hook below has set just now.
            self.peer.send_message("game:lobbies", {"lobbies": self.peer.lobbies()}, cid)
        else:
            self.peer.send_message("game:login", {"name": None}, cid)

    def send(self, msg, cid=None):
        if cid is not None and self.peer.clients[cid].account:
            self.peer.clients[cid].state = STATE_LOBBY


class LobbiesPacket(GamePacket):
    state = STATE_LOBBY
    side = SIDE_CLIENT
    from_server = ("lobbies",)

    def receive(self, msg, cid=None):
        self.peer.note(f"lobbies: {msg['lobbies']}")

    def send(self, msg, cid=None):
        self.peer.note(f"{self.peer.clients[cid].name} is shown the lobbies")


class JoinPacket(GamePacket):
    state = STATE_LOBBY
    side = SIDE_SERVER
    from_client = ("lobby",)

    def receive(self, msg, cid=None):
        person = self.peer.clients[cid]
        person.lobby = msg["lobby"]
        person.state = STATE_PLAYING
        person.mode = MODE_PLAY
        self.peer.note(f"{person.name} joins {person.lobby}")

    def send(self, msg, cid=None):
        # The client's next packet may be a move already.
        self.peer.remote_state = STATE_PLAYING
        self.peer.mode = MODE_PLAY


class MovePacket(GamePacket):
    state = STATE_PLAYING
    mode = MODE_PLAY
    side = SIDE_SERVER
    invalid_action = "close"
    from_client = ("dx", "dy")

    def receive(self, msg, cid=None):
        person = self.peer.clients[cid]
        person.place = (person.place[0] + msg["dx"], person.place[1] + msg["dy"])
        self.peer.tell_lobby(person.lobby, "game:world", {"name": person.name, "place": person.place})

    def send(self, msg, cid=None):
        self.peer.moves += 1


class WorldPacket(GamePacket):
    state = STATE_PLAYING
    side = SIDE_CLIENT
    from_server = ("name", "place")

    def receive(self, msg, cid=None):
        self.peer.note(f"{msg['name']} is at {tuple(msg['place'])}")

    def send(self, msg, cid=None):
        self.peer.worlds += 1


class ChatPacket(GamePacket):
    """It can be sent in lobbies and games, which no rule of one state can say."""

    from_client = ("text",)
    from_server = ("text", "author")

    def _receive(self, msg, cid=None):
        state = self.peer.remote_state if cid is None else self.peer.clients[cid].state
        if state >= STATE_LOBBY:
            self.receive(msg, cid)
        else:
            self.peer.note("nobody hears: " + msg["text"])

    def receive(self, msg, cid=None):
        if cid is None:
            self.peer.note(f"<{msg['author']}> {msg['text']}")
        else:
            self.peer.announce(self.peer.clients[cid].name, msg["text"])


class TickPacket(peng3dnet.packet.Packet):
    def receive(self, msg, cid=None):
        self.peer.note(f"starts in {msg}" if msg else "go")


class MapPacket(GamePacket):
    state = STATE_PLAYING
    from_client = ("size",)
    from_server = ("tiles",)

    def receive(self, msg, cid=None):
        if cid is None:
            self.peer.note(f"the map has {len(msg['tiles'])} tiles, {len(set(msg['tiles']))} of them different")
        else:
            self.peer.send_message("game:map", {"tiles": bytes(range(200)) * msg["size"]}, cid)

    def _send(self, msg, cid=None):
        if cid is not None:
            self.peer.note(f"a map of {len(msg)} bytes goes out" if len(msg) < 4000 else "a map goes out as it is")
        return super()._send(msg, cid)


class AdminPacket(GamePacket):
    state = STATE_LOBBY
    side = SIDE_SERVER
    from_client = ("order",)
    invalid_action = "close"

    def receive(self, msg, cid=None):
        if self.peer.clients[cid].account["admin"]:
            self.peer.note(f"{self.peer.clients[cid].name} orders: {msg['order']}")
            self.peer.shutdown(timeout=2, reason="adminshutdown")
            self.peer.note("the order is carried out")
        else:
            self.peer.close_connection(cid, "notadmin")


class WatchType(peng3dnet.conntypes.ConnectionType):
    """Spectators have no handshake. They get the world, may say whom they watch, and nothing else."""

    def init(self, cid):
        if cid is None:
            self.peer.remote_state = STATE_ACTIVE
        else:
            self.peer.clients[cid].state = STATE_ACTIVE
            self.peer.note("a spectator has come")

    def receive(self, msg, pid, flags, cid):
        name = self.peer.registry.getStr(pid)
        if cid is None:
            if name == "game:world":
                self.peer.note(f"seen: {msg['name']} at {tuple(msg['place'])}")
                return True
            return False
        if name == "game:chat":
            self.peer.note("a spectator may not speak")
            return True
        return False

    def send(self, data, pid, cid):
        return cid is not None and pid == "game:world"  # WorldPacket counts what players get


class WatchPacket(GamePacket):
    side = SIDE_SERVER
    conntype = CONNTYPE_WATCH
    from_client = ("lobby",)

    def receive(self, msg, cid=None):
        self.peer.clients[cid].lobby = msg["lobby"]
        self.peer.note(f"a spectator watches {msg['lobby']}")


class GameMixin:
    """What a peer of the game registers, on both sides in the same order."""

    def _reg_packets_game(self):
        for name, kind in (
            ("game:version", VersionPacket),
            ("game:login", LoginPacket),
            ("game:lobbies", LobbiesPacket),
            ("game:join", JoinPacket),
            ("game:move", MovePacket),
            ("game:world", WorldPacket),
            ("game:chat", ChatPacket),
            ("game:tick", TickPacket),
            ("game:map", MapPacket),
            ("game:admin", AdminPacket),
            ("game:watch", WatchPacket),
            ("game:beat", peng3dnet.packet.Packet),
        ):
            self.register_packet(name, kind(self.registry, self))

    def _reg_conntypes_game(self):
        self.addConnType(CONNTYPE_WATCH, WatchType(self))

    def note(self, line):
        print(line, flush=True)
