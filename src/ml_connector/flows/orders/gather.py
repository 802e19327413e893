"""Step gather: the deal, its companies, lines and their products, read fresh."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ml_connector.errors import RecordError
from ml_connector.flows.orders.snapshot import DealCompany, DealLine, DealSnapshot, read_time, value
from ml_connector.systems.hubspot.associations import PRIMARY_DEAL_TO_COMPANY

if TYPE_CHECKING:
    from datetime import datetime

    from ml_connector.systems.hubspot.client import HubSpotClient

DEAL_PROPERTIES = (
    "dealname",
    "pipeline",
    "dealstage",
    "amount",
    "deal_currency_code",
    "hubspot_owner_id",
    "hs_is_closed_won",
    "hs_lastmodifieddate",
    "d365_legal_entity",
    "d365_customer_account",
    "d365_customer_po",
    "d365_requested_date",
)
COMPANY_PROPERTIES = ("name", "d365_customer_key", "d365_customer_accounts")
LINE_PROPERTIES = (
    "name",
    "hs_sku",
    "hs_product_id",
    "quantity",
    "price",
    "discount",
    "hs_discount_percentage",
    "amount",
    "recurringbillingfrequency",
    "hs_position_on_quote",
    "hs_lastmodifieddate",
)


async def gather(
    hubspot: HubSpotClient, deal_id: str, *, company_currency: str
) -> tuple[DealSnapshot, datetime | None]:
    """Read one deal whole.

    Returns:
        The snapshot, and when a line of it last changed.

    Raises:
        RecordError: the deal is gone, or no longer won.
    """
    deal = await hubspot.get("deals", deal_id, properties=DEAL_PROPERTIES)
    if deal is None:
        raise RecordError(
            f"deals/{deal_id} is no longer in HubSpot; it was deleted or merged.", code="order.deal_gone"
        )
    properties = deal["properties"]
    if value(properties, "hs_is_closed_won") != "true":
        raise RecordError(
            f"deals/{deal_id} ({value(properties, 'dealname')}) is no longer won.", code="order.not_won"
        )
    lines, changed_at = await _lines(hubspot, deal_id)
    snapshot = DealSnapshot(
        deal_id=deal_id,
        name=value(properties, "dealname"),
        pipeline=value(properties, "pipeline"),
        stage=value(properties, "dealstage"),
        amount=value(properties, "amount"),
        currency=value(properties, "deal_currency_code") or company_currency,
        owner_id=value(properties, "hubspot_owner_id"),
        legal_entity=value(properties, "d365_legal_entity").lower(),
        customer_account=value(properties, "d365_customer_account"),
        customer_po=value(properties, "d365_customer_po"),
        requested_date=value(properties, "d365_requested_date"),
        companies=await _companies(hubspot, deal_id),
        lines=lines,
    )
    return snapshot, changed_at


async def _companies(hubspot: HubSpotClient, deal_id: str) -> tuple[DealCompany, ...]:
    """The deal's companies, the primary one first."""
    linked = (await hubspot.associations("deals", "companies", [deal_id])).get(deal_id, [])
    if not linked:
        return ()
    records = await hubspot.read("companies", [item.id for item in linked], properties=COMPANY_PROPERTIES)
    companies = [
        DealCompany(
            id=item.id,
            name=value(records[item.id]["properties"], "name"),
            primary=PRIMARY_DEAL_TO_COMPANY in item.type_ids,
            customer_keys=_customer_keys(records[item.id]["properties"]),
        )
        for item in linked
        if item.id in records
    ]
    return tuple(sorted(companies, key=lambda company: (not company.primary, company.id)))


def _customer_keys(properties: dict[str, Any]) -> tuple[str, ...]:
    """The company's own key first, then further accounts of the same company."""
    keys = [value(properties, "d365_customer_key"), *value(properties, "d365_customer_accounts").split(";")]
    return tuple(dict.fromkeys(key for key in keys if key.strip()))


async def _lines(hubspot: HubSpotClient, deal_id: str) -> tuple[tuple[DealLine, ...], datetime | None]:
    """The deal's lines in the order people see them, with the product behind each."""
    linked = (await hubspot.associations("deals", "line_items", [deal_id])).get(deal_id, [])
    if not linked:
        return (), None
    records = await hubspot.read("line_items", [item.id for item in linked], properties=LINE_PROPERTIES)
    product_ids = {value(record["properties"], "hs_product_id") for record in records.values()} - {""}
    products = (
        await hubspot.read("products", sorted(product_ids), properties=("hs_sku", "d365_product_key"))
        if product_ids
        else {}
    )
    keys = {product_id: record["properties"] for product_id, record in products.items()}
    ordered = sorted(records.items(), key=lambda pair: _position(pair[0], pair[1]["properties"]))
    lines = tuple(_line(line_id, record["properties"], keys) for line_id, record in ordered)
    times = [read_time(record["properties"].get("hs_lastmodifieddate")) for record in records.values()]
    return lines, max((time for time in times if time is not None), default=None)


def _line(line_id: str, properties: dict[str, Any], products: dict[str, dict[str, Any]]) -> DealLine:
    product_id = value(properties, "hs_product_id")
    return DealLine(
        id=line_id,
        name=value(properties, "name"),
        sku=value(properties, "hs_sku"),
        product_id=product_id,
        product_key=value(products.get(product_id, {}), "d365_product_key"),
        quantity=value(properties, "quantity"),
        price=value(properties, "price"),
        discount=value(properties, "discount"),
        discount_percent=value(properties, "hs_discount_percentage"),
        amount=value(properties, "amount"),
        recurring=value(properties, "recurringbillingfrequency"),
    )


def _position(line_id: str, properties: dict[str, Any]) -> tuple[int, int, str]:
    """Position on the quote where there is one, else the order of creation."""
    position = value(properties, "hs_position_on_quote")
    return (
        int(position) if position.isdigit() else 1_000_000,
        int(line_id) if line_id.isdigit() else 0,
        line_id,
    )
