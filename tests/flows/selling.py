"""What it takes to sell: a customer and products in HubSpot, a deal with its lines, a person who approves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ml_connector.app.deals import approve_deal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.flows.office import Office

ITEM, OTHER_ITEM = (
    "CP-A15-CI",
    "MS-M50-PT",
)  # sold by all legal entities of the small world, under these numbers


async def sellable(office: Office) -> Office:
    """Bring one customer and the products to HubSpot."""
    await office.customer("usmf:US-001")
    await office.sync("customers", "products")
    office.sent.clear()
    return office


async def sold(
    office: Office,
    *lines: tuple[str, dict[str, Any]],
    companies: Sequence[str] | None = None,
    win: bool = True,
    **properties: str,
) -> str:
    """A won deal; each line is a SKU with the line's other properties."""
    if companies is None:
        companies = [office.company_id("usmf:US-001")]
    deal = await office.new_deal(*companies, **properties)
    for position, (sku, values) in enumerate(lines, start=1):
        await office.new_line(deal, sku, **{"hs_position_on_quote": str(position), **values})
    if win:
        office.win(deal)
    return deal


async def approved(office: Office, deal: str) -> None:
    """Draft, approve, place."""
    await office.figures("orders")
    assert (await approve_deal(office.at, deal, by="Kim"))["state"] == "done"
