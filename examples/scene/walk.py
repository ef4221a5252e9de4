"""How a player's cube goes: as the keys say, or, for a bot, along a path of its own."""

import math
import time

from packets import COLOURS, REACH
from pyglet.window import key

_SPEED = 5.0  # tiles a second
_BOT_SPEED = 0.55  # radians a second
_KEYS = (
    (key.W, key.UP, 0.0, -1.0),
    (key.S, key.DOWN, 0.0, 1.0),
    (key.A, key.LEFT, -1.0, 0.0),
    (key.D, key.RIGHT, 1.0, 0.0),
)


class KeyWalk:
    """Goes where the arrow keys, or W, A, S and D, lead.

    Args:
        keys: a pyglet KeyStateHandler.
    """

    def __init__(self, keys):
        self._keys = keys
        self._place = (0.0, 0.0, 0.0)

    def go(self, seconds):
        """Goes on for so many seconds, and returns where that leads: x, z, heading."""
        x, z, heading = self._place
        pressed = [(dx, dz) for letter, arrow, dx, dz in _KEYS if self._keys[letter] or self._keys[arrow]]
        dx, dz = sum(dx for dx, _ in pressed), sum(dz for _, dz in pressed)
        if length := math.hypot(dx, dz):
            step = _SPEED * seconds / length
            x = max(-REACH, min(REACH, x + dx * step))
            z = max(-REACH, min(REACH, z + dz * step))
            heading = math.degrees(math.atan2(dx, dz))
        self._place = (x, z, heading)
        return self._place


class BotWalk:
    """Walks a closed loop for ever. All bots of a machine walk the same one by the same clock, each colour at its own
    distance behind the others, so that they never run into one another.

    Args:
        crowd: knows our colour.
    """

    def __init__(self, crowd):
        self._crowd = crowd

    def go(self, seconds):
        """Returns where it is now: x, z, heading."""
        number = list(COLOURS).index(self._crowd.me.colour)
        angle = time.time() * _BOT_SPEED + math.tau * number * 3 / len(COLOURS)
        x, z = _on_loop(angle)
        ahead_x, ahead_z = _on_loop(angle + 0.02)
        return x, z, math.degrees(math.atan2(ahead_x - x, ahead_z - z))


def _on_loop(angle):
    radius = REACH * (0.68 + 0.2 * math.sin(3 * angle))
    return radius * math.sin(angle), radius * math.cos(angle)
