"""Topic portal: what HubSpot holds before anything is loaded, and companies that stand there several times."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_connector.domain.fit import Currencies, Portal, Repeats
from ml_connector.domain.text import fold
from ml_connector.errors import ConnectorError
from ml_connector.flows.products.currency import price_property

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from ml_connector.systems.hubspot.client import HubSpotClient


async def portal(client: HubSpotClient) -> Portal:
    """Totals of each type, and every company read once by name and domain."""
    same_domain, same_name, companies = Repeats(), Repeats(), 0
    after: str | None = None
    while True:
        page = await client.list("companies", properties=("name", "domain"), after=after)
        companies += len(page.records)
        for record in page.records:
            name, domain = (str(record["properties"].get(each) or "") for each in ("name", "domain"))
            named = f"{name or domain or 'no name'} ({record['id']})"
            if domain:
                same_domain.add(domain.lower(), named)
            if folded := fold(name):
                same_name.add(folded, named)
        after = page.after
        if after is None:
            break
    return Portal(
        companies=companies,
        contacts=await _total(client, "contacts"),
        products=await _total(client, "products"),
        deals=await _total(client, "deals"),
        same_domain=same_domain.found(),
        same_name=same_name.found(),
    )


async def _total(client: HubSpotClient, object_type: str) -> int | None:
    try:
        found = await client.search(object_type, filters=[], sorts=[], properties=[], limit=1)
    except ConnectorError:
        return None
    return found.total


def currencies(
    dynamics: Mapping[str, Any], hubspot: Mapping[str, Any], of_customers: Mapping[str, int], priced: str
) -> Currencies:
    """Compare the money of both sides.

    Args:
        dynamics: The facts of its ping.
        hubspot: The facts of its ping.
        of_customers: How many customers trade in which currency.
        priced: The legal entity whose list prices are shown; empty: the first chosen one.
    """
    accounting = {entity: facts["currency"] for entity, facts in dynamics["legal_entities"].items()}
    company, additional = hubspot["company_currency"], tuple(hubspot["additional_currencies"])
    known = {company, *additional}
    entity = priced or next(iter(accounting), "")
    return Currencies(
        accounting=accounting,
        company=company,
        additional=additional,
        of_customers=of_customers,
        not_in_portal={code: count for code, count in of_customers.items() if code not in known},
        price_legal_entity=entity,
        price_property=price_property(accounting.get(entity, ""), company, additional),
    )
