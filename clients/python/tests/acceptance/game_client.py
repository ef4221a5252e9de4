"""A player, a spectator, or somebody who only asks how the server is.

Arguments: the server's port, then "play", "old" (a player with an older version), "watch" or "ask". It prints what it sees.
Lines on its input are what the player does; they are read in a thread of their own.
"""

import sys
import threading

import peng3dnet
from game_packets import CONNTYPE_WATCH, GAME_VERSION, GameMixin
from peng3dnet.ext.ping import pingServer

FRAME = 1 / 60


class Events:
    """Stands for a peng: it counts the events it gets."""

    def __init__(self):
        self.cfg = {}
        self.seen = {}

    def sendEvent(self, event, data):
        assert data["peng"] is self
        what = (event, data.get("pid"))
        self.seen[what] = self.seen.get(what, 0) + 1

    def of(self, event, packets):
        return {name: self.seen.get((event, pid), 0) for name, pid in packets.items()}


class GameClient(GameMixin, peng3dnet.Client):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.moves = 0
        self.running = True
        self.reason = "never closed"

    def on_handshake_complete(self):
        super().on_handshake_complete()
        self.note("connected")

    def on_close(self, reason=None):
        super().on_close(reason)
        self.reason = reason
        self.running = False


def act(client):
    """What the player types, until the input ends."""
    for line in sys.stdin:
        action, *words = line.split()
        if action == "login":
            client.send_message("game:login", {"name": words[0], "password": "".join(words[1:])})
        elif action == "join":
            client.send_message("game:join", {"lobby": words[0]})
            client.send_message("game:move", {"dx": 1, "dy": 1})
            client.note(f"{client.moves} moves made")
        elif action == "move":
            client.send_message("game:move", {"dx": int(words[0]), "dy": int(words[1])})
        elif action == "stumble":
            try:
                client.send_message("game:move", {"dx": 1})
            except ValueError as error:
                client.note(f"refused: {error}")
        elif action == "say":
            client.send_message("game:chat", {"text": " ".join(words)})
        elif action == "map":
            client.send_message("game:map", {"size": int(words[0])})
        elif action == "watch":
            client.send_message("game:watch", {"lobby": words[0]})
        elif action == "order":
            client.send_message("game:admin", {"order": words[0]})
        elif action == "mumble":
            client.send_message("game:tick", "whatever")
        elif action == "leave":
            client.close_connection(reason="bye")


def play(port, role):
    events = Events()
    conntype = CONNTYPE_WATCH if role == "watch" else "classic"
    client = GameClient(events, ("127.0.0.1", port), {"net.debug.print.close": False}, conntype)
    client.runAsync()
    while client.remote_state < peng3dnet.STATE_ACTIVE:
        client.process(wait=True, timeout=FRAME)
    if role != "watch":
        client.send_message("game:version", {"version": GAME_VERSION if role == "play" else 1})
    threading.Thread(target=act, args=[client], daemon=True).start()
    clock = threading.Event()
    frames = 0
    while client.running:
        client.process()
        frames += 1
        clock.wait(FRAME)
    client.process()  # what came just before the end
    client.note(f"closed: {client.reason}")
    client.stop()
    client.join(1)
    packets = {name: client.registry.getInt(name) for name in ("game:version", "game:login", "game:world", "game:chat")}
    client.note(f"events of packets that came: {events.of('peng3dnet:client.recv', packets)}")
    sent = {name: name for name in ("game:version", "game:login", "game:join", "game:move")}
    client.note(f"events of packets that went: {events.of('peng3dnet:client.send', sent)}")
    client.note(f"handshakes: {events.seen.get(('peng3dnet:client.handshakecomplete', None), 0)}")


def ask(port):
    pong = pingServer(addr=("127.0.0.1", port), data={"who": "asks"}, timeout=10)
    print("the server says:", {key: pong[key] for key in ("game", "players", "lobbies")}, "to", pong["oldmsg"]["who"])


if sys.argv[2] == "ask":
    ask(int(sys.argv[1]))
else:
    play(int(sys.argv[1]), sys.argv[2])
