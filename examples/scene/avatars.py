"""The cubes as a player sees them: where each was said to be, and where it is shown meanwhile."""

import math
from collections import deque

_PULL = 18.0  # a second; how fast what is shown follows what was said: nine tenths of the way in an eighth of a second
_TRAIL = 60  # places
_TRAIL_STEP = 1 / 30  # seconds between two of them


class Avatar:
    """One cube.

    Attributes:
        name: what is written above it; "" for nothing.
        colour: its colour's name.
        x, z, heading: where it is shown.
        trail: where it was shown in the last two seconds, the oldest first: (x, z).
        has_moved: whether it was ever said to be elsewhere than at first.
    """

    def __init__(self, name, colour, x=0.0, z=0.0, heading=0.0):
        self.name = name
        self.colour = colour
        self.x, self.z, self.heading = x, z, heading
        self.trail = deque(maxlen=_TRAIL)
        self.has_moved = False
        self._target = (x, z, heading)
        self._since_step = 0.0

    def move(self, x, z, heading):
        """Says where it is now."""
        self.has_moved = self.has_moved or (x, z) != self._target[:2]
        self._target = (x, z, heading)

    def advance(self, seconds):
        """Brings what is shown closer to what was said."""
        part = 1.0 - math.exp(-_PULL * seconds)
        x, z, heading = self._target
        self.x += (x - self.x) * part
        self.z += (z - self.z) * part
        self.heading += ((heading - self.heading + 180.0) % 360.0 - 180.0) * part  # the shorter way round
        self._since_step += seconds
        if self._since_step >= _TRAIL_STEP:
            self._since_step = 0.0
            self.trail.append((self.x, self.z))


class Crowd:
    """Everybody in the scene. It belongs to the thread that draws.

    Attributes:
        me: this player's own cube; None until the server has welcomed it.
        others: everybody else, by id.
    """

    def __init__(self):
        self.me = None
        self.others = {}

    def __iter__(self):
        """All of them, drones first, so that the players' names end up on top."""
        yield from sorted(self.others.values(), key=lambda avatar: avatar.name != "")
        if self.me is not None:
            yield self.me

    def players(self):
        """The others that are players."""
        return [avatar for avatar in self.others.values() if avatar.name]

    def advance(self, seconds):
        """Lets time pass."""
        for avatar in self:
            avatar.advance(seconds)
