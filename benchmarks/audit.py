"""What the audit costs: first loads with it and without, one after the other in pairs.

    python -m benchmarks.audit [--customers 10000] [--pairs 3]

Without means that the entries of every transaction are dropped where the store would take them: an option that the
connector itself does not have.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from statistics import median

from benchmarks.commands import COMMAND, SETTINGS, connected, one_sync, twins

FLOWS = ("customers", "contacts")
AIM = 1.25
UNLIMITED = SETTINGS[2]
DROP_ENTRIES = """
from ml_connector.store import audit
async def drop(*_): return ""
audit.append = drop
"""
WITHOUT_AUDIT = [*COMMAND[:2], DROP_ENTRIES + COMMAND[2]]


def seconds_of(customers: int, command: list[str]) -> tuple[float, float]:
    """Seconds and CPU seconds of one first load."""
    world = {"customers": customers, "contacts_per_customer": 1, "products": 10}
    with tempfile.TemporaryDirectory() as folder, twins(UNLIMITED, **world) as twin:
        figures = one_sync(connected(Path(folder) / "home", twin, FLOWS), FLOWS, command)
    return figures["seconds"], figures["cpu_s"]


def main() -> int:
    """Exit 1 when the audit costs more than it may."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--customers", type=int, default=10_000)
    parser.add_argument("--pairs", type=int, default=3)
    options = parser.parse_args()
    ratios = []
    for _ in range(options.pairs):
        (on_s, on_cpu), (off_s, off_cpu) = (
            seconds_of(options.customers, command) for command in (COMMAND, WITHOUT_AUDIT)
        )
        ratios.append(on_s / off_s)
        print(
            f"audit on {on_s:6.2f} s (CPU {on_cpu:6.2f} s), off {off_s:6.2f} s (CPU {off_cpu:6.2f} s):"
            f" {on_s / off_s:.2f} x, CPU {on_cpu / off_cpu:.2f} x",
            flush=True,
        )
    met = median(ratios) <= AIM
    print(f"median {median(ratios):.2f} x, aim {AIM} x: {'met' if met else 'MISSED'}")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
