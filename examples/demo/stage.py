"""What the audience sees: a line for each thing that happens, with colours if it is a terminal that shows them."""

import os
import sys
import time
import unicodedata

_PLAIN = "\033[0m"
_FAINT = "\033[2m"
_BOLD = "\033[1m"
_GOOD = "\033[32m"
_BAD = "\033[31m"
_NAMES = {"Anna": "\033[35m", "Ben": "\033[34m", "Cleo": "\033[33m", "Gopher": "\033[36m"}
_TEXT_WIDTH = 60  # columns


class Stage:
    """Prints the play. Its clock starts with it."""

    def __init__(self):
        self._started = time.monotonic()
        self._colours = sys.stdout.isatty() and "NO_COLOR" not in os.environ

    def _paint(self, colour, text):
        return f"{colour}{text}{_PLAIN}" if self._colours else text

    def title(self, text):
        print(f"\n{self._paint(_BOLD, text)}\n")

    def introduce(self, name, what):
        print(f"  {self.name(name)}{' ' * (8 - len(name))}{what}")

    def name(self, name):
        return self._paint(_NAMES.get(name, _BOLD), name)

    def names(self, names):
        """Returns "Anna, Ben and Cleo"."""
        painted = [self.name(name) for name in names]
        return " and ".join([", ".join(painted[:-1]), painted[-1]] if len(painted) > 1 else painted)

    def says(self, name, room, text, heard_by):
        """Somebody said something, and others heard it."""
        line = f"{name} ({room}): {text}"
        padding = " " * max(2, _TEXT_WIDTH - columns(line))
        shown = f"{self.name(name)} {self._paint(_FAINT, f'({room}):')} {text}{padding}"
        self._line(shown + self._paint(_FAINT, "heard by ") + self.names(heard_by))

    def tells(self, text):
        """Something happened."""
        self._line(text)

    def _line(self, text):
        clock = self._paint(_FAINT, f"{time.monotonic() - self._started:5.1f} s")
        print(f"{clock}  {text}", flush=True)

    def tally(self, good, text):
        """Shows one result of the final count."""
        mark = self._paint(_GOOD, "ok     ") if good else self._paint(_BAD, "MISSING")
        print(f"  {mark}  {text}")


def columns(text):
    """Returns how wide a text is on a terminal: wide characters take two columns."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)
