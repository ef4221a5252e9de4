"""The application that is measured, in Python: the same program on either library.

python application.py <peng3dnet|pengbridge> [--burn] [--no-compression]

It prints "listening <port>" and ends when its standard input does. bench/app has the same in Go, and says what the packets
mean.
"""

import argparse
import importlib
import os
import sys
import threading
import time
import warnings

os.environ["PYGLET_SHADOW_WINDOW"] = "0"  # importing the reference would open an X display
warnings.simplefilter("ignore", UserWarning)  # it warns on every server without TLS

FRAME = 1 / 60  # seconds
BURNED = 0.010  # seconds of each frame that a game's own thread takes

options = argparse.ArgumentParser()
options.add_argument("library", choices=["peng3dnet", "pengbridge"])
options.add_argument("--burn", action="store_true", help="run a thread that computes for 10 ms of each frame")
options.add_argument("--no-compression", action="store_true", help="send large bodies as they are")
OPTIONS = options.parse_args()

net = importlib.import_module(OPTIONS.library)


class Packet(net.packet.SmartPacket):
    side = net.SIDE_SERVER


class Echo(Packet):
    def receive(self, msg, cid=None):
        self.peer.send_message("bench:echo", msg, cid)


class Sink(Packet):
    def receive(self, msg, cid=None):
        self.peer.received += 1


class Mark(Packet):
    def receive(self, msg, cid=None):
        self.peer.send_message("bench:mark", {"connected": self.peer.connected, "received": self.peer.received}, cid)


class Flood(Packet):
    def receive(self, msg, cid=None):
        body = msg["body"]
        for _ in range(msg["count"]):
            self.peer.send_message("bench:data", body, cid)


class Broadcast(Packet):
    def receive(self, msg, cid=None):
        if msg["each"]:
            for other in list(self.peer.clients):
                self.peer.send_message("bench:data", msg["body"], other)
        else:
            self.peer.broadcast("bench:data", msg["body"])


class Data(Packet):
    side = net.SIDE_CLIENT


PACKETS = {
    "bench:echo": Echo,
    "bench:sink": Sink,
    "bench:mark": Mark,
    "bench:flood": Flood,
    "bench:broadcast": Broadcast,
    "bench:data": Data,
}


class Connection(net.ClientOnServer):
    def on_handshake_complete(self):
        super().on_handshake_complete()
        self.server.connected += 1


class Server(net.Server):
    connected = 0
    received = 0

    def bind(self):
        super().bind()
        print("listening", self.sock.getsockname()[1], flush=True)


def burn():
    """Does what a game does besides networking, frame by frame."""
    while True:
        end = time.thread_time() + BURNED
        while time.thread_time() < end:
            pass
        time.sleep(FRAME - BURNED)


def end_with_stdin():
    sys.stdin.read()
    os._exit(0)  # a reference server may hang by now


def main():
    config = dict(net.DEFAULT_CONFIG)
    config["net.compress.enabled"] = not OPTIONS.no_compression
    server = Server(addr=("127.0.0.1", 0), clientcls=Connection, cfg=config)
    for name, packet in PACKETS.items():
        server.register_packet(name, packet(server.registry, server))
    threading.Thread(target=end_with_stdin, daemon=True).start()
    if OPTIONS.burn:
        threading.Thread(target=burn, daemon=True).start()
    server.runAsync()
    server.process_forever()


main()
