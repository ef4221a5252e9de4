"""An evening in a tavern: one game server on pengbridge, three guests on the real peng3dnet, and one written in Go.

Every guest is a process of its own. The demo tells them what to do, shows who saw what, counts, and ends by itself after
some ten seconds. It exits with 0 only if everything arrived at everyone it was meant for. `make demo` runs it.
"""

import os
import subprocess
import sys
import time
import zlib
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

from cast import Actor, Missing
from stage import Stage

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
REFERENCE_PYTHON = Path(os.environ.get("PENGBRIDGE_REFERENCE_PYTHON") or ROOT / ".interop" / "bin" / "python")
GO_PEER = ROOT / "bin" / "demo-gopeer"

BEAT = 0.35  # seconds between two things, so that a person can follow
MAP_SIZE = 512  # tiles to a side
TAVERN, CELLAR = "tavern", "cellar"


@dataclass
class Count:
    """What arrived as it had to."""

    said: int = 0  # by somebody, to a room
    heard: int = 0  # by each of those in the room
    seen: int = 0  # somebody coming in, by each of those in the room
    maps: int = 0
    ticks: int = 0


class Evening:
    """The play.

    Args:
        stage: where it is shown.
        cast: keeps the processes, and ends them.
    """

    def __init__(self, stage, cast):
        self.stage = stage
        self.cast = cast
        self.count = Count()
        self.rooms = {}  # who is where, by name; those who left are not in it
        self.guests = {}
        self.server = None
        self.port = None

    def start(self, name, *command):
        return self.cast.enter_context(closing(Actor(name, command)))

    # What can happen.

    def open(self):
        self.server = self.start("the server", sys.executable, HERE / "server.py")
        opened = self.server.expect("open")
        self.port = opened["port"]
        self.stage.introduce("server", f"Python on pengbridge {opened['version']}, listening on 127.0.0.1:{self.port}")
        for name in ("Anna", "Ben", "Cleo"):
            self.guests[name] = self.start(name, REFERENCE_PYTHON, HERE / "player.py", name, self.port)
            release = self.guests[name].expect("connected")["release"]
            self.stage.introduce(name, f"Python on the real peng3dnet {release}, in a process of its own")
            self.enters(name)
        self.guests["Gopher"] = self.start("Gopher", GO_PEER, "Gopher", self.port)
        self.guests["Gopher"].expect("connected")
        self.stage.introduce("Gopher", "Go on core/endpoint, without a sidecar")
        self.enters("Gopher")
        print()
        self.stage.tells(f"{self.stage.names(self.guests)} are in the {TAVERN}, and each saw those come who came later")

    def enters(self, name, room=TAVERN):
        """Somebody comes into a room; everybody there sees it."""
        self.rooms[name] = room
        for other in self.those_in(room):
            self.guests[other].expect("seen", name=name, room=room)
            self.count.seen += 1

    def goes(self, name, room):
        self.guests[name].do("go", room=room)
        self.enters(name, room)
        self.stage.tells(f"{self.stage.name(name)} goes to the {room}")
        self.pause()

    def says(self, name, text):
        self.guests[name].do("say", text=text)
        self.is_heard(name, text)
        self.pause()

    def is_heard(self, name, text):
        """What somebody said arrives at everybody in the room, the speaker included."""
        room = self.rooms[name]
        listeners = self.those_in(room)
        for listener in listeners:
            self.guests[listener].expect("heard", name=name, text=text)
        self.count.said += 1
        self.count.heard += len(listeners)
        self.stage.says(name, room, text, [listener for listener in listeners if listener != name])

    def all_talk(self, lines):
        """Everybody speaks at once."""
        spoken = [(name, f"{line}, says {name}") for line in lines for name in self.rooms]
        for name, text in spoken:
            self.guests[name].do("say", text=text)
        for name, text in spoken:
            self.is_heard(name, text)
        self.pause()

    def draws_map(self):
        self.server.do("draw_map", size=MAP_SIZE)
        tiles = bytes((x * y >> 5) % 7 for y in range(MAP_SIZE) for x in range(MAP_SIZE))
        for name in self.rooms:
            self.guests[name].expect("map", bytes=len(tiles), checksum=zlib.crc32(tiles))
            self.count.maps += 1
        self.stage.tells(f"a map of {len(tiles):,} bytes, sent once: {self.stage.names(self.rooms)} have it, bit for bit")
        self.pause()

    def pings(self, name):
        self.guests[name].do("ping")
        pong = self.guests[name].expect("pong", guests=len(self.rooms))
        delay = f"{pong['delay'] * 1000:.1f} ms"
        self.stage.tells(f"{self.stage.name(name)} pings: {pong['motd']!r}, {pong['guests']} guests, {delay}")
        self.pause()

    def is_kicked(self, name, reason):
        self.server.do("kick", name=name, reason=reason)
        self.departs(name, reason, reason)
        self.stage.tells(f"{self.stage.name(name)} is thrown out, and knows why: {reason!r}")
        self.pause()

    def leaves(self, name, reason):
        self.guests[name].do("leave", reason=reason)
        self.departs(name, reason, "socketclose")  # peng3dnet does not tell a client its own reason
        self.stage.tells(f"{self.stage.name(name)} leaves, and the server knows why: {reason!r}")
        self.pause()

    def closes(self, reason):
        self.server.do("close", reason=reason)
        last = list(self.rooms)
        for name in last:
            self.departs(name, reason, reason)
        self.stage.tells(f"the tavern closes; {self.stage.names(last)} know why: {reason!r}")

    def departs(self, name, reason, seen):
        """A connection ends: the server knows the reason, the guest the one it can see, and no tick of the game was lost."""
        gone = self.server.expect("gone", name=name, reason=reason)
        ticks = self.guests[name].expect("closed", reason=seen)["ticks"]
        missed = gone["ticks"] - len(ticks)
        gapless = ticks == list(range(ticks[0], ticks[0] + len(ticks))) if ticks else gone["ticks"] == 0
        # Who leaves unasked may not read what was on its way.
        if not gapless or (missed and seen == reason):
            raise Missing(f"{name} got {len(ticks)} of {gone['ticks']} ticks: {ticks}")
        self.count.ticks += len(ticks)
        del self.rooms[name]

    # Helpers.

    def those_in(self, room):
        return [name for name, where in self.rooms.items() if where == room]

    def overheard(self):
        """Returns what guests got that was not meant for them."""
        return [
            f"{name}: {report}"
            for name, guest in self.guests.items()
            for event in ("heard", "seen", "map")
            for report in guest.unasked(event)
        ]

    def pause(self):
        time.sleep(BEAT)

    def play(self):
        self.open()
        self.pause()
        self.says("Anna", "Good evening! Who is still up?")
        self.says("Gopher", "Me! Written in Go, the same on the wire.")
        self.says("Ben", "Grüße aus Köln! こんばんは 🐧")
        self.goes("Cleo", CELLAR)
        self.goes("Gopher", CELLAR)
        self.says("Cleo", "Up there they cannot hear us.")
        self.says("Anna", "I wonder what those two are up to.")
        self.draws_map()
        self.all_talk(("Now all at once", "And again"))
        self.pings("Anna")
        self.is_kicked("Ben", "no singing after midnight")
        self.leaves("Cleo", "the last bus")
        self.goes("Gopher", TAVERN)
        self.says("Anna", "One for the road?")
        self.closes("dawn breaks")


def prepare():
    """Builds the Go peer, and checks that the rest is there.

    Raises:
        Missing: something is not; the message says what to do.
    """
    if not REFERENCE_PYTHON.is_file():
        raise Missing(f"{REFERENCE_PYTHON} is not there: run `make interop-env`")
    try:
        subprocess.run(["go", "build", "-o", GO_PEER, "./examples/demo/gopeer"], cwd=ROOT, check=True, timeout=600)
    except (OSError, subprocess.SubprocessError) as error:
        raise Missing(f"the Go peer could not be built: {error}") from error


def perform(stage):
    """Plays the evening, counts, and returns whether everything arrived."""
    stage.title("The Prancing Penguin: a game server on pengbridge, and four guests")
    failure = None
    with ExitStack() as cast:
        evening = Evening(stage, cast)
        try:
            evening.play()
        except Missing as missing:
            failure = str(missing)
            for actor in (evening.server, *evening.guests.values()):
                if actor is not None:
                    sys.stderr.write(actor.complaints())
    stage.title("The count")
    if failure:
        stage.tally(False, failure)
        return False
    count = evening.count
    stage.tally(True, f"{count.said} things were said, and heard by everybody in the room: {count.heard} deliveries")
    stage.tally(True, f"{count.seen} times somebody saw somebody come in, and {count.maps} maps arrived whole")
    stage.tally(True, f"{count.ticks} ticks of the game arrived, in order and without a gap")
    stage.tally(True, "everybody knows why they were parted")
    overheard = evening.overheard()
    stage.tally(not overheard, "nobody got anything that was meant for others" if not overheard else str(overheard))
    return not overheard


def main():
    stage = Stage()
    try:
        prepare()
        good = perform(stage)
    except Missing as missing:
        sys.exit(str(missing))
    except KeyboardInterrupt:
        sys.exit("\n  The evening was cut short.")
    print("\n  Everything arrived.\n" if good else "\n  Something is missing.\n")
    sys.exit(0 if good else 1)


main()
