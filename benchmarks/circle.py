"""Customers into companies over real sockets: first load and unchanged second run, each beside its floor.

    python benchmarks/circle.py [--sizes 1000,10000] [--page-size 10000] [--quick]

Twin and connector are processes of their own. The floor is what physics leaves: calls beyond the portal's allowance
wait for their window, F&O pages and the last answer take their latency. CPU, memory and seconds are those of the
``ml-connector sync`` process.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

COMMAND = [sys.executable, "-c", "from ml_connector.cli.main import run; run()"]


@dataclass(frozen=True)
class Setting:
    """How the twins behave in one measurement."""

    name: str
    dynamics_ms: int
    hubspot_ms: int
    limit: str  # calls/seconds, or off

    @property
    def allowance(self) -> tuple[int, float]:
        calls, _, window = self.limit.partition("/") if self.limit != "off" else ("0", "", "0s")
        return int(calls), float(window.removesuffix("s"))


SETTINGS = (
    Setting("190/10s, 150/80 ms", 150, 80, "190/10s"),
    Setting("19/1s, 150/80 ms", 150, 80, "19/1s"),
    Setting("unlimited, 0 ms", 0, 0, "off"),
)


@contextmanager
def twins(setting: Setting, customers: int, page_size: int) -> Iterator[dict[str, Any]]:
    """A twin process; yields its announcement."""
    arguments = [
        *("twin", "serve", "--dynamics-port", "0", "--hubspot-port", "0"),
        *("--customers", str(customers), "--products", "10", "--rep", "off"),
        *("--latency-ms", f"dynamics={setting.dynamics_ms},hubspot={setting.hubspot_ms}"),
        *("--hubspot-limit", setting.limit, "--page-size", str(page_size)),
    ]
    process = subprocess.Popen([*COMMAND, *arguments], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield json.loads(process.stdout.readline())
    finally:
        process.terminate()
        process.wait(30)


def connected(home: Path, twin: dict[str, Any]) -> dict[str, str]:
    """The environment of a home that is connected to the twins, properties made, customers on."""
    environment = os.environ | {
        "MLC_HOME": str(home),
        "MLC_ALLOW_LOCAL": "1",
        "MLC_DYNAMICS_URL": twin["dynamics_url"],
        "MLC_DYNAMICS_AUTHORITY": twin["authority"],
        "MLC_DYNAMICS_TENANT": twin["tenant"],
        "MLC_DYNAMICS_CLIENT_ID": twin["client_id"],
        "MLC_DYNAMICS_CLIENT_SECRET": twin["client_secret"],
        "MLC_HUBSPOT_URL": twin["hubspot_url"],
        "MLC_HUBSPOT_TOKEN": twin["hubspot_token"],
    }
    for words in (
        ("init",),
        ("connect", "dynamics", "--from-env"),
        ("connect", "hubspot", "--from-env"),
        ("hubspot", "properties", "--create"),
        ("flows", "enable", "customers"),
    ):
        subprocess.run([*COMMAND, *words], env=environment, check=True, capture_output=True)
    return environment


def one_sync(environment: dict[str, str]) -> dict[str, Any]:
    """One ``sync customers``: its own figures, and what the process cost."""
    began = time.perf_counter()
    process = subprocess.Popen(
        [*COMMAND, "sync", "customers", "--json"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    answer = process.stdout.read()
    _, status, used = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"sync ended with status {status}: {answer}")
    figures: dict[str, Any] = json.loads(answer)["flows"]["customers"]
    figures["wall_s"] = time.perf_counter() - began
    figures["cpu_s"] = used.ru_utime + used.ru_stime
    figures["peak_mib"] = used.ru_maxrss / 1024
    return figures


def floor_s(setting: Setting, figures: dict[str, Any]) -> float:
    """The least time the limits and latencies allow."""
    limit, window_s = setting.allowance
    waiting = max(0.0, (figures["requests"]["hubspot"] - limit) / (limit / window_s)) if limit else 0.0
    pages: float = figures["requests"]["dynamics"] * setting.dynamics_ms / 1000
    return float(waiting + pages + setting.hubspot_ms / 1000)


def show(setting: Setting, size: int, run: str, figures: dict[str, Any]) -> bool:
    """One line; whether the aim was met."""
    records, seconds, floor = figures["read"], figures["seconds"], floor_s(setting, figures)
    per_s = records / seconds
    written = figures["created"] + figures["updated"]
    if setting.hubspot_ms:
        aim, met = f"<= {1.15 * floor + 2:5.2f} s", seconds <= 1.15 * floor + 2
    else:
        aim, met = ">= 3000/s", per_s >= 3000
    met = met and figures["throttled"] == 0 and (run == "first" or written == 0)
    print(
        f"{setting.name:20} {size:>7} {run:7} {seconds:7.2f} s  floor {floor:6.2f} s  aim {aim:11}"
        f" {'met ' if met else 'MISS'} {per_s:8.0f}/s  calls {figures['requests']['dynamics']}"
        f"+{figures['requests']['hubspot']}  writes {written}  429s {figures['throttled']}"
        f"  CPU {1000 * figures['cpu_s'] / max(records, 1):6.3f} ms/record"
        f"  peak {figures['peak_mib']:5.0f} MiB  whole command {figures['wall_s']:6.2f} s",
        flush=True,
    )
    return met


def main() -> int:
    """Measure every setting and size; exit 1 when an aim was missed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--sizes", default="1000,10000")
    parser.add_argument(
        "--page-size", type=int, default=10_000, help="rows of an F&O page; its own maximum by default"
    )
    parser.add_argument("--quick", action="store_true", help="1,000 customers, unlimited only")
    options = parser.parse_args()
    sizes = [1000] if options.quick else [int(size) for size in options.sizes.split(",")]
    settings = SETTINGS[2:] if options.quick else SETTINGS
    met = True
    for setting in settings:
        for size in sizes:
            with tempfile.TemporaryDirectory() as folder, twins(setting, size, options.page_size) as twin:
                environment = connected(Path(folder) / "home", twin)
                for run in ("first", "second"):
                    met = show(setting, size, run, one_sync(environment)) and met
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
