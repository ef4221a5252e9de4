"""Two players with real windows see each other move, over pengbridge; and what a frame loses to that."""

import json
import os
import re
import threading
import time
from pathlib import Path

import pytest
from conftest import PATIENCE
from packets import COLOURS
from PIL import Image, ImageChops

SECONDS = 8  # the second player plays; the screenshots take him less than four
LONGER = 6  # seconds that the first one was there before him, at most
TOLERANCE = 6  # of 255; the top of a cube has the player's very colour
ENOUGH = 400  # pixels; a cube has more than a thousand, the strip under a name less than 200
MOVED = 20.0  # pixels; in a second a bot goes about a hundred


def eventually(condition, what, process=None):
    """Polls until condition() is true, and returns its value. If there is a process, it must be alive until then."""
    deadline = time.monotonic() + PATIENCE
    pause = threading.Event()
    while not (value := condition()):
        assert process is None or process.poll() is None, process.log.read_text()
        assert time.monotonic() < deadline, f"{what} did not come true within {PATIENCE} s"
        pause.wait(0.02)
    return value


def address_in(log):
    """Where a server says it listens; None as long as it says nothing."""
    found = re.search(r"listening on (\S+)\n", log.read_text())
    return found and found[1]


def sidecars(pid):
    """The sidecars of a process: (pid, when it was started).

    A process has other children for moments: pyglet runs programs to find the system's libraries.
    """
    children = [int(child) for task in Path(f"/proc/{pid}/task").glob("*/children") for child in task.read_text().split()]
    return {(child, started(child)) for child in children if program_of(child) == "pengbridge"}


def program_of(pid):
    """The name of the program that a process runs; None if there is no such process."""
    try:
        return Path(os.readlink(f"/proc/{pid}/exe")).name
    except OSError:
        return None


def started(pid):
    """When a process was started, in clock ticks since the system's start; None if there is none that runs."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] == "Z" else int(fields[19])


def pixels_of(image, colour):
    """The places that have a player's colour."""
    near = [
        band.point([255 * (abs(value - wanted) <= TOLERANCE) for value in range(256)])
        for band, wanted in zip(image.split(), COLOURS[colour], strict=True)
    ]
    mask = ImageChops.darker(ImageChops.darker(*near[:2]), near[2])
    return [divmod(place, image.width)[::-1] for place, is_near in enumerate(mask.tobytes()) if is_near]


def middle_of(places):
    """The middle of some places."""
    return tuple(sum(coordinates) / len(places) for coordinates in zip(*places, strict=True))


@pytest.mark.parametrize("own_server", [True, False], ids=["server of its own", "server in the first player"])
def test_two_players_see_each_other_move(start, tmp_path, own_server):
    shots = {name: [tmp_path / f"{name}{number}.png" for number in (1, 2)] for name in ("anna", "ben")}

    def play(name, seconds, *where):
        wanted = [word for shot in shots[name] for word in ("--screenshot", shot)]
        return start("player.py", *where, "--name", name, "--colour", "red", "--bot", "--seconds", seconds, *wanted)

    if own_server:
        ready = tmp_path / "ready"
        server = start("server.py", "--port", 0, "--ready-file", ready)
        eventually(ready.exists, "the server", server)
        address = json.loads(ready.read_text())["address"]
        anna = play("anna", SECONDS + LONGER, "--connect", address)
    else:
        server = anna = play("anna", SECONDS + LONGER, "--serve", 0)
        address = eventually(lambda: address_in(anna.log), "the server in anna's process", anna)
    eventually(lambda: "anna has joined, in red" in server.log.read_text(), "anna in the colour she wanted", anna)
    ben = play("ben", SECONDS, "--connect", address)

    everybody = {server, anna, ben}
    eventually(lambda: "ben has joined, in blue" in server.log.read_text(), "ben in another colour than anna's", ben)
    spawned = set().union(*(sidecars(process.pid) for process in everybody))
    assert len(spawned) == len(everybody), "each process has a sidecar"

    for player in (ben, anna):
        assert player.wait(PATIENCE) == 0, player.log.read_text()
    server.terminate()
    assert server.wait(PATIENCE) == 0, server.log.read_text()
    eventually(lambda: not [pid for pid, since in spawned if started(pid) == since], "the end of all sidecars")

    for name, other in (("anna", "blue"), ("ben", "red")):
        seen = []
        for shot in shots[name]:
            with Image.open(shot) as opened:
                image = opened.convert("RGB")
            most = max(count for count, _ in image.getcolors(image.width * image.height))
            assert most < image.width * image.height / 2, "the picture is blank"
            for colour in ("red", "blue"):
                assert len(pixels_of(image, colour)) > ENOUGH, f"{shot.name} shows no {colour} cube"
            seen.append(middle_of(pixels_of(image, other)))
        (x, y), (then_x, then_y) = seen
        assert abs(then_x - x) + abs(then_y - y) > MOVED, f"the {other} cube stands still in front of {name}"


def test_a_player_says_why_it_had_to_leave(start):
    server = start("server.py", "--port", 0)
    address = eventually(lambda: address_in(server.log), "the server", server)
    player = start("player.py", "--connect", address, "--name", "anna", "--bot")
    eventually(lambda: "anna has joined" in server.log.read_text(), "anna", player)
    server.terminate()
    assert player.wait(PATIENCE) == 1
    assert player.log.read_text() == "the connection was closed: the scene closes\n"


def test_a_frame_loses_less_than_a_millisecond_to_2000_packets_a_second(start, tmp_path):
    server = start("server.py", "--port", 0)
    address = eventually(lambda: address_in(server.log), "the server", server)
    player = start("player.py", "--connect", address, "--name", "anna", "--bot", "--benchmark", "--seconds", SECONDS)
    assert player.wait(PATIENCE) == 0, player.log.read_text()
    report = player.log.read_text()
    found = re.search(r"([\d.]+) packets/s in: a frame loses (\S+) ms to networking \(median\), \S+ ms \(p99\)", report)
    assert found, report
    packets, median = map(float, found.groups())
    assert 0 < packets < 2200, report  # fewer than 2,000 where the server gets too little of the processor
    assert median < 1.0, report
