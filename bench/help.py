"""How long `retakes --help` takes.

Run: ``python -m bench.help [--runs 30]``

The peer is the least that a command line built with typer can take: a bare interpreter that imports typer and ends.
Both are whole processes, started in turn, so that a busy machine slows them alike.
"""

import argparse
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

OURS = [str(Path(sys.executable).with_name("retakes")), "--help"]
BARE = [sys.executable, "-c", "import typer"]
BUDGET_SECONDS = 0.3


def measured(command: Sequence[str]) -> float:
    """Return the seconds that a process takes from its start to its end."""
    began = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True, env={**os.environ, "TERM": "dumb"})
    return time.perf_counter() - began


def figures(name: str, seconds: Sequence[float]) -> str:
    """Return the median and the 95th percentile in milliseconds."""
    ordered = sorted(seconds)
    p95 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))]
    return f"{name:10} p50 {statistics.median(ordered) * 1000:6.1f} ms   p95 {p95 * 1000:6.1f} ms   n={len(ordered)}"


def main() -> None:
    """Measure both, alternating, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=30)
    arguments = parser.parse_args()
    ours: list[float] = []
    bare: list[float] = []
    for _ in range(arguments.runs + 1):
        ours.append(measured(OURS))
        bare.append(measured(BARE))
    # The first of each reads files that nobody has read before.
    print(figures("retakes", ours[1:]))
    print(figures("bare", bare[1:]))
    print(f"ratio      {statistics.median(ours[1:]) / statistics.median(bare[1:]):.2f}")
    print("kept" if statistics.median(ours[1:]) <= BUDGET_SECONDS else "NOT KEPT")


if __name__ == "__main__":
    main()
