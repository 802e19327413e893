"""Which flows are on. Nothing is on by default; switching a flow on sets its go-live moment.

Contacts are switched on by name only, and only by somebody who has looked at what HubSpot's API does not show. What was
confirmed, and by whom, stands in the audit; a flow that is on does not ask again.
"""

from __future__ import annotations

import difflib
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

from ml_connector.errors import ConfigurationError
from ml_connector.store import audit, flows

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from ml_connector.app.workplace import Workplace
    from ml_connector.store.database import Tx
    from ml_connector.store.flows import FlowRow

FLOW_NAMES = (
    "customers",
    "contacts",
    "products",
    "orders",
    "order_status",
)  # in the order a pass runs them
BY_NAME_ONLY = frozenset({"contacts"})  # left out where flows are enabled without names
SWITCH = "switch"  # the name under which the audit keeps what was confirmed of a flow


@dataclass(frozen=True, slots=True)
class Statement:
    """What a person confirms to have looked at in HubSpot before a flow writes there."""

    flow: str
    name: str
    text: str


STATEMENTS = (
    Statement(
        "contacts",
        "company_creation",
        'The setting "Create and associate companies with contacts" is as we want it. While it is on, HubSpot makes '
        "companies of its own from the e-mail domains of new contacts.",
    ),
    Statement(
        "contacts",
        "marketing_contacts",
        "Whether HubSpot makes marketing contacts of the contacts this app creates is as we want it. Each of them "
        "may be billed.",
    ),
    Statement(
        "contacts",
        "workflows",
        "Workflows that start when a contact is created may start for every contact of the first load.",
    ),
)


def known_flow(name: str) -> str:
    """The flow's name.

    Raises:
        ConfigurationError: there is none; the nearest one is named.
    """
    if name in FLOW_NAMES:
        return name
    near = difflib.get_close_matches(name, FLOW_NAMES, n=1)
    hint = f" Did you mean '{near[0]}'?" if near else ""
    raise ConfigurationError(
        f"There is no flow '{name}'. Flows are: {', '.join(FLOW_NAMES)}.{hint}", code="usage.flow"
    )


async def list_flows(place: Workplace) -> list[FlowRow]:
    """Every flow and how it stands."""
    async with place.store.read() as tx:
        return [await flows.get(tx, place.connection.connection_id, name) for name in FLOW_NAMES]


async def flows_on(place: Workplace) -> list[str]:
    """The flows that are on, paused ones too, in the order a pass runs them."""
    return [row.flow for row in await list_flows(place) if row.is_on]


async def to_confirm(place: Workplace, names: Sequence[str]) -> tuple[Statement, ...]:
    """What a person must confirm before these flows run; of flows that have been switched on, nothing."""
    off = {row.flow for row in await list_flows(place) if row.state == "off"}
    return tuple(each for each in STATEMENTS if each.flow in off and each.flow in names)


async def confirm(place: Workplace, statements: Sequence[Statement]) -> None:
    """Keep in the audit what was confirmed for a pass of a flow that stays off."""
    async with place.store.write() as tx:
        await _remember(place, tx, statements)


async def enable(
    place: Workplace, names: Sequence[str], *, confirmed: Collection[Statement] = ()
) -> list[FlowRow]:
    """Switch flows on; a flow that was off goes live now, one that is on stays as it is.

    Args:
        place: Where.
        names: The flows; without any, all but those that are enabled by name only.
        confirmed: What a person has confirmed of ``to_confirm``.

    Raises:
        ConfigurationError: a side is not connected, or something was not confirmed; nothing was switched on.
    """
    await place.side("dynamics")
    await place.side("hubspot")
    chosen = [known_flow(name) for name in names] or [name for name in FLOW_NAMES if name not in BY_NAME_ONLY]
    wanted = await to_confirm(place, chosen)
    for statement in wanted:
        if statement not in confirmed:
            raise ConfigurationError(
                f"{statement.flow} needs somebody who confirms: {statement.text}", code="usage.confirm"
            )
    cid = place.connection.connection_id
    rows = []
    async with place.store.write() as tx:
        await _remember(place, tx, wanted)
        for name in chosen:
            row = await flows.get(tx, cid, name)
            if row.state != "on":
                row = replace(row, state="on", go_live_at=row.go_live_at or tx.now, paused_reason="")
                await flows.put(tx, cid, row)
            rows.append(row)
    return rows


async def disable(place: Workplace, names: Sequence[str]) -> list[FlowRow]:
    """Switch flows off; what is stored about them stays."""
    cid = place.connection.connection_id
    rows = []
    async with place.store.write() as tx:
        for name in names or FLOW_NAMES:
            row = replace(
                await flows.get(tx, cid, known_flow(name)), state="off", go_live_at=None, paused_reason=""
            )
            await flows.put(tx, cid, row)
            rows.append(row)
    return rows


async def _remember(place: Workplace, tx: Tx, statements: Sequence[Statement]) -> None:
    entries = [
        audit.Entry(
            kind="confirmed",
            flow=flow,
            key=SWITCH,
            payload={
                "statements": [asdict(each) for each in statements if each.flow == flow],
                "by": place.started_by,
            },
            run_id=None,
        )
        for flow in dict.fromkeys(each.flow for each in statements)
    ]
    await audit.append(tx, place.connection.connection_id, entries)
