"""The scene's server with players that have no window."""

import threading
import time

import pengbridge as peng3dnet
import pytest
from avatars import Crowd
from client import PlayerClient
from packets import COLOURS, HALF, MOVE, REACH
from server import SceneServer

PATIENCE = 10.0  # seconds


@pytest.fixture
def server():
    made = SceneServer(0)
    made.runAsync()
    thread = threading.Thread(target=made.serve)
    thread.start()
    yield made
    made.stop()
    thread.join(PATIENCE)
    made.join(PATIENCE)


@pytest.fixture
def join(server):
    """Lets a player join: join(name, colour)."""
    players = []

    def join_scene(name, colour):
        player = PlayerClient(None, server.address, Crowd(), name, colour)
        player.crowd = player.registry.getObj(MOVE).obj
        players.append(player)
        player.runAsync()
        until(player, lambda: player.crowd.me is not None or player.remote_state == peng3dnet.STATE_CLOSED)
        return player

    yield join_scene
    for player in players:
        player.join(PATIENCE)


def until(player, condition):
    """Processes as a frame loop does, until condition() is true."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        player.process(wait=True, timeout=0.05)


def test_no_two_players_have_the_same_colour_and_there_are_as_many_as_colours(join):
    players = [join(f"player {number}", "red") for number in range(len(COLOURS))]
    assert [player.crowd.me.colour for player in players] == list(COLOURS)

    too_many = join("one more", "red")
    assert too_many.crowd.me is None

    colours = [other.colour for other in players[-1].crowd.others.values()]
    assert sorted([*colours, players[-1].crowd.me.colour]) == sorted(COLOURS)


def test_players_see_each_other_come_move_and_go(join):
    anna = join("anna", "red")
    anna.send_message(MOVE, {"x": 2.0, "z": -100.0, "heading": 90.0})
    anna.flush()
    ben = join("ben", "blue")
    until(ben, lambda: any(other.has_moved or other.x == 2.0 for other in ben.crowd.players()))
    (shown,) = ben.crowd.players()
    shown.advance(PATIENCE)
    assert (shown.name, shown.colour, shown.x, shown.z) == ("anna", "red", 2.0, pytest.approx(-REACH))

    until(anna, anna.crowd.players)
    ben.close_connection(reason="bye")
    until(anna, lambda: not anna.crowd.players())


def test_who_says_to_be_nowhere_is_thrown_out(join):
    anna = join("anna", "red")
    anna.on_close = closed = ReasonKept()
    anna.send_message(MOVE, {"x": float("nan"), "z": HALF, "heading": 0.0})
    until(anna, lambda: closed.reasons)
    assert closed.reasons == ["nowhere"]


class ReasonKept:
    """An on_close that keeps the reasons."""

    def __init__(self):
        self.reasons = []

    def __call__(self, reason=None):
        self.reasons.append(reason)
