"""The command as a process of its own beside twins in another: what the benchmarks of whole flows share."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

COMMAND = [sys.executable, "-c", "from ml_connector.cli.main import run; run()"]
PARKED = 3  # the exit code when records wait for a person


@dataclass(frozen=True)
class Setting:
    """How the twins behave in one measurement."""

    name: str
    dynamics_ms: int
    hubspot_ms: int
    limit: str  # calls/seconds, or off

    @property
    def allowance(self) -> tuple[int, float]:
        """Calls and the seconds they are for; (0, 0) without a limit."""
        calls, _, window = self.limit.partition("/") if self.limit != "off" else ("0", "", "0s")
        return int(calls), float(window.removesuffix("s"))


SETTINGS = (
    Setting("190/10s, 150/80 ms", 150, 80, "190/10s"),
    Setting("19/1s, 150/80 ms", 150, 80, "19/1s"),
    Setting("unlimited, 0 ms", 0, 0, "off"),
)


@contextmanager
def twins(setting: Setting, **world: int) -> Iterator[dict[str, Any]]:
    """A twin process with a world of these numbers; yields its announcement."""
    arguments = [
        *("twin", "serve", "--dynamics-port", "0", "--hubspot-port", "0", "--rep", "off"),
        *("--latency-ms", f"dynamics={setting.dynamics_ms},hubspot={setting.hubspot_ms}"),
        *("--hubspot-limit", setting.limit),
    ]
    for name, number in world.items():
        arguments += [f"--{name.replace('_', '-')}", str(number)]
    process = subprocess.Popen([*COMMAND, *arguments], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield json.loads(process.stdout.readline())
    finally:
        process.terminate()
        process.wait(30)


def environment_of(home: Path, twin: Mapping[str, Any], **further: str) -> dict[str, str]:
    """The environment in which the command works at this home, with these twins."""
    return os.environ | {
        "MLC_HOME": str(home),
        "MLC_ALLOW_LOCAL": "1",
        "MLC_DYNAMICS_URL": twin["dynamics_url"],
        "MLC_DYNAMICS_AUTHORITY": twin["authority"],
        "MLC_DYNAMICS_TENANT": twin["tenant"],
        "MLC_DYNAMICS_CLIENT_ID": twin["client_id"],
        "MLC_DYNAMICS_CLIENT_SECRET": twin["client_secret"],
        "MLC_HUBSPOT_URL": twin["hubspot_url"],
        "MLC_HUBSPOT_TOKEN": twin["hubspot_token"],
        **further,
    }


def first_words(flows: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """What is said to a new home before its first sync."""
    return (
        ("init",),
        ("connect", "dynamics", "--from-env"),
        ("connect", "hubspot", "--from-env"),
        ("hubspot", "properties", "--create"),
        ("flows", "enable", *flows, "--yes"),
    )


def connected(home: Path, twin: Mapping[str, Any], flows: Sequence[str], **further: str) -> dict[str, str]:
    """The environment of a home that is connected to the twins, properties made, these flows on."""
    environment = environment_of(home, twin, **further)
    for words in first_words(flows):
        subprocess.run([*COMMAND, *words], env=environment, check=True, capture_output=True)
    return environment


def one_sync(
    environment: Mapping[str, str], flows: Sequence[str], command: Sequence[str] = COMMAND
) -> dict[str, Any]:
    """One ``sync`` of these flows: their figures together, and what the process cost.

    Returns:
        Counts by result, ``requests`` by side, ``seconds`` of the flows, ``wall_s`` and ``cpu_s`` of the whole command
        and its ``peak_mib``.
    """
    began = time.perf_counter()
    process = subprocess.Popen(
        [*command, "sync", *flows, "--json"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    answer = process.stdout.read()
    _, status, used = os.wait4(process.pid, 0)
    if os.waitstatus_to_exitcode(status) not in (0, PARKED):
        raise SystemExit(f"sync ended with status {status}: {answer}")
    told: dict[str, dict[str, Any]] = json.loads(answer)["flows"]
    summed = ("read", "created", "updated", "unchanged", "parked", "waiting", "throttled", "seconds")
    figures: dict[str, Any] = {name: sum(flow.get(name, 0) for flow in told.values()) for name in summed}
    figures["requests"] = {
        side: sum(flow["requests"][side] for flow in told.values()) for side in ("dynamics", "hubspot")
    }
    figures["wall_s"] = time.perf_counter() - began
    figures["cpu_s"] = used.ru_utime + used.ru_stime
    figures["peak_mib"] = used.ru_maxrss / 1024
    return figures
