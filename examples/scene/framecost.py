"""What a frame loses to networking: the time it takes to handle what came in and to send what goes out.

Now and then the system gives the processor to somebody else in the middle of that, and the frame waits. CPU time tells that
from what the networking itself takes.
"""

import math
import time
from collections import deque
from contextlib import contextmanager

_RECENT = 60  # frames


class FrameCost:
    """Measures the networking part of frames.

    Attributes:
        recent: what the last frames lost, in milliseconds.
    """

    def __init__(self):
        self.recent = deque(maxlen=_RECENT)
        self._all = None
        self._cpu = []

    def keep(self):
        """Keeps what each frame loses from now on, for the report: two numbers a frame."""
        self._all = []

    @contextmanager
    def measured(self):
        """Around a frame's networking."""
        began, cpu_before = time.perf_counter(), time.thread_time()
        yield
        cpu = (time.thread_time() - cpu_before) * 1000.0
        lost = (time.perf_counter() - began) * 1000.0
        self.recent.append(lost)
        if self._all is not None:
            self._all.append(lost)
            self._cpu.append(cpu)

    def report(self, seconds, packets):
        """Says what the frames lost since keep() was called.

        Args:
            seconds: how long ago that was.
            packets: how many came in since.
        """
        lost = self._all or []
        return (
            f"{len(lost)} frames at {len(lost) / seconds:.1f} fps, {packets / seconds:.0f} packets/s in: "
            f"a frame loses {percentile(lost, 50):.3f} ms to networking (median), {percentile(lost, 99):.3f} ms (p99); "
            f"of CPU {percentile(self._cpu, 50):.3f} ms and {percentile(self._cpu, 99):.3f} ms"
        )


def percentile(values, percent):
    """The smallest value that so many percent of the values do not exceed; nan if there are none."""
    if not values:
        return math.nan
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100.0) - 1)]
