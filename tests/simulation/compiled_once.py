"""SQL compiled once for all processes of a simulation.

Each process opens an engine of its own, as it must, and an engine compiles every statement anew: that was a third of
the time of a run. Here they share the first one's dialect and compiled statements, which say nothing about any data.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ml_connector.store import database, engines

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.ext.asyncio import AsyncEngine


def compile_once() -> None:
    """From here on every engine of this program shares what the first one has compiled."""
    database.create_engine = shared_engines()  # type: ignore[attr-defined]  # what the store imports it as


def shared_engines() -> Callable[..., AsyncEngine]:
    """A ``create_engine`` whose engines share the first one's dialect and compiled statements."""
    first: list[AsyncEngine] = []

    def create_engine(*where: Any, **options: Any) -> AsyncEngine:
        engine = engines.create_engine(*where, **options)
        first.append(engine)
        engine.sync_engine.dialect = first[0].sync_engine.dialect
        engine.sync_engine._compiled_cache = first[0].sync_engine._compiled_cache
        del first[1:]
        return engine

    return create_engine
