"""Sends what it is given to the echo server: python examples/echo/client.py [host:port [text...]]"""

import sys
import threading

import pengbridge as peng3dnet

TIMEOUT = 5.0  # seconds


class EchoPacket(peng3dnet.packet.SmartPacket):
    side = peng3dnet.SIDE_CLIENT

    def receive(self, msg, cid=None):
        print("came back:", msg, flush=True)
        self.obj.release()


def main():
    address, *texts = sys.argv[1:] or ["127.0.0.1:8080"]
    texts = texts or ["hello", "Grüße"]
    came_back = threading.Semaphore(0)
    client = peng3dnet.Client(addr=address)
    client.register_packet("example:echo", EchoPacket(client.registry, client, came_back))
    client.runAsync()
    client.process_async()
    try:
        client.wait_for_connection(TIMEOUT)
    except peng3dnet.TimedOutError as error:
        sys.exit(str(error))
    for text in texts:
        client.send_message("example:echo", {"text": text})
    if not all(came_back.acquire(timeout=TIMEOUT) for _ in texts):
        sys.exit("not everything came back")
    client.close_connection(reason="done")
    client.join(TIMEOUT)


main()
