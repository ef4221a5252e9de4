"""A display for the scene's windows, and the processes of the scene, which end with the test that started them."""

import contextlib
import os
import select
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SCENE = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(SCENE))  # tests of the parts import them as the programs do

ADVICE = "install the packages of .ci/apt-packages.txt (as root: xargs apt-get install --yes < .ci/apt-packages.txt)"
OPENS_A_WINDOW = "import pyglet; from pyglet.gl import gluProject; pyglet.window.Window(visible=False).close()"
PATIENCE = 60.0  # seconds for anything that is waited for; a software renderer on a loaded machine is slow


@pytest.fixture(scope="session")
def display():
    """An X server of our own on a free display number, with OpenGL by software. Yields its name."""
    program = shutil.which("Xvfb")
    if program is None:
        pytest.fail(f"the scene needs an X server, and there is no Xvfb: {ADVICE}")
    reading, writing = os.pipe()
    command = [program, "-displayfd", str(writing), "-screen", "0", "1280x800x24", "-nolisten", "tcp"]
    with ended(subprocess.Popen(command, pass_fds=(writing,), stderr=subprocess.DEVNULL)):
        os.close(writing)
        with open(reading, encoding="ascii") as numbers:
            if not select.select([numbers], [], [], PATIENCE)[0] or not (number := numbers.readline().strip()):
                pytest.fail("Xvfb does not start; run it by hand to see why")
        name = f":{number}"
        probe = subprocess.run(
            [sys.executable, "-c", OPENS_A_WINDOW],
            env={**os.environ, "DISPLAY": name},
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
        if probe.returncode != 0:
            pytest.fail(f"no OpenGL window can be opened: {ADVICE}\n{probe.stderr}")
        yield name


@pytest.fixture
def start(display, tmp_path):
    """Starts one of the scene's programs: start("server.py", "--port", 0). Its output goes to tmp_path/<number>.log."""
    with contextlib.ExitStack() as stack:
        count = 0

        def start_program(program, *args):
            nonlocal count
            count += 1
            path = tmp_path / f"{count}.log"
            log = stack.enter_context(path.open("w"))
            process = subprocess.Popen(
                [sys.executable, str(SCENE / program), *map(str, args)],
                env={**os.environ, "DISPLAY": display},
                stdout=log,
                stderr=subprocess.STDOUT,
            )
            process.log = path
            return stack.enter_context(ended(process))

        yield start_program


@contextlib.contextmanager
def ended(process):
    """Ends a process on the way out: politely, then by force."""
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(10.0)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
