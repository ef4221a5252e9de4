"""The processes of the demo: each is started, told what to do, listened to, and ended."""

import contextlib
import json
import os
import queue
import subprocess
import tempfile
import threading

PATIENCE = 10.0  # seconds for anything that is waited for; it takes milliseconds
_SHOWN = 16384  # bytes


class Missing(Exception):
    """Something did not happen in time."""


class Actor:
    """A process that takes commands and gives reports. It belongs to one thread; close() ends it.

    Args:
        name: what the audience calls it.
        command: how it is started.
    """

    def __init__(self, name, command):
        self.name = name
        self._complaints = tempfile.TemporaryFile()  # noqa: SIM115 - close() closes it
        self._process = subprocess.Popen(
            [str(word) for word in command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._complaints,  # the reference prints tracebacks when connections end, whether or not it matters
            encoding="utf-8",
        )
        self._reports = queue.SimpleQueue()
        self._waiting = []  # reports that nobody has asked for yet
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self):
        for line in self._process.stdout:
            self._reports.put(json.loads(line))
        self._reports.put({"event": "ended"})

    def do(self, action, **arguments):
        """Tells it what to do."""
        try:
            self._process.stdin.write(json.dumps({"do": action, **arguments}) + "\n")
            self._process.stdin.flush()
        except OSError as error:
            raise Missing(f"{self.name} is not there any more") from error

    def expect(self, event, **fields):
        """Waits for a report with these fields, and returns it. Others are kept.

        Raises:
            Missing: it did not come in time.
        """

        def fits(report):
            return report["event"] == event and all(report.get(key) == value for key, value in fields.items())

        for report in self._waiting:
            if fits(report):
                self._waiting.remove(report)
                return report
        while True:
            try:
                report = self._reports.get(timeout=PATIENCE)
            except queue.Empty:
                report = {"event": "ended"}
            if fits(report):
                return report
            if report["event"] == "ended":
                wanted = " ".join([event, *(f"{key}={value!r}" for key, value in fields.items())])
                raise Missing(f"{self.name} never reported: {wanted}")
            self._waiting.append(report)

    def unasked(self, event):
        """Returns the reports of a kind that came although nobody expected them; to be asked when all is over."""
        while not self._reports.empty():
            self._waiting.append(self._reports.get())
        return [report for report in self._waiting if report["event"] == event]

    def complaints(self):
        """Returns what it wrote to stderr, or the beginning of it."""
        return os.pread(self._complaints.fileno(), _SHOWN, 0).decode(errors="replace")

    def close(self):
        """Ends it: it is asked by closing its stdin, and killed if it does not listen."""
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        try:
            self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join()
        self._process.stdout.close()
        self._complaints.close()
