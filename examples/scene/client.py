"""A player's connection: it joins, and keeps the crowd as the server says."""

import pengbridge as peng3dnet
from avatars import Avatar
from packets import ALL, APPEARED, JOIN, LEFT, MOVED, WELCOME


class WelcomePacket(peng3dnet.packet.SmartPacket):
    side = peng3dnet.SIDE_CLIENT

    def receive(self, msg, cid=None):
        self.obj.me = Avatar(self.peer.name, msg["colour"])


class AppearedPacket(peng3dnet.packet.SmartPacket):
    side = peng3dnet.SIDE_CLIENT

    def receive(self, msg, cid=None):
        self.obj.others[msg["id"]] = Avatar(msg["name"], msg["colour"], msg["x"], msg["z"], msg["heading"])


class MovedPacket(peng3dnet.packet.SmartPacket):
    side = peng3dnet.SIDE_CLIENT

    def receive(self, msg, cid=None):
        self.obj.others[msg["id"]].move(msg["x"], msg["z"], msg["heading"])


class LeftPacket(peng3dnet.packet.SmartPacket):
    side = peng3dnet.SIDE_CLIENT

    def receive(self, msg, cid=None):
        del self.obj.others[msg["id"]]


class PlayerClient(peng3dnet.Client):
    """The client. Whoever calls process() owns the crowd.

    Args:
        peng: gets the events.
        address: the server, "host:port".
        crowd: who is in the scene.
        name: the player's.
        colour: the one it would like; the server may give another.
    """

    def __init__(self, peng, address, crowd, name, colour):
        super().__init__(peng, address)
        self.name = name
        self._colour = colour
        kinds = {WELCOME: WelcomePacket, APPEARED: AppearedPacket, MOVED: MovedPacket, LEFT: LeftPacket}
        for packet in ALL:
            kind = kinds.get(packet, peng3dnet.packet.Packet)
            self.register_packet(packet, kind(self.registry, self, crowd))

    def on_handshake_complete(self):
        self.send_message(JOIN, {"name": self.name, "colour": self._colour})
