"""How long a game waits for us when it starts: from having imported grpc until its server is bound.

Each round is a new process. It runs with compiled modules, as an installed package does: the first round, which compiles
them, is not counted.

python benchmarks/startup.py [ROUNDS]
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROUNDS = 20
SOURCE = Path(__file__).resolve().parents[1] / "src"

GAME = """
import grpc, time
begin = time.perf_counter()
import pengbridge
imported = time.perf_counter()
server = pengbridge.Server(addr=("127.0.0.1", 0))
server.runAsync()
print(imported - begin, time.perf_counter() - imported)
server.stop()
"""


def measured(compiled: str) -> tuple[float, float]:
    """Starts a game once. Returns how long it took to import the package, and to get a server; in milliseconds.

    Args:
        compiled: the folder for compiled modules.
    """
    environment = {**os.environ, "PYTHONPATH": str(SOURCE), "PYTHONPYCACHEPREFIX": compiled}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    game = subprocess.run([sys.executable, "-c", GAME], env=environment, capture_output=True, text=True, check=True)
    imported, bound = map(float, game.stdout.split())
    return imported * 1e3, bound * 1e3


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    with tempfile.TemporaryDirectory() as compiled:
        measured(compiled)
        times = [measured(compiled) for _ in range(rounds)]
    print(f"milliseconds beyond importing grpc, of {rounds} starts   median    best")
    for name, column in {
        "import pengbridge": [imported for imported, _ in times],
        "spawn a sidecar and bind a server": [bound for _, bound in times],
        "both": [sum(both) for both in times],
    }.items():
        print(f"{name:<52} {statistics.median(column):8.1f} {min(column):7.1f}")


if __name__ == "__main__":
    main()
