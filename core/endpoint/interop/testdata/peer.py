"""One peer of an interop test: runs a library of peng3dnet's shape, named as the only argument, as it is told on stdin.

Commands and reports are JSON, one a line. Bodies of packets are MessagePack in base64, so that nothing is lost in JSON.
The process ends when its stdin does.

Commands: {"do": "open", ...} (see open_peer; it replaces the peer opened before), "send", "close", "shutdown", "ping".
Reports: {"event": "hello"} first; "listening", "connected", "received", "closed", "pong"; "failed" for a command
that raised.
"""

import base64
import importlib
import json
import os
import sys
import threading
import traceback
import warnings

os.environ["PYGLET_SHADOW_WINDOW"] = "0"  # importing the reference would open an X display
warnings.simplefilter("ignore")  # it warns about missing TLS on every plain server

import msgpack  # noqa: E402

LIBRARY = sys.argv[1]
net = importlib.import_module(LIBRARY)
packet = importlib.import_module(LIBRARY + ".packet")
ping = importlib.import_module(LIBRARY + ".ext.ping")

CONNECT_TIMEOUT = 10.0

_stdout_lock = threading.Lock()


def report(event, **fields):
    line = json.dumps({"event": event, **fields})
    with _stdout_lock:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


def encode(value):
    return base64.b64encode(msgpack.packb(value)).decode()


def decode(body):
    return msgpack.unpackb(base64.b64decode(body), strict_map_key=False)


class Reported(packet.SmartPacket):
    """Reports what it receives, and sends it back if it is an echo."""

    def __init__(self, registry, peer, name, echo):
        super().__init__(registry, peer)
        self.name = name
        self.echo = echo

    def receive(self, msg, cid=None):
        if self.echo:
            self.peer.send_message(self.name, msg, cid)
        report("received", packet=self.name, cid=cid, body=encode(msg))


class ServerConnection(net.ClientOnServer):
    def on_handshake_complete(self):
        super().on_handshake_complete()
        report("connected", cid=self.cid)

    def on_close(self, reason=None):
        super().on_close(reason)
        report("closed", cid=self.cid, reason=reason)


class Server(net.Server):
    def bind(self):
        super().bind()
        report("listening", port=self.sock.getsockname()[1])


class PingableServer(ping.PingableServerMixin, Server):
    pass


class Client(net.Client):
    def on_close(self, reason=None):
        super().on_close(reason)
        report("closed", reason=reason)


def open_peer(side, address, packets=(), echo=(), config=None, pingdata=None):
    """Makes a server or client.

    Args:
        side: "server" or "client".
        address: where to listen or connect, "host:port".
        packets: names of packets, in registration order.
        echo: those of them that are sent back.
        config: net.* keys that differ from their defaults.
        pingdata: what a server answers pings with; without it the server knows no pings.
    """
    host, port = address.split(":")
    addr, cfg = (host, int(port)), {**net.DEFAULT_CONFIG, **(config or {})}
    if side == "client":
        peer = Client(addr=addr, cfg=cfg)
    elif pingdata is None:
        peer = Server(addr=addr, clientcls=ServerConnection, cfg=cfg)
    else:
        peer = PingableServer(addr=addr, clientcls=ServerConnection, cfg=cfg)
        peer.pingdata = pingdata
    for name in packets:
        peer.register_packet(name, Reported(peer.registry, peer, name, name in echo))
    peer.runAsync()
    peer.process_async()
    if side == "client":
        threading.Thread(target=report_connected, args=(peer,), daemon=True).start()
    return peer


def report_connected(client):
    """Tells when the handshake is complete, from a thread of its own: a refused one is reported as closed meanwhile."""
    try:
        client.wait_for_connection(CONNECT_TIMEOUT)
    except net.TimedOutError:
        return
    if client.remote_state == net.STATE_ACTIVE:
        report("connected", registry=dict(client.registry.reg_int_str.inv))


def send_ping(address, data, timeout):
    host, port = address.split(":")
    pong = ping.pingServer(addr=(host, int(port)), data=data, timeout=timeout)
    report("pong", body=encode(pong))


def act(peer, do, **args):
    """Carries out a command and returns the peer it leaves behind."""
    if do == "open":
        if peer is not None:
            peer.stop()
        return open_peer(**args)
    if do == "send":
        peer.send_message(args["packet"], decode(args["body"]), args.get("cid"))
    elif do == "close":
        peer.close_connection(args.get("cid"), args["reason"])
    elif do == "shutdown":
        peer.shutdown(**args)
    elif do == "ping":
        send_ping(**args)
    else:
        raise ValueError("unknown command " + do)
    return peer


def main():
    report("hello", release=net.VERSION, protocol=net.PROTOVERSION)
    peer = None
    for line in sys.stdin:
        try:
            peer = act(peer, **json.loads(line))
        except Exception:
            report("failed", detail=traceback.format_exc())
    if peer is not None:
        peer.stop()


main()
