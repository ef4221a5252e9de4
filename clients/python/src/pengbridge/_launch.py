"""The sidecar as a child process: started with one line of JSON, known by one line of JSON, ended by closing its stdin."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import signal
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable
from typing import NamedTuple

from .errors import SidecarError

API_VERSION = "v1"
_TOKEN_BYTES = 32
_READY_TIMEOUT = 10.0  # seconds; it usually takes 15 ms, but a loaded machine starts processes slowly
_NO_WINDOW = 0x08000000  # Windows: CREATE_NO_WINDOW
_FOREIGN = {errno.ENOEXEC, 86}  # 86 is macOS's EBADARCH, which Python has no name for
_FOREIGN_WINDOWS = {193, 216}  # ERROR_BAD_EXE_FORMAT, ERROR_EXE_MACHINE_TYPE_MISMATCH
_EXIT_TIMEOUT = 2.5  # seconds; the sidecar drains for 1.5 s, and cuts what is left within 0.5 s
_SOCKET = "pengbridge.sock"  # where a sidecar listens, in a folder of its own with a name that begins like this:
_SOCKET_FOLDER = "pengbridge-"


class Ready(NamedTuple):
    """What the sidecar says of itself when it accepts calls."""

    address: str
    pid: int
    version: str


class Process:
    """A running sidecar that belongs to this process.

    Attributes:
        ready: where it listens, and what it is.
        token: what every call has to carry.
        trust: None: the connection does not leave the machine, and is plain.
    """

    trust: None = None

    def __init__(self, child: subprocess.Popen[bytes], token: str, ready: Ready) -> None:
        self._child = child
        self._forgotten = False
        self.token = token
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=_forgetting(weakref.ref(self)))
        self.ready = ready

    @property
    def address(self) -> str:
        """Where it listens."""
        return self.ready.address

    def alive(self) -> bool:
        """Whether it still runs. Any thread may ask."""
        return self._child.poll() is None

    def has_ended(self) -> bool:
        """Whether it does not run any more. Any thread may ask."""
        return not self.alive()

    def wake(self) -> None:
        """Lets it go on if somebody has stopped it (SIGSTOP): else it can neither deliver what it has nor end."""
        if sys.platform != "win32":
            with contextlib.suppress(OSError):  # it has ended
                self._child.send_signal(signal.SIGCONT)

    def close(self, timeout: float = _EXIT_TIMEOUT) -> None:
        """Ends the sidecar: it drains, and is killed if that takes longer than timeout seconds. Idempotent."""
        _close_quietly(self._child)
        self.wake()
        try:
            self._child.wait(timeout)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
        if not self._forgotten:
            _remove_socket(self.address)

    def forget(self) -> None:
        """In a forked child: lets go of the pipes, so that the parent's end is still the sidecar's end."""
        self._forgotten = True
        _close_quietly(self._child)
        self._child.returncode = 0  # not our child: there is nothing to wait for, and Popen must not warn


def _forgetting(process: weakref.ref[Process]) -> Callable[[], None]:
    """Makes what a forked child does about a process, if that is still there: handlers of forks are never taken back."""

    def forget() -> None:
        if (kept := process()) is not None:
            kept.forget()

    return forget


def spawn(
    binary: str | os.PathLike[str], memory_budget: int | None = None, meanwhile: Callable[[], object] = lambda: None
) -> Process:
    """Starts the sidecar and waits until it is ready.

    Args:
        binary: what to start.
        memory_budget: what it may hold for peers and in event logs, in bytes, at least 1024. None: its default.
        meanwhile: called while it gets ready; for what else takes time.

    Raises:
        SidecarError: it could not be started, ended at once, or did not get ready in time.
    """
    command = [os.fspath(binary), "serve", "--spawned", "--log-level", "warn"]
    if memory_budget is not None:
        command += ["--memory-budget", f"{memory_budget // 1024}KiB"]
    try:
        child = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            creationflags=_NO_WINDOW if sys.platform == "win32" else 0,
        )
    except OSError as error:
        raise SidecarError(f"cannot start the sidecar {binary}: {_explained(error)}") from error
    token = os.urandom(_TOKEN_BYTES).hex()
    hello = {"token": token, "api_versions": [API_VERSION], "pid": os.getpid()}
    try:
        return Process(child, token, _greet(child, json.dumps(hello).encode() + b"\n", meanwhile))
    except BaseException:
        child.kill()
        child.wait()
        _close_quietly(child)
        raise


def _explained(error: OSError) -> str:
    """Says what an operating system's refusal to run a binary means, and what helps."""
    import sysconfig  # only here: nearly all programs start without it

    if error.errno in _FOREIGN or getattr(error, "winerror", None) in _FOREIGN_WINDOWS:
        return (
            f"it was built for another system or processor than this one, {sysconfig.get_platform()}, or it is damaged. "
            "Install the wheel for this one (pip install --force-reinstall --no-cache-dir pengbridge), or set "
            f"PENGBRIDGE_BINARY to a binary that runs here ({error})"
        )
    if isinstance(error, PermissionError):
        return (
            "it may not be executed. Give it the permission (chmod +x), and see to it that its file system is not mounted "
            f"noexec ({error})"
        )
    return str(error)


def _greet(child: subprocess.Popen[bytes], hello: bytes, meanwhile: Callable[[], object]) -> Ready:
    assert child.stdin is not None
    assert child.stdout is not None
    answer: list[bytes] = []
    stdout = child.stdout
    # Pipes cannot be waited for with a deadline on every platform; a thread can. It ends when the child is killed.
    reader = threading.Thread(target=lambda: answer.append(stdout.readline(65536)), name="pengbridge launch", daemon=True)
    reader.start()
    try:
        child.stdin.write(hello)
        child.stdin.flush()
    except OSError as error:
        reader.join(_READY_TIMEOUT)
        if not answer or not answer[0]:
            raise SidecarError(f"the sidecar ended before it was ready: {error}") from error
    meanwhile()
    reader.join(_READY_TIMEOUT)
    if not answer:
        raise SidecarError(f"the sidecar was not ready within {_READY_TIMEOUT:.0f} s")
    return parse_ready(answer[0])


def parse_ready(line: bytes) -> Ready:
    """Reads the sidecar's line.

    Raises:
        SidecarError: it reports an error, makes no sense, or is of another API version.
    """
    if not line:
        raise SidecarError("the sidecar ended before it was ready; its error output says why")
    try:
        fields = json.loads(line)
        if "error" in fields:
            raise SidecarError(f"the sidecar cannot start: {fields['error']}")
        if fields["api_version"] != API_VERSION:
            raise SidecarError(f"the sidecar speaks API {fields['api_version']}, this package {API_VERSION}")
        return Ready(str(fields["address"]), int(fields["pid"]), str(fields["version"]))
    except (ValueError, KeyError, TypeError) as error:
        raise SidecarError(f"the sidecar said {line[:200]!r} instead of its address") from error


def _remove_socket(address: str) -> None:
    """Removes what a sidecar that was killed could not: its socket and the folder, by their known names, if that is all."""
    folder, name = os.path.split(address.removeprefix("unix:"))
    if address.startswith("unix:") and name == _SOCKET and os.path.basename(folder).startswith(_SOCKET_FOLDER):
        with contextlib.suppress(OSError):
            os.unlink(os.path.join(folder, name))
        with contextlib.suppress(OSError):
            os.rmdir(folder)


def _close_quietly(child: subprocess.Popen[bytes]) -> None:
    for pipe in (child.stdin, child.stdout):
        if pipe is not None:
            with contextlib.suppress(OSError):
                pipe.close()
