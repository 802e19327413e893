"""An asyncio loop whose clock jumps to the next timer: hours pass in milliseconds, nothing runs in parallel."""

from __future__ import annotations

import asyncio
from typing import Any, NoReturn


class VirtualLoop(asyncio.BaseEventLoop):
    """Single-threaded, without sockets. ``time()`` is virtual seconds since the loop was made."""

    def __init__(self) -> None:
        super().__init__()
        self._virtual_s = 0.0
        self._selector = self

    def time(self) -> float:
        return self._virtual_s

    def select(self, timeout: float | None) -> list[Any]:
        """The selector's part: no events ever come, but time moves to the next timer."""
        if timeout is None:
            raise RuntimeError("deadlock: nothing is ready and nothing is scheduled")
        if timeout > 0:
            timers: list[asyncio.TimerHandle] = self._scheduled  # type: ignore[attr-defined]  # BaseEventLoop's heap
            self._virtual_s = timers[0].when() if timers else self._virtual_s + timeout
        return []

    def _process_events(self, event_list: list[Any]) -> None:
        """There are none."""

    def _write_to_self(self) -> NoReturn:
        raise RuntimeError("a thread tried to wake the simulation")

    def run_in_executor(self, *_args: Any) -> NoReturn:  # type: ignore[override]  # never returns
        raise RuntimeError("no threads in the simulation")

    def call_soon_threadsafe(self, *_args: Any, **_kwargs: Any) -> NoReturn:  # type: ignore[override]  # never returns
        raise RuntimeError("no threads in the simulation")
