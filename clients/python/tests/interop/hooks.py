"""What programs build on besides packets and clients: verdicts, handshakes of their own, states seen from hooks, steps of
the start, registries written by hand.

test_program.py runs it with both libraries; only the import below is changed. Each part prints what it saw.
"""

import socket
import threading
import time

import peng3dnet as net

TIMEOUT = 10.0


def wait_until(condition, what):
    deadline = time.monotonic() + TIMEOUT
    while not condition():
        if time.monotonic() > deadline:
            raise SystemExit("this did not happen: " + what)
        threading.Event().wait(0.005)


class Noting(net.packet.SmartPacket):
    """Keeps what came in."""

    def __init__(self, *args):
        super().__init__(*args)
        self.came = []

    def receive(self, msg, cid=None):
        self.came.append(msg)


class Steps:
    """The steps of a start, as a subclass knows them."""

    steps = ()

    def initialize(self):
        self.steps += ("initialize",)
        super().initialize()

    def bind(self):
        self.steps += ("bind",)
        super().bind()
        self.listening.set()

    def connect(self):
        self.steps += ("connect",)
        super().connect()


class Server(Steps, net.Server):
    def __init__(self, **args):
        super().__init__(addr=("127.0.0.1", 0), **args)
        self.listening = threading.Event()

    def _reg_conntypes_password(self):
        self.addConnType("password", Password(self))


class Client(Steps, net.Client):
    closed = ()

    def _reg_conntypes_password(self):
        self.addConnType("password", Password(self))

    def on_close(self, reason=None):
        super().on_close(reason)
        self.closed += ((self.remote_state, self.mode),)


class Password(net.conntypes.ConnectionType):
    """A connection type whose handshake is the program's own."""

    def init(self, cid):
        if cid is not None:
            self.peer.send_message(70, "the password?", cid)

    def receive(self, msg, pid, flags, cid):
        if pid == 70:
            self.peer.send_message(71, "please")
        elif pid == 71:
            self.peer.send_message(72, None, cid)
            self.peer.clients[cid].on_handshake_complete()
        elif pid == 72:
            self.peer.on_handshake_complete()
        else:
            return False
        return True

    def send(self, data, pid, cid):
        return pid in (70, 71, 72)


def pair(packet=Noting, conntype="classic", **args):
    server = Server(**args)
    server.register_packet("t:a", packet(server.registry, server))
    server.runAsync()
    server.process_async()
    server.listening.wait(TIMEOUT)
    client = Client(addr=server.sock.getsockname(), conntype=conntype)
    client.register_packet("t:a", packet(client.registry, client))
    client.runAsync()
    client.process_async()
    wait_until(lambda: client.remote_state == 64, "an active client")
    wait_until(lambda: server.clients and server.clients[1].state == 64, "an active client on the server")
    return server, client


def end(server, client):
    client.close_connection(reason="the end")
    wait_until(lambda: not server.clients and client.closed, "the end")
    client.stop()
    server.stop()


def verdicts():
    client = net.Client(addr="localhost:1")
    packet = Noting(client.registry, client)
    for state in (64, 65):
        client.remote_state = state
        print("verdicts in", state, packet._receive("in"), packet._send("out"), packet.came)


def own_handshake():
    server, client = pair(conntype="password")
    client.send_message("t:a", "there")
    wait_until(lambda: server.registry["t:a"].came, "a packet there")
    server.send_message("t:a", "back", 1)
    wait_until(lambda: client.registry["t:a"].came, "a packet back")
    print("own handshake", server.clients[1].conntype, server.registry["t:a"].came, client.registry["t:a"].came)
    end(server, client)


def who_decides_the_type():
    class Counting(net.conntypes.ClassicConnectionType):
        seen = ()

        def send(self, data, pid, cid):
            self.seen += (data,)
            return False

    server, client = pair()
    counting = Counting(client)
    client.addConnType("counting", counting)
    client.conntype = "counting"
    client.send_message("t:a", 1)
    client.conntype, client.target_conntype = "classic", "counting"
    client.send_message("t:a", 2)
    wait_until(lambda: len(server.registry["t:a"].came) == 2, "both packets")
    print("who decides the type", counting.seen)
    end(server, client)


def what_a_close_finds():
    server, client = pair()
    client.remote_state, client.mode = net.STATE_LOGGEDIN, net.MODE_PLAY
    person = server.clients[1]
    person.conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    server.close_connection(1, "out")
    wait_until(lambda: client.closed and client.remote_state == net.STATE_CLOSED, "the close")
    wait_until(lambda: not server.clients, "the removal")
    print("what a close finds", client.closed, client.remote_state, person.state, person.mode, person.close("again"))
    client.stop()
    server.stop()


def steps_of_the_start():
    server, client = pair()
    print("steps of the start", server.steps[:2], client.steps[:2])
    end(server, client)


def anything_is_a_mode():
    class Lobby(Noting):
        mode = "lobby"

    server, client = pair(Lobby)
    server.clients[1].mode = client.mode = "lobby"
    client.send_message("t:a", "to the lobby")
    server.send_message("t:a", "from the lobby", 1)
    wait_until(lambda: server.registry["t:a"].came and client.registry["t:a"].came, "packets in the lobby")
    print("anything is a mode", server.registry["t:a"].came, client.registry["t:a"].came)
    end(server, client)


def compression():
    class Person(net.ClientOnServer):
        def on_send(self, ptype, msg):
            if ptype == "t:a":
                flags.append(msg[9])

    for settings in ({"threshold": -1}, {"threshold": 10**12}, {"level": -1}):
        flags = []
        server, client = pair(clientcls=Person, cfg={f"net.compress.{key}": value for key, value in settings.items()})
        came = client.registry["t:a"].came
        for size in (10, 10_000):  # one by one: peng3dnet may forget the second of two
            server.send_message("t:a", "x" * size, 1)
            wait_until(lambda came=came, size=size: came and len(came[-1]) == size, "a packet")
        print("compression", settings, flags, [len(msg) for msg in came])
        end(server, client)


def registry_by_hand():
    registry = net.PacketRegistry()
    first, second = (net.packet.Packet(registry, None) for _ in range(2))
    registry.register(first, "a")
    ids, objects = registry.reg_int_str, registry.reg_int_obj
    objects[64] = second
    print("registry by hand", registry["a"] is second, ids.inv.inv[64], ids.inverse["a"], ids.inv.pop("a"), dict(ids))


def main():
    for part in (verdicts, own_handshake, who_decides_the_type, what_a_close_finds, steps_of_the_start, anything_is_a_mode):
        part()
    compression()
    registry_by_hand()


main()
