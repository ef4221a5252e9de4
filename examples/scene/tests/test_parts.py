"""The parts of the scene that need no window: how cubes follow, how many packets drones send, what is measured."""

import math
import random

import pytest
from avatars import Avatar
from drones import Drones
from framecost import FrameCost, percentile
from pace import Pace
from packets import HALF, MOVES_PER_SECOND


@pytest.mark.parametrize("frames_per_second", [10, 60, 240])
def test_a_cube_gets_where_it_was_said_to_be(frames_per_second):
    cube = Avatar("anna", "red")
    cube.move(3.0, -4.0, 90.0)
    for _ in range(frames_per_second):
        cube.advance(1 / frames_per_second)
    assert (cube.x, cube.z, cube.heading) == pytest.approx((3.0, -4.0, 90.0), abs=0.01)


def test_a_cube_turns_the_shorter_way_round():
    cube = Avatar("anna", "red", heading=350.0)
    cube.move(0.0, 0.0, 10.0)
    cube.advance(0.01)
    assert 350.0 < cube.heading < 370.0


def test_a_cube_has_moved_only_when_it_is_said_to_be_elsewhere():
    cube = Avatar("anna", "red", 1.0, 2.0)
    cube.move(1.0, 2.0, 45.0)
    assert not cube.has_moved
    cube.move(1.5, 2.0, 45.0)
    assert cube.has_moved


@pytest.mark.parametrize("frames_per_second", [30, 31, 37, 60, 144, 1000])
def test_players_send_at_their_rate_however_many_frames_there_are(frames_per_second):
    pace = Pace(MOVES_PER_SECOND)
    sent = sum(pace.due(frame / frames_per_second) for frame in range(10 * frames_per_second))
    assert sent == pytest.approx(10 * MOVES_PER_SECOND, abs=1)


def test_players_send_at_their_rate_however_uneven_frames_are():
    pace, chance, now, sent = Pace(MOVES_PER_SECOND), random.Random(1), 0.0, 0
    while now < 10.0:
        sent += pace.due(now)
        now += chance.uniform(0.001, 1 / MOVES_PER_SECOND)
    assert sent == pytest.approx(10 * MOVES_PER_SECOND, abs=1)


def test_slow_players_send_once_a_frame_and_make_up_for_nothing():
    pace = Pace(MOVES_PER_SECOND)
    assert all(pace.due(frame / 10) for frame in range(100))
    after = sum(pace.due(60.0 + frame / 60) for frame in range(60))
    assert after == pytest.approx(MOVES_PER_SECOND, abs=2)


@pytest.mark.parametrize("step", [0.0001, 0.003, 0.01, 0.05])
def test_drones_send_their_rate_however_often_they_are_asked(step):
    drones = Drones(2000, 0.0)
    asked = round(2.0 / step)
    sent = sum(len(list(drones.due(number * step))) for number in range(1, asked + 1))
    assert sent == pytest.approx(4000, abs=2)


def test_drones_leave_out_what_a_late_server_missed():
    drones = Drones(2000, 0.0)
    assert len(list(drones.due(60.0))) == pytest.approx(200, abs=1)
    assert len(list(drones.due(60.01))) == pytest.approx(20, abs=1)


def test_drones_are_introduced_before_they_move_and_stay_over_the_floor():
    drones = Drones(2000, 0.0)
    introduced = {drone["id"] for drone in drones.introductions()}
    moves = [move for tick in range(1, 100) for move in drones.due(tick * 0.01)]
    assert {move["id"] for move in moves} == introduced
    assert all(math.hypot(move["x"], move["z"]) < HALF for move in moves)


@pytest.mark.parametrize(
    ("values", "percent", "expected"), [([5], 50, 5), ([3, 1, 2], 50, 2), (range(1, 101), 99, 99), (range(1, 101), 100, 100)]
)
def test_a_percentile_is_one_of_the_values(values, percent, expected):
    assert percentile(values, percent) == expected


def test_a_percentile_of_nothing_is_no_number():
    assert math.isnan(percentile([], 50))


def test_the_report_counts_from_keep_on():
    cost = FrameCost()
    for kept in (False, True, True):
        if kept:
            cost.keep()
        with cost.measured():
            pass
    assert len(cost.recent) == 3
    assert cost.report(seconds=0.5, packets=1000).startswith("1 frames at 2.0 fps, 2000 packets/s in: ")
