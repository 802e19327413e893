"""The page about the twins, written from the twins themselves.

``python -m ml_connector.twin.reference > docs/reference/twin.md``; a test compares the two.
"""

from __future__ import annotations

import itertools
import random
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ml_connector.twin import dynamics, entra
from ml_connector.twin.control import CONTROL_CALLS
from ml_connector.twin.evidence import MEANING
from ml_connector.twin.faults import MEANS
from ml_connector.twin.hubspot.webhook_routes import ENDPOINTS as WEBHOOK_ENDPOINTS
from ml_connector.twin.options import SERVICES, TwinOptions
from ml_connector.twin.pair import Pair

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ml_connector.twin.evidence import Endpoint

NAMES = {"entra": "Entra ID", "dynamics": "Dynamics 365 Finance & Operations", "hubspot": "HubSpot"}
_INTRODUCTION = """# The twins

Written from the program itself by `python -m ml_connector.twin.reference > docs/reference/twin.md`.

`ml-connector twin serve` simulates both systems on this machine: F&O with its Entra ID on one port, HubSpot on the
other. It prints one line of JSON with addresses and credentials, and serves until it is stopped. Clients written for
the real systems can be pointed at it: they see nothing there that the sources below do not say.

Where no source says how a system behaves, a switch lets the twin behave either way:
`ml-connector twin serve --set nextlink=skiptoken`. The same list is printed by `ml-connector twin switches`.
"""
_CONTROL = """## Control

Under `/__twin__/` on either port, without a token; no latency, fault or limit touches it. These calls are the twins'
own.
"""
_FAULTS = """## Faults

Ordered one by one with `POST /__twin__/faults` on the port of the side that shall fail: `{"match": {"method": "POST",
"path": "companies/batch"}, "fault": "status", "status": 503, "times": 2, "skip": 0}`. `match.path` is a regular
expression, `times: 0` is for ever, `seconds` goes with `late-commit`, `slow` and `delay`. The first fault that
matches takes the request; the same requests meet the same faults.
"""


def page() -> Iterator[str]:
    """The page, piece by piece."""
    yield _INTRODUCTION
    yield "## Evidence\n"
    yield _table(("tag", "what the fact rests on"), MEANING.items())
    for service, title in NAMES.items():
        yield f"## {title}\n"
        yield _table(
            ("method", "path", "what it does", "evidence"),
            ((one.method, f"`{one.path}`", one.does, one.evidence) for one in _endpoints(service)),
        )
        yield f"### Switches of {title}\n"
        yield _table(
            ("switch", "takes", "default", "why it is there", "evidence"),
            (
                (
                    f"`{one.name}`",
                    one.takes,
                    f"`{one.default}`" if one.default else "",
                    one.reason,
                    one.evidence,
                )
                for one in SERVICES[service].values()
            ),
        )
    yield _FAULTS
    yield _table(
        ("fault", "what happens to the request", "evidence"),
        ((f"`{kind.value}`", *means) for kind, means in MEANS.items()),
    )
    yield _CONTROL
    yield _table(
        ("method", "path", "what it does"),
        ((method, f"`{path}`", does) for method, path, does in CONTROL_CALLS),
    )


def _endpoints(service: str) -> Sequence[Endpoint]:
    if service == "entra":
        return entra.ENDPOINTS
    return dynamics.ENDPOINTS if service == "dynamics" else (*_of_portal(), *WEBHOOK_ENDPOINTS)


def _of_portal() -> Sequence[Endpoint]:
    """The endpoints of a portal, which only a portal knows: an empty one is asked."""
    ids = itertools.count()
    pair = Pair(
        TwinOptions(customers=0, products=0, deals=0),
        clock=lambda: datetime(2026, 1, 1, tzinfo=UTC),
        rng=random.Random(0),  # noqa: S311  draws nothing that anybody sees
        new_id=lambda: str(next(ids)),
        dynamics_url=lambda: "http://127.0.0.1",
    )
    return pair.hubspot.endpoints()


def _table(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [headers, ["---"] * len(headers), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |\n" for line in lines)


if __name__ == "__main__":
    sys.stdout.write("\n".join(page()))
