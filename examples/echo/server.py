"""An echo server. Run it, then a client in another terminal: python examples/echo/server.py [host:port]"""

import sys

import pengbridge as peng3dnet


class EchoPacket(peng3dnet.packet.SmartPacket):
    side = peng3dnet.SIDE_SERVER

    def receive(self, msg, cid=None):
        self.peer.send_message("example:echo", msg, cid)


def main():
    server = peng3dnet.Server(addr=sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:8080")
    server.register_packet("example:echo", EchoPacket(server.registry, server))
    server.runAsync()
    print("listening on {}:{}".format(*server.sock.getsockname()), flush=True)
    try:
        server.process_forever()
    except KeyboardInterrupt:
        server.shutdown(timeout=1)


main()
