"""The examples do what they say."""

from __future__ import annotations

import signal
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from .peer import OURS, PATIENCE, interpreter

EXAMPLES = Path(__file__).resolve().parents[4] / "examples"

TIME_LIMIT = 60.0  # seconds for any example; the demo plays for ten

Run = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def run() -> Iterator[Run]:
    """Runs examples, which end with the test."""
    python, environment = interpreter(OURS)

    with ExitStack() as running:

        def start(program: str | Path, *arguments: str) -> subprocess.Popen[str]:
            command = [python, str(EXAMPLES / program)] if isinstance(program, str) else [str(program)]
            process = subprocess.Popen(
                [*command, *arguments],
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                encoding="utf-8",
            )
            running.enter_context(process)  # which waits for its end
            running.callback(process.kill)
            alarm = threading.Timer(TIME_LIMIT, process.kill)  # so that nobody waits for a line for ever
            running.callback(alarm.cancel)
            alarm.start()
            return process

        yield start


def serve(run: Run, script: str) -> tuple[subprocess.Popen[str], str]:
    server = run(script, "127.0.0.1:0")
    return server, line(server).removeprefix("listening on ")


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().rstrip("\n")


def say(process: subprocess.Popen[str], text: str) -> None:
    assert process.stdin is not None
    process.stdin.write(text + "\n")
    process.stdin.flush()


def test_echo(run: Run) -> None:
    _, address = serve(run, "echo/server.py")
    client = run("echo/client.py", address, "one", "zwei")
    assert client.communicate(timeout=PATIENCE)[0].splitlines() == [
        "came back: {'text': 'one'}",
        "came back: {'text': 'zwei'}",
    ]
    assert client.returncode == 0


@pytest.mark.parametrize("example", [["echo/client.py"], ["chat/client.py", "Anna"]])
def test_without_a_server_a_client_says_so(example: list[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        host, port = taken.getsockname()
    python, environment = interpreter(OURS)
    command = [python, str(EXAMPLES / example[0]), *example[1:], f"{host}:{port}"]
    done = subprocess.run(command, env=environment, capture_output=True, encoding="utf-8", timeout=TIME_LIMIT)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert done.stderr.rstrip().endswith("connection refused: check the address, and that the server runs")


def test_echo_from_go(run: Run) -> None:
    _, address = serve(run, "echo/server.py")
    done = subprocess.run(
        ["go", "run", "./examples/echo/gopeer", address, "one", "zwei"],
        cwd=EXAMPLES.parent,
        capture_output=True,
        encoding="utf-8",
        timeout=120,  # seconds; it may have to be compiled
    )
    assert done.stdout.splitlines() == ["came back: map[text:one]", "came back: map[text:zwei]"], done.stderr


def test_an_echo_server_in_go(run: Run, tmp_path: Path) -> None:
    program = tmp_path / "goserver"
    build = ["go", "build", "-o", str(program), "./examples/echo/goserver"]
    subprocess.run(build, cwd=EXAMPLES.parent, check=True, timeout=300)
    server = run(program, "127.0.0.1:0")
    client = run("echo/client.py", line(server).removeprefix("listening on "), "one", "zwei")
    assert client.communicate(timeout=PATIENCE)[0].splitlines() == [
        "came back: {'text': 'one'}",
        "came back: {'text': 'zwei'}",
    ]
    server.send_signal(signal.SIGINT)
    assert server.wait(PATIENCE) == 0


def test_demo(run: Run) -> None:
    demo = run("demo/demo.py")
    shown = demo.communicate(timeout=TIME_LIMIT)[0]
    assert demo.returncode == 0, shown
    assert "Everything arrived." in shown
    assert "\033[" not in shown, "colours are for terminals"


def test_chat(run: Run) -> None:
    server, address = serve(run, "chat/server.py")
    anna = run("chat/client.py", "Anna", address)
    assert line(anna) == "Anna is here"
    ben = run("chat/client.py", "Ben", address)
    assert line(ben) == line(anna) == "Ben is here"
    say(anna, "Grüße")
    assert line(ben) == line(anna) == "<Anna> Grüße"
    second = run("chat/client.py", "Ben", address)
    assert line(second) == "closed: nickname taken"
    ben.stdin.close()
    assert line(anna) == "Ben has left (bye)"
    assert [line(server) for _ in range(4)] == ["Anna is here", "Ben is here", "<Anna> Grüße", "Ben has left (bye)"]
