"""Situations that real servers get into, tried with either library: stress.py <peng3dnet|pengbridge> <scenario>.

Prints what came of it as a line of JSON. test_stress.py runs it with pengbridge; docs/compatibility.md shows both.
"""

import importlib
import json
import os
import socket
import struct
import sys
import threading
import time
import warnings

os.environ["PYGLET_SHADOW_WINDOW"] = "0"  # importing the reference would open an X display
warnings.simplefilter("ignore", UserWarning)  # it warns on every server without TLS

import msgpack  # noqa: E402

net = importlib.import_module(sys.argv[1])

ECHO = "stress:echo"
PATIENCE = 10.0  # seconds for what takes much less when it works
BURST = 5000  # packets
CROWD = 300  # connections


class Echo(net.packet.SmartPacket):
    def receive(self, msg, cid=None):
        if cid is None:
            self.obj.append(msg)
        else:
            self.peer.send_message(ECHO, msg, cid)


class Server(net.Server):
    def __init__(self):
        super().__init__(addr=("127.0.0.1", 0))
        self.listening = threading.Event()
        self.register_packet(ECHO, Echo(self.registry, self))
        self.runAsync()
        self.process_async()
        self.listening.wait(PATIENCE)
        self.address = self.sock.getsockname()

    def bind(self):
        super().bind()
        self.listening.set()

    def active(self):
        return sum(client.state == net.STATE_ACTIVE for client in list(self.clients.values()))


class Client(net.Client):
    def __init__(self, address):
        super().__init__(addr=address)
        self.came_back = []
        self.register_packet(ECHO, Echo(self.registry, self, self.came_back))
        self.runAsync()
        self.process_async()
        self.wait_for_connection(PATIENCE)


def eventually(condition):
    """Waits until condition() is true, but not for ever, and returns whether it is."""
    deadline = time.monotonic() + PATIENCE
    pause = threading.Event()
    while not condition() and time.monotonic() < deadline:
        pause.wait(0.01)
    return bool(condition())


def frame(pid, body):
    return struct.pack("!IIH", 6 + len(body), pid, 0) + body


def echoes(address):
    """Whether a new client gets an answer."""
    try:
        client = Client(address)
    except net.TimedOutError:
        return False
    client.send_message(ECHO, "hello")
    return eventually(lambda: client.came_back)


def one_byte(server):
    """A stranger connects, and sends one byte (defect 1)."""
    with socket.create_connection(server.address) as stranger:
        stranger.recv(1024)
        stranger.sendall(b"\0")
        return {"others are served": echoes(server.address)}


def bad_frame(server):
    """A stranger sends something that is no MessagePack (section B of the defects)."""
    with socket.create_connection(server.address) as stranger:
        stranger.recv(1024)
        stranger.sendall(frame(2, b"\xc1"))
        return {"others are served": echoes(server.address)}


def burst(server):
    """A client sends many packets without waiting for the answers (defect 1)."""
    client = Client(server.address)
    for number in range(BURST):
        client.send_message(ECHO, {"number": number, "padding": "x" * 40})
    eventually(lambda: len(client.came_back) == BURST)
    return {"sent": BURST, "came back": len(client.came_back)}


def crowd(server):
    """A packet is sent to each of many clients, one after the other (defect 2)."""
    sockets = [socket.create_connection(server.address) for _ in range(CROWD)]
    for connection in sockets:
        connection.settimeout(PATIENCE)
        connection.sendall(frame(2, msgpack.packb({"conntype": "classic"})))
        handshake = 0
        while handshake != 3:  # behind it, nothing comes until the broadcast
            length, handshake = struct.unpack("!II", receive(connection, 8))
            receive(connection, length - 4)
        connection.sendall(frame(4, msgpack.packb({"success": True})))
    eventually(lambda: server.active() == CROWD)

    def send_to_all():
        for cid in list(server.clients):
            server.send_message(ECHO, "hello", cid)

    threading.Thread(target=send_to_all, daemon=True).start()  # a reference server never comes back from it
    deadline = time.monotonic() + PATIENCE
    return {"clients": CROWD, "reached": sum(gets_something(connection, deadline) for connection in sockets)}


def receive(connection, size):
    data = b""
    while len(data) < size:
        piece = connection.recv(size - len(data))
        if not piece:
            raise ConnectionError("the server closed the connection")
        data += piece
    return data


def gets_something(connection, deadline):
    connection.settimeout(max(0.01, deadline - time.monotonic()))
    try:
        return bool(connection.recv(1024))
    except TimeoutError:
        return False


def main():
    scenarios = {scenario.__name__: scenario for scenario in (one_byte, bad_frame, burst, crowd)}
    print(json.dumps(scenarios[sys.argv[2]](Server())), flush=True)
    os._exit(0)  # threads of the reference may hang for ever by now


main()
