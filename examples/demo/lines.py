"""How the demo talks to the processes it starts: lines of JSON, commands one way and reports the other."""

import json
import sys
import threading

_one_at_a_time = threading.Lock()  # reports come from the threads of the network, too


def report(event, **fields):
    """Writes a report to stdout."""
    line = json.dumps({"event": event, **fields}) + "\n"
    with _one_at_a_time:
        sys.stdout.write(line)
        sys.stdout.flush()


def commands():
    """Yields the commands on stdin, until it is closed."""
    for line in sys.stdin:
        yield json.loads(line)
