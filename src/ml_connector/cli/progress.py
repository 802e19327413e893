"""How a long command shows that it moves: bars on a terminal, a line per milestone elsewhere."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from ml_connector.cli.terminal import Terminal
    from ml_connector.domain.records import Counters

    Watch = Callable[[str, Counters], None]

MILESTONE = 5_000  # records between two lines where nobody watches a bar


@contextmanager
def progress(
    terminal: Terminal, expected: Mapping[str, int], elapsed_s: Callable[[], float]
) -> Iterator[Watch]:
    """Something to call with a flow and its figures as they grow.

    Args:
        terminal: decides how it looks.
        expected: records each flow has linked so far; what remains is reckoned from it.
        elapsed_s: a clock that only grows.
    """
    if not terminal.is_live:
        yield _milestones(terminal)
        return
    from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeRemainingColumn

    bars = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=20),
        TextColumn("{task.fields[figures]}", markup=False),
        TimeRemainingColumn(compact=True),
        console=terminal.console(sys.stderr),
    )
    tasks: dict[str, tuple[TaskID, float]] = {}

    def show(flow: str, counters: Counters) -> None:
        if flow not in tasks:
            tasks[flow] = (bars.add_task(flow, total=expected.get(flow) or None, figures=""), elapsed_s())
        number, began = tasks[flow]
        total = expected.get(flow, 0)
        bars.update(
            number,
            completed=counters.read,
            total=total if total >= counters.read > 0 else None,
            figures=figures(counters, elapsed_s() - began),
        )

    with bars:
        yield show


def _milestones(terminal: Terminal) -> Watch:
    passed: dict[str, int] = {}

    def say(flow: str, counters: Counters) -> None:
        mark = counters.read // MILESTONE
        if mark > passed.get(flow, -1):
            passed[flow] = mark
            terminal.say(f"{flow}: {counters.read:,} read" if mark else f"{flow}: reading")

    return say


def figures(counters: Counters, seconds: float) -> str:
    """Count, rate, calls."""
    rate = f" · {counters.read / seconds:,.0f}/s" if seconds > 0 and counters.read else ""
    calls = sum(counters.requests.values())
    return f"{counters.read:,} read{rate}" + (f" · {calls:,} calls" if calls else "")
