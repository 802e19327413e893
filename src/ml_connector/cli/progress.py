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
    last_s = elapsed_s()

    def show(flow: str, counters: Counters) -> None:
        nonlocal last_s
        if flow not in tasks:  # it began when the flow before it was last heard of
            tasks[flow] = (bars.add_task(flow, total=None, figures=""), last_s)
        number, began_s = tasks[flow]
        last_s = elapsed_s()
        total = max(expected.get(flow, 0), counters.read)
        told = figures(handled(counters), total, last_s - began_s, sum(counters.requests.values()))
        bars.update(number, completed=handled(counters), total=total or None, figures=told)

    with bars:
        yield show


def _milestones(terminal: Terminal) -> Watch:
    passed: dict[str, int] = {}

    def say(flow: str, counters: Counters) -> None:
        mark = handled(counters) // MILESTONE
        if mark > passed.get(flow, -1):
            passed[flow] = mark
            terminal.say(
                f"{flow}: {handled(counters):,} of {counters.read:,} read" if mark else f"{flow}: reading"
            )

    return say


def handled(counters: Counters) -> int:
    """Records whose outcome is known."""
    return (
        counters.created
        + counters.updated
        + counters.unchanged
        + counters.held
        + counters.waiting
        + counters.parked
        + counters.skipped
    )


def figures(done: int, total: int, seconds: float, calls: int) -> str:
    """Count, rate, calls."""
    rate = f" · {done / seconds:,.0f}/s" if seconds > 0 and done else ""
    return f"{done:,} of {total:,}{rate}" + (f" · {calls:,} calls" if calls else "")
