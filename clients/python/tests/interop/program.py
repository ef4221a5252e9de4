"""A program as users of peng3dnet write it: a chat with a login, played by one server and three clients in one process.

test_program.py runs it with both libraries; only the import below is changed. It prints what each of them saw, one after
the other, so that the text does not depend on who was faster.
"""

import threading
import time
import zlib

import peng3dnet as net

TIMEOUT = 10.0


def wait_until(condition, what):
    deadline = time.monotonic() + TIMEOUT
    while not condition():
        if time.monotonic() > deadline:
            raise SystemExit("this did not happen: " + what)
        threading.Event().wait(0.005)


class Diary(list):
    """What somebody saw."""

    def wait_for(self, line):
        wait_until(lambda: line in self, line)


class LoginPacket(net.packet.SmartPacket):
    state = net.STATE_ACTIVE

    def receive(self, msg, cid=None):
        if cid is None:
            self.peer.remote_state = net.STATE_LOGGEDIN
            self.peer.diary.append(f"welcome, {msg['name']}")
            return
        person = self.peer.clients[cid]
        person.name = msg["name"]
        self.peer.send_message("chat:login", {"name": person.name}, cid)
        person.state = net.STATE_LOGGEDIN
        self.peer.diary.append(f"{person.name} logged in")


class SayPacket(net.packet.SmartPacket):
    state = net.STATE_LOGGEDIN

    def receive(self, msg, cid=None):
        if cid is None:
            self.peer.diary.append(f"<{msg['from']}> {msg['text']}")
            return
        answer = {"from": self.peer.clients[cid].name, "text": msg["text"]}
        self.peer.diary.append(f"{answer['from']} said {answer['text']!r}")
        for person in list(self.peer.clients.values()):
            if person.state == net.STATE_LOGGEDIN:
                self.peer.send_message("chat:say", answer, person.cid)


class MapPacket(net.packet.SmartPacket):
    state = net.STATE_LOGGEDIN
    mode = net.MODE_PLAY

    def receive(self, msg, cid=None):
        if cid is None:
            self.peer.diary.append(f"the map has {msg['bytes']} bytes, checksum {msg['checksum']}")
        else:
            answer = {"bytes": len(msg), "checksum": zlib.crc32(msg)}
            self.peer.send_message("game:map", answer, cid)


class Person(net.ClientOnServer):
    def on_connect(self):
        super().on_connect()
        self.server.diary.append(f"somebody connected in state {self.state}")

    def on_handshake_complete(self):
        super().on_handshake_complete()
        self.server.diary.append(f"client {self.cid} is {self.conntype}")

    def on_close(self, reason=None):
        super().on_close(reason)
        self.server.diary.append(f"{self.name} left: {reason}")


class ChatServer(net.ping.PingableServerMixin, net.Server):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.diary = Diary()
        self.listening = threading.Event()

    def bind(self):
        super().bind()
        self.listening.set()

    def getPingData(self, msg, cid):
        return {"motd": "come in", "people": sorted(person.name for person in self.clients.values() if person.name)}


class ChatClient(net.Client):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.diary = Diary()

    def on_close(self, reason=None):
        super().on_close(reason)
        self.diary.append("closed")


def register(peer):
    peer.register_packet("chat:login", LoginPacket(peer.registry, peer))
    peer.register_packet("chat:say", SayPacket(peer.registry, peer))
    peer.register_packet("game:map", MapPacket(peer.registry, peer))


def open_server():
    server = ChatServer(addr=("127.0.0.1", 0), clientcls=Person)
    register(server)
    server.runAsync()
    server.process_async()
    server.listening.wait(TIMEOUT)
    return server, server.sock.getsockname()


def enter(address):
    client = ChatClient(addr=address)
    register(client)
    client.runAsync()
    client.process_async()
    client.wait_for_connection(TIMEOUT)
    return client


def log_in(client, name):
    client.send_message("chat:login", {"name": name})
    client.diary.wait_for(f"welcome, {name}")


def chat():
    server, address = open_server()
    anna, ben, eve = (enter(address) for _ in range(3))
    log_in(anna, "Anna")
    log_in(ben, "Ben")
    eve.send_message("chat:say", {"text": "nobody hears me before I log in"})
    log_in(eve, "Eve")
    for client, text in ((anna, "Grüße 🐧"), (ben, "こんにちは"), (eve, "hello")):
        client.send_message("chat:say", {"text": text})
        wait_until(lambda text=text: all(c.diary[-1].endswith(text) for c in (anna, ben, eve)), text)
    server.clients[2].mode = ben.mode = net.MODE_PLAY
    ben.send_message("game:map", bytes(range(256)) * 400)
    ben.diary.wait_for("the map has 102400 bytes, checksum " + str(zlib.crc32(bytes(range(256)) * 400)))
    pong = net.ping.pingServer(addr=address, data={"who": "asks"}, timeout=TIMEOUT)
    print("ping", pong["motd"], pong["people"], pong["oldmsg"]["who"], pong["peng3dnet"]["protoversion"])
    anna.close_connection(reason="bye, bye")
    server.diary.wait_for("Anna left: bye, bye")
    anna.diary.wait_for("closed")
    wait_until(lambda: len(server.clients) == 2, "Anna's removal")
    server.shutdown(timeout=1, reason="closing time")
    for client in (ben, eve):
        client.diary.wait_for("closed")
    for client in (anna, ben, eve):
        client.stop()
    return {"server": server, "Anna": anna, "Ben": ben, "Eve": eve}


def errors():
    """What raises, and what is looked up."""
    client = net.Client(addr="localhost:1")
    client.register_packet("a", net.packet.Packet(client.registry, client))
    registry = client.registry
    yield registry.getInt("a"), registry.getStr(64), registry.getInt(99), registry["a"] is registry.getObj(64)
    for attempt in (
        lambda: registry.getInt("b"),
        lambda: registry.getInt(None),
        lambda: client.register_packet("c", object()),
        lambda: net.parse_address("localhost:99999"),
        lambda: net.parse_address("a:b:c"),
        lambda: client.wait_for_connection(0.01),
    ):
        try:
            yield attempt()
        except Exception as error:
            yield type(error).__name__
    yield net.parse_address("localhost", 9), net.normalize_addr_socketstyle("host:1", 9), client.addr


def main():
    everybody = chat()
    for name, peer in everybody.items():
        # Who is quicker to be reported connected or gone is up to the network.
        for line in sorted(peer.diary) if name == "server" else peer.diary:
            print(f"{name}: {line}")
    for outcome in errors():
        print(outcome)


main()
