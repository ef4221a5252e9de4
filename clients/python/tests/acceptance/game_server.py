"""The game's server. It prints its address, then what happens. Lines on its input are announcements to all players."""

import contextlib
import sys
import threading
import time

import peng3dnet
from game_packets import STATE_LOBBY, GameMixin
from peng3dnet.ext import ping

BEAT = 0.05  # seconds

ACCOUNTS = {
    "Anna": {"password": "secret", "admin": True},
    "Ben": {"password": "12345", "admin": False},
    "Cleo": {"password": "", "admin": False},
    "Dora": {"password": "d", "admin": False},
}


class Person(peng3dnet.ClientOnServer):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.account = None
        self.lobby = None
        self.place = (0, 0)

    def on_handshake_complete(self):
        super().on_handshake_complete()
        self.server.note(f"client {self.cid} is {self.conntype}")

    def on_close(self, reason=None):
        super().on_close(reason)
        self.server.note(f"{self.name or self.conntype} left: {reason}")


class GameServer(GameMixin, ping.PingableServerMixin, peng3dnet.Server):
    pingdata = {"game": "acceptance"}

    def __init__(self, *args, **kwargs):
        super().__init__(*args, clientcls=Person, **kwargs)
        self.worlds = 0
        self.next_beat = 0
        self.listening = threading.Event()

    def bind(self):
        super().bind()
        self.listening.set()

    def getPingData(self, msg, cid):
        names = sorted(person.name for person in list(self.clients.values()) if person.account)
        return {"players": names, "lobbies": self.lobbies()}

    def log_in(self, cid, name, password):
        account = ACCOUNTS.get(name)
        if account is None or account["password"] != password:
            return False
        self.clients[cid].account = account
        self.clients[cid].name = name
        return True

    def lobbies(self):
        return sorted({person.lobby for person in list(self.clients.values()) if person.account and person.lobby})

    def tell_lobby(self, lobby, ptype, data):
        for person in list(self.clients.values()):
            if person.lobby == lobby:
                self.send_message(ptype, data, person.cid)

    def announce(self, author, text):
        for cid, person in list(self.clients.items()):
            if person.state >= STATE_LOBBY:
                self.send_message("game:chat", {"author": author, "text": text}, cid)

    def beat(self):
        """Sends a little something to everybody. It also drives out packets that the reference has left lying (defect 3)."""
        if time.monotonic() < self.next_beat:
            return
        self.next_beat = time.monotonic() + BEAT
        for cid, person in list(self.clients.items()):
            if person.state >= peng3dnet.STATE_ACTIVE and person.conntype != peng3dnet.CONNTYPE_PING:
                with contextlib.suppress(KeyError):  # somebody who has just left
                    self.send_message("game:beat", None, cid)

    def count_down(self, seconds):
        """Runs in threads of timers."""
        for person in list(self.clients.values()):
            if person.lobby and person.account:
                self.send_message("game:tick", seconds, person.cid)
        if seconds:
            threading.Timer(0.02, self.count_down, [seconds - 1]).start()


def listen_to_operator(server):
    for line in sys.stdin:
        order, _, text = line.strip().partition(" ")
        if order == "say":
            server.announce("operator", text)
        elif order == "start":
            server.count_down(2)
        elif order == "kick":
            cid = next(cid for cid, person in list(server.clients.items()) if person.name == text)
            server.close_connection(cid, "kicked")


def main():
    server = GameServer(addr=("127.0.0.1", 0), cfg={"net.compress.threshold": 1000})
    server.runAsync()
    server.listening.wait(10)
    print(server.sock.getsockname()[1], flush=True)
    threading.Thread(target=listen_to_operator, args=[server], daemon=True).start()
    while server.run:
        server.process(wait=True, timeout=0.01)
        server.beat()
    server.note(f"{server.worlds} worlds were sent to players")


main()
