"""The smallest game: a server and a client in one program. Prints which sidecar runs it, and what came back."""

import shutil
import sys
import threading

import pengbridge as peng3dnet
from pengbridge import _binary


class Echo(peng3dnet.packet.SmartPacket):
    def receive(self, msg, cid=None):
        if cid is not None:
            self.peer.send_message("game:echo", msg, cid)
        else:
            print("came back:", msg["text"])
            came_back.set()


came_back = threading.Event()
print("sidecar:", _binary.find())
print("go:", shutil.which("go"))
server = peng3dnet.Server(addr=("127.0.0.1", 0))
server.register_packet("game:echo", Echo(server.registry, server))
server.runAsync()
server.process_async()
client = peng3dnet.Client(addr=server.sock.getsockname())
client.register_packet("game:echo", Echo(client.registry, client))
client.runAsync()
client.process_async()
client.wait_for_connection(10)
client.send_message("game:echo", {"text": "hello"})
if not came_back.wait(10):
    sys.exit("nothing came back")
client.stop()
server.shutdown(timeout=1)
