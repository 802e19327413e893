"""Which flows are on. Nothing is on by default; switching a flow on sets its go-live moment."""

from __future__ import annotations

import difflib
from dataclasses import replace
from typing import TYPE_CHECKING

from ml_connector.errors import ConfigurationError
from ml_connector.store import flows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ml_connector.app.workplace import Workplace
    from ml_connector.store.flows import FlowRow

FLOW_NAMES = ("customers", "products", "orders", "order_status")  # in the order a pass runs them


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
    """The flows that are on, in the order a pass runs them."""
    return [row.flow for row in await list_flows(place) if row.state == "on"]


async def enable(place: Workplace, names: Sequence[str]) -> list[FlowRow]:
    """Switch flows on; a flow that was off goes live now, one that is on stays as it is."""
    await place.side("dynamics")
    await place.side("hubspot")
    cid = place.connection.connection_id
    rows = []
    async with place.store.write() as tx:
        for name in names or FLOW_NAMES:
            row = await flows.get(tx, cid, known_flow(name))
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
            row = replace(await flows.get(tx, cid, known_flow(name)), state="off", go_live_at=None)
            await flows.put(tx, cid, row)
            rows.append(row)
    return rows
