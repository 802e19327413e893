"""What can be chosen when twins are started, and how it is read from the command line's text."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ml_connector.twin import dynamics, entra, hubspot
from ml_connector.twin.switches import did_you_mean, resolve
from ml_connector.twin.world.build import DEFAULT_ENTITIES
from ml_connector.twin.world.entities import make_entities

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ml_connector.twin.switches import Switch

SERVICES: dict[str, dict[str, Switch]] = {
    "entra": entra.SWITCHES,
    "dynamics": dynamics.SWITCHES,
    "hubspot": hubspot.SWITCHES,
}
SWITCHES: dict[str, Switch] = {name: switch for found in SERVICES.values() for name, switch in found.items()}
SIDES = ("dynamics", "hubspot")
HIGHEST_PORT = 65_535
_LIMIT = re.compile(r"(?P<calls>\d+)/(?P<seconds>\d+(?:\.\d+)?)s")


@dataclass(frozen=True, slots=True)
class TwinOptions:
    """One pair of twins; ValueError with a sentence where a value cannot be.

    ``latency_ms`` is the mean by side, ``hubspot_limit`` (calls, seconds) of the sliding window with (0, 0) for
    none, ``switches`` the chosen behaviours by name, see SWITCHES, ``tls`` whether both speak https,
    ``certificate_file`` where the application's certificate and key are written; empty makes none.
    """

    dynamics_port: int = 0
    hubspot_port: int = 0
    seed: int = 1
    customers: int = 240
    contacts_per_customer: int = 1
    products: int = 600
    deals: int = 40
    rep: bool = True
    legal_entities: tuple[str, ...] = DEFAULT_ENTITIES
    latency_ms: Mapping[str, float] = field(default_factory=dict)
    hubspot_limit: tuple[int, float] = (190, 10.0)
    page_size: int = 10_000
    switches: Mapping[str, str] = field(default_factory=dict)
    tls: bool = False
    certificate_file: str = ""

    def __post_init__(self) -> None:
        for name in ("dynamics_port", "hubspot_port"):
            if not 0 <= getattr(self, name) <= HIGHEST_PORT:
                raise ValueError(f"{name} is a number from 0 (any free one) to {HIGHEST_PORT}")
        if self.dynamics_port == self.hubspot_port != 0:
            raise ValueError(f"both twins cannot listen on port {self.dynamics_port}")
        for name in ("customers", "contacts_per_customer", "products", "deals"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} cannot be negative")
        if self.page_size < 1:
            raise ValueError("page_size is the number of rows of a page: at least 1")
        make_entities(self.legal_entities)
        resolve(SWITCHES, self.switches)

    def behaviour(self, switches: Mapping[str, Switch]) -> dict[str, str]:
        """The values of one machine's switches."""
        return {name: value for name, value in resolve(SWITCHES, self.switches).items() if name in switches}


def parse_entities(text: str) -> tuple[str, ...]:
    """Read ``usmf,ussi,demf``; blanks and capitals do not matter."""
    return tuple(part.strip().lower() for part in text.split(",") if part.strip())


def parse_rep(text: str) -> bool:
    """Read ``on`` or ``off``."""
    if text not in {"on", "off"}:
        raise ValueError(f"the rep is on or off, not {text!r}")
    return text == "on"


def parse_latency(text: str) -> dict[str, float]:
    """Read ``dynamics=150,hubspot=80`` (milliseconds); a side left out does not wait."""
    found: dict[str, float] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        side, _, number = part.partition("=")
        if side not in SIDES:
            raise ValueError(f"latency is for dynamics or hubspot, not {side!r}{did_you_mean(side, SIDES)}")
        try:
            found[side] = float(number)
        except ValueError:
            raise ValueError(f"latency is in milliseconds, as in {side}=150, not {part!r}") from None
        if not 0 <= found[side] < float("inf"):
            raise ValueError(f"latency cannot be {number}")
    return found


def parse_limit(text: str) -> tuple[int, float]:
    """Read ``190/10s``; ``off`` is no limit."""
    if text == "off":
        return (0, 0.0)
    limit = _LIMIT.fullmatch(text)
    if limit is None or not int(limit["calls"]) or not float(limit["seconds"]):
        raise ValueError(f"a limit is calls per seconds, as in 190/10s, or off, not {text!r}")
    return int(limit["calls"]), float(limit["seconds"])


def parse_switches(assignments: Iterable[str]) -> dict[str, str]:
    """Read ``SWITCH=VALUE``, each one a switch."""
    found: dict[str, str] = {}
    for assignment in assignments:
        name, equals, value = assignment.partition("=")
        if not equals:
            raise ValueError(f"a switch is set as SWITCH=VALUE, not {assignment!r}")
        found[name.strip()] = value.strip()
    resolve(SWITCHES, found)
    return found
