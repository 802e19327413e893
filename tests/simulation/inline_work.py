"""The product's own SQLite connection without its thread: work is done on the spot, every piece between two seams."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from ml_connector.store import sqlite

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

PRAGMAS = (
    "PRAGMA foreign_keys = ON",
    "PRAGMA synchronous = OFF",
)  # a crash here is a copy of the files, not a power cut


class InlineWork:
    """What carries out the statements of one connection."""

    def __init__(self, seam: Callable[[str], Awaitable[None]]) -> None:
        self._seam = seam

    async def __call__(self, work: Callable[[], Any]) -> Any:
        name = _name(work)
        await self._seam(f"before {name}")
        result = work()
        if name == "commit":
            await self._seam("after commit")
        return result

    def stop(self) -> None:
        """There is nothing to stop."""


def _name(work: Callable[[], Any]) -> str:
    """``commit``, ``rollback``, or the first words of a statement."""
    if isinstance(work, partial):
        return " ".join(str(work.args[0]).split()[:3]) if work.args else "statement"
    for cell in getattr(work, "__closure__", None) or ():
        if isinstance(cell.cell_contents, str):
            return " ".join(cell.cell_contents.split()[:3])
    return getattr(work, "__name__", "statement")


def creator(path: Path, seam: Callable[[str], Awaitable[None]]) -> Callable[..., Awaitable[Any]]:
    """What ``Store.open`` takes as ``async_creator``."""

    async def connect(*_args: Any, **_kwargs: Any) -> sqlite.Connection:
        return await sqlite.connect(path, wait_s=0, pragmas=PRAGMAS, carry_out=InlineWork(seam))

    return connect
