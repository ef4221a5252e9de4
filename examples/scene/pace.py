"""When something is due that is done so many times a second, whatever the rhythm of the frames that ask."""


class Pace:
    """A pace. What a late frame has missed is not made up for.

    Args:
        rate: times a second.
    """

    def __init__(self, rate):
        self._step = 1.0 / rate
        self._next = 0.0

    def due(self, now):
        """Whether it is time, once for each time.

        Args:
            now: in seconds, from 0 on.
        """
        if now < self._next:
            return False
        # From the last time on, not from this late frame: else 60 frames a second could make 20 of 30 times.
        self._next = max(self._next + self._step, now)
        return True
