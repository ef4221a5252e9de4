"""The game's processes, as a test sees them: what they print, and what it types into them."""

from __future__ import annotations

import queue
import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest
from interop.peer import OURS, PATIENCE, REFERENCE, interpreter

_FOLDER = Path(__file__).parent
_END = None

# The programs import peng3dnet; this is all that makes them use pengbridge instead.
_INSTALLED = (
    "import pengbridge, runpy, sys;"
    "pengbridge.install();"
    "sys.argv[:1] = []; sys.path.insert(0, {folder!r});"
    "runpy.run_path(sys.argv[0], run_name='__main__')"
)


class Program:
    """A running game_server.py or game_client.py. It belongs to the test's thread.

    Args:
        library: what it runs on.
        script: its file name.
        arguments: its arguments.

    Attributes:
        lines: what it has printed, as far as somebody waited for it.
    """

    def __init__(self, library: str, script: str, *arguments: Any) -> None:
        python, environment = interpreter(library)
        command = [python, "-W", "ignore::UserWarning"]  # the reference warns on every server (defect 33)
        if library == OURS:
            command += ["-c", _INSTALLED.format(folder=str(_FOLDER))]
        self.name = f"{script} {' '.join(map(str, arguments[1:]))} on {library}"
        self.lines: list[str] = []
        self._library = library
        self._process = subprocess.Popen(
            [*command, str(_FOLDER / script), *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
            encoding="utf-8",
        )
        self._printed: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._errors = ""
        self._readers = [threading.Thread(target=read, daemon=True) for read in (self._read, self._read_errors)]
        for reader in self._readers:
            reader.start()

    def types(self, line: str) -> None:
        """Types a line into it."""
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def next_line(self) -> str:
        """Waits for its next line."""
        line = self._next()
        if line is _END:
            pytest.fail(f"{self.name} has ended; it printed {self.lines}, and complained: {self._errors}")
        return line

    def prints(self, *expected: str) -> None:
        """Waits for these lines, of which each is one that was printed already, or will be. They may come in any order."""
        missing = list(expected)
        while missing:
            line = self.next_line()
            if line in missing:
                missing.remove(line)

    def ends(self) -> None:
        """Waits for its end, and checks that it is a good one. The reference may complain: see defect 20."""
        while self._next() is not _END:
            pass
        self._process.wait(PATIENCE)
        self._readers[1].join(PATIENCE)
        assert self._process.returncode == 0, (self.name, self._errors)
        assert self._library == REFERENCE or self._errors == "", (self.name, self._errors)

    def close(self) -> None:
        """Ends it, if that has not happened yet."""
        self._process.kill()
        self._process.wait()
        for reader in self._readers:
            reader.join()
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            assert pipe is not None
            pipe.close()

    def _next(self) -> str | None:
        try:
            line = self._printed.get(timeout=PATIENCE)
        except queue.Empty:
            pytest.fail(f"{self.name} is silent; it printed {self.lines}")
        if line is not _END:
            self.lines.append(line)
        return line

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._printed.put(line.rstrip("\n"))
        self._printed.put(_END)

    def _read_errors(self) -> None:
        assert self._process.stderr is not None
        self._errors = self._process.stderr.read()
