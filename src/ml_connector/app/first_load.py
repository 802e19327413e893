"""A first load into a portal that already holds such records would make every one of them twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_connector.errors import ConfigurationError
from ml_connector.flows.customers import flow as customers
from ml_connector.flows.products import flow as products
from ml_connector.store import flows, matches
from ml_connector.systems.hubspot.search import unknown

if TYPE_CHECKING:
    from ml_connector.app.workplace import Workplace

KEY_OF_FLOW = {flow.NAME: (flow.OBJECT_TYPE, flow.KEY_PROPERTY) for flow in (customers, products)}


async def refuse_unmatched_portal(place: Workplace, flow: str) -> None:
    """Refuse the first load of a flow while the portal holds records that carry no key, and were not matched.

    Raises:
        ConfigurationError: how many there are, and how to go on.
    """
    async with place.store.read() as tx:
        row = await flows.get(tx, place.connection.connection_id, flow)
        matched = await matches.has_run(tx, place.connection.connection_id, flow)
    if row.loaded or matched or flow not in KEY_OF_FLOW:
        return
    object_type, key = KEY_OF_FLOW[flow]
    hubspot = await place.hubspot()
    found = await hubspot.search(object_type, filters=[unknown(key)], sorts=[], properties=[], limit=1)
    if found.total:
        raise ConfigurationError(
            f"HubSpot already holds {found.total} {object_type} that are not linked to Dynamics. A first load of "
            f"{flow} would create every one of them a second time where it is the same.",
            code="flow.portal_not_matched",
            hint=f"Run: ml-connector match {flow} (or, if all are different: ml-connector sync {flow} --accept-new)",
        )
