"""Drones: small cubes that fly in circles, to load a player's network with so many packets a second."""

import math

from packets import DRONE_COLOUR, HALF, MOVES_PER_SECOND

MAX_RATE = 10_000  # packets a second for one player
_CATCH_UP = 0.1  # seconds; what a late server leaves out beyond that, it leaves out for ever


class Drones:
    """As many drones as it takes, if each moves as often as a player does.

    Args:
        rate: packets a second, together.
        now: in seconds, of the clock that due() is given.
    """

    def __init__(self, rate, now):
        self._count = max(1, round(rate / MOVES_PER_SECOND))
        self._rate = max(1, rate)
        self._began = self._last = now
        self._next = 0  # the drone that moves next

    def introductions(self):
        """Yields the body of APPEARED for each."""
        for number in range(self._count):
            yield {"name": "", "colour": DRONE_COLOUR, **self._place(number, self._began)}

    def due(self, now):
        """Yields the bodies of MOVED that are to be sent by now."""
        packets = int((min(now, self._last + _CATCH_UP) - self._last) * self._rate)
        if packets == 0:
            return
        # What is left of a packet counts for the next time, unless the server was too late anyway.
        self._last = now if now > self._last + _CATCH_UP else self._last + packets / self._rate
        for _ in range(packets):
            yield self._place(self._next, now)
            self._next = (self._next + 1) % self._count

    def _place(self, number, now):
        """Where a drone is: on one of three rings, every other one in the other direction."""
        ring = number % 3
        direction = 1 if ring % 2 else -1
        angle = math.tau * number / self._count + direction * (now - self._began) * 0.25
        radius = HALF * (0.55 + 0.16 * ring)
        x, z = radius * math.sin(angle), radius * math.cos(angle)
        return {"id": -1 - number, "x": x, "z": z, "heading": math.degrees(angle) + direction * 90.0}
