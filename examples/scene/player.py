"""A player of the scene: a peng3d window whose frames process the network. Arrow keys or W, A, S and D move the cube.

python examples/scene/player.py --connect 127.0.0.1:8080 --name anna --colour red
"""

import argparse
import math
import sys
import threading

import peng3d
import pengbridge as peng3dnet
import pyglet
from avatars import Crowd
from client import PlayerClient
from framecost import FrameCost, percentile
from pace import Pace
from packets import COLOURS, DRONES, MOVE, MOVES_PER_SECOND
from server import SceneServer
from walk import BotWalk, KeyWalk
from window import open_window

FRAMES_PER_SECOND = 60
PANELS_PER_SECOND = 2
PATIENCE = 10.0  # seconds; for the server to let us join, and for everything to end
BETWEEN_SCREENSHOTS = 1.0  # seconds; the first one is taken so long after another player was seen to move
BENCHMARK_RATE = 2000  # packets a second
BENCHMARK_SECONDS = 10.0
WARM_UP = 2.0  # seconds of the benchmark that do not count: first packets also import and open things


class Game:
    """The frame loop. It belongs to the main thread.

    Args:
        args: the command line.

    Attributes:
        failure: why the game ended otherwise than it should; None if it did not.
    """

    def __init__(self, args):
        self._args = args
        self._crowd = Crowd()
        self._peng = peng3d.Peng()
        caption = f"pengbridge scene: {args.name}"
        self._window, self._writing = open_window(self._peng, caption, self._crowd, args.smooth)
        if args.bot:
            self._walk = BotWalk(self._crowd)
        else:
            keys = pyglet.window.key.KeyStateHandler()
            self._window.push_handlers(keys)
            self._walk = KeyWalk(keys)
        self._client = PlayerClient(self._peng, args.connect, self._crowd, args.name, args.colour)
        self._screenshots = list(args.screenshot)  # those still to be taken
        self._cost = FrameCost()
        self._packets = {"recv": 0, "send": 0}
        self._frames = 0
        self._shown = dict(self._packets, frames=0)  # what had been counted when the panel was last written
        self._received_before = 0  # packets, before the benchmark began to count
        self._has_begun = False
        self._moves = Pace(MOVES_PER_SECOND)
        # Times, in seconds since the first frame.
        self._time = 0.0
        self._next_screenshot = math.inf
        self._counts_from = math.inf  # the benchmark
        self.failure = f"the server at {args.connect} did not let us join"
        for kind in self._packets:
            self._peng.addEventListener(f"peng3dnet:client.{kind}", self._count)
        self._peng.addEventListener("peng3dnet:client.close", self._on_close)

    def run(self):
        """Plays until the time is over, or the window or the connection is closed."""
        self._client.runAsync()
        pyglet.clock.schedule_interval(self._frame, 1.0 / FRAMES_PER_SECOND)
        pyglet.clock.schedule_interval(self._write_panel, 1.0 / PANELS_PER_SECOND)
        try:
            self._peng.run()
        except KeyboardInterrupt:
            pass  # as good an end as closing the window
        finally:
            self._client.close_connection(reason="bye")
            self._client.join(PATIENCE)
        if self._args.benchmark and self._time > self._counts_from:
            packets = self._packets["recv"] - self._received_before
            print(self._cost.report(self._time - self._counts_from, packets), flush=True)
        if self._screenshots and self.failure is None:
            self.failure = f"there was no other player to take {self._screenshots[0]} of"

    # What happens in a frame.

    def _frame(self, seconds):
        self._time += seconds
        self._frames += 1
        with self._cost.measured():
            self._client.process()
            if self._is_playing():
                self._move(seconds)
        self._crowd.advance(seconds)
        if not self._is_playing():
            if self._time > PATIENCE or not self._client.run:
                pyglet.app.exit()
            return
        if not self._has_begun:
            self._begin()
        self._take_screenshots()
        if self._time >= self._args.seconds:
            pyglet.app.exit()

    def _is_playing(self):
        return self._crowd.me is not None and self._client.remote_state == peng3dnet.STATE_ACTIVE

    def _begin(self):
        """We are in."""
        self._has_begun = True
        self.failure = None
        if self._args.benchmark:
            self._client.send_message(DRONES, {"rate": BENCHMARK_RATE})
            pyglet.clock.schedule_once(self._count_from_now, WARM_UP)

    def _move(self, seconds):
        x, z, heading = self._walk.go(seconds)
        self._crowd.me.move(x, z, heading)
        if self._moves.due(self._time):
            self._client.send_message(MOVE, {"x": x, "z": z, "heading": heading})

    def _take_screenshots(self):
        if not self._screenshots:
            return
        if self._next_screenshot == math.inf:
            if any(player.has_moved for player in self._crowd.players()):
                self._next_screenshot = self._time + BETWEEN_SCREENSHOTS
        elif self._time >= self._next_screenshot:
            self._next_screenshot = self._time + BETWEEN_SCREENSHOTS
            self._window.screenshot_next(self._screenshots.pop(0))

    def _count_from_now(self, _):
        self._cost.keep()
        self._counts_from = self._time
        self._received_before = self._packets["recv"]

    def _write_panel(self, seconds):
        counted = dict(self._packets, frames=self._frames)
        rates = {kind: round((counted[kind] - self._shown[kind]) / seconds) for kind in counted}
        self._shown = counted
        self._writing.lines = (
            f"{len(self._crowd.players()) + 1} players, {rates['frames']} fps",
            f"packets/s   {rates['recv']} in,  {rates['send']} out",
            f"networking  {percentile(self._cost.recent, 50):.2f} ms a frame",
        )

    # What the peng is told of the network.

    def _count(self, event, _):
        self._packets[event.rpartition(".")[2]] += 1

    def _on_close(self, _, data):
        self.failure = f"the connection was closed: {data['reason']}"
        pyglet.app.exit()


def arguments():
    parser = argparse.ArgumentParser(description="A player of the scene.")
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--connect", metavar="HOST:PORT", help="the server")
    where.add_argument("--serve", type=int, metavar="PORT", help="run the server as well, in this process")
    parser.add_argument("--name", required=True)
    parser.add_argument("--colour", choices=sorted(COLOURS), default="red", help="if somebody has it, you get another")
    parser.add_argument("--smooth", action="store_true", help="smooth edges; slow without a graphics card")
    parser.add_argument("--bot", action="store_true", help="walk by itself")
    parser.add_argument("--seconds", type=float, default=math.inf, metavar="N", help="leave after N seconds")
    parser.add_argument(
        "--screenshot",
        action="append",
        default=[],
        metavar="FILE",
        help="save a frame as PNG once another player has moved; given again, another one a second later",
    )
    parser.add_argument(
        "--benchmark",
        action="store_true",
        help=f"get {BENCHMARK_RATE} packets a second, for {BENCHMARK_SECONDS:.0f} seconds unless told otherwise, "
        "and print what a frame loses to networking",
    )
    args = parser.parse_args()
    if args.benchmark and args.seconds == math.inf:
        args.seconds = WARM_UP + BENCHMARK_SECONDS
    return args


def main():
    args = arguments()
    server = None
    if args.serve is not None:
        server = SceneServer(args.serve)
        server.runAsync()
        args.connect = server.address
        print(f"listening on {args.connect}", flush=True)
        threading.Thread(target=server.serve, name="scene server").start()  # ends when the server is stopped
    try:
        game = Game(args)
        game.run()
    finally:
        if server is not None:
            server.shutdown(timeout=PATIENCE, reason="the scene closes")
    if game.failure is not None:
        sys.exit(game.failure)


if __name__ == "__main__":
    main()
