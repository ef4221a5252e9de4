"""A chat client: python examples/chat/client.py <name> [host:port]. Type lines; end with end-of-file (Ctrl-D)."""

import sys

import pengbridge as peng3dnet

TIMEOUT = 5.0  # seconds


class LinePacket(peng3dnet.packet.SmartPacket):
    side = peng3dnet.SIDE_CLIENT

    def receive(self, msg, cid=None):
        print(msg["text"], flush=True)


class ChatClient(peng3dnet.Client):
    def on_close(self, reason=None):
        print(f"closed: {reason}", flush=True)


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    client = ChatClient(addr=sys.argv[2] if len(sys.argv) > 2 else "127.0.0.1:8080")
    for name in ("chat:nick", "chat:say"):
        client.register_packet(name, peng3dnet.packet.Packet(client.registry, client))
    client.register_packet("chat:line", LinePacket(client.registry, client))
    client.runAsync()
    client.process_async()
    try:
        client.wait_for_connection(TIMEOUT)
    except peng3dnet.TimedOutError as error:
        sys.exit(str(error))
    client.send_message("chat:nick", {"name": sys.argv[1]})
    for line in sys.stdin:
        if not client.run or client.remote_state == peng3dnet.STATE_CLOSED:
            break
        client.send_message("chat:say", {"text": line.rstrip("\n")})
    else:
        client.close_connection(reason="bye")
        client.wait_for_close(TIMEOUT)
    client.join(TIMEOUT)


main()
