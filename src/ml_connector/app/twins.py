"""The offline twins as a person starts them: options from words, one announcement, served until stopped."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from ml_connector.app.system import surroundings
from ml_connector.errors import ConfigurationError
from ml_connector.twin.evidence import MEANING
from ml_connector.twin.launch import TwinOptions, running_twins
from ml_connector.twin.options import (
    SERVICES,
    parse_entities,
    parse_latency,
    parse_limit,
    parse_rep,
    parse_switches,
)

if TYPE_CHECKING:
    from collections.abc import Callable

_READ: dict[str, Callable[[Any], Any]] = {
    "rep": parse_rep,
    "legal_entities": parse_entities,
    "latency_ms": parse_latency,
    "hubspot_limit": parse_limit,
    "switches": parse_switches,
}


def twin_options(**given: Any) -> TwinOptions:
    """Options of ``twin serve``, as typed.

    Raises:
        ConfigurationError: a value cannot be; the sentence names it.
    """
    try:
        return TwinOptions(
            **{name: _READ[name](value) if name in _READ else value for name, value in given.items()}
        )
    except ValueError as exc:
        raise ConfigurationError(f"The twins cannot start: {exc}.", code="usage.twin") from exc


def switches() -> list[dict[str, str]]:
    """Every behaviour of the twins that can be chosen: its values, the default, and what that rests on."""
    return [
        {
            "service": service,
            "switch": switch.name,
            "values": switch.takes,
            "default": switch.default,
            "reason": switch.reason,
            "evidence": MEANING[switch.evidence],
        }
        for service, found in SERVICES.items()
        for switch in found.values()
    ]


async def serve_twins(options: TwinOptions, announce: Callable[[dict[str, Any]], None]) -> None:
    """Serve both twins until cancelled; ``announce`` is told where they are and how to sign in."""
    around = surroundings()
    try:
        async with running_twins(
            options, clock=around.clock.now, rng=around.rng, new_id=around.new_id
        ) as twins:
            announce(twins.announcement())
            await asyncio.get_running_loop().create_future()
    except ValueError as exc:
        raise ConfigurationError(f"The twins cannot start: {exc}.", code="usage.twin") from exc
