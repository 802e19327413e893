"""Who goes first when calls are scarce. Whoever starts a run says so; every call made in it carries it along."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class Priority(IntEnum):
    """What a call is made for; the lowest number goes first."""

    ORDERS = 0
    EVENTS = 1
    POLLS = 2
    BACKFILLS = 3

    @property
    def may_use_reserve(self) -> bool:
        """Whether it goes on when only the day's reserve is left."""
        return self <= Priority.EVENTS


_CURRENT: ContextVar[Priority] = ContextVar("priority", default=Priority.POLLS)


@contextmanager
def priority(of: Priority) -> Iterator[None]:
    """Everything called within, and every task begun within, calls with this priority."""
    before = _CURRENT.set(of)
    try:
        yield
    finally:
        _CURRENT.reset(before)


def current_priority() -> Priority:
    """The priority of whoever runs now."""
    return _CURRENT.get()
