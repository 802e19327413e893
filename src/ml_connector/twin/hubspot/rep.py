"""The scripted rep: links open deals to companies, quotes products, moves deals on and wins some.

A person, not an integration: what the rep makes has the source CRM_UI. All is decided by the portal's
state and the random source given, so that the same seed tells the same story.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ml_connector.twin.hubspot.calculated import PERSON
from ml_connector.twin.hubspot.versions import VERSIONS

if TYPE_CHECKING:
    import random
    from collections.abc import Iterable
    from datetime import datetime

    from ml_connector.twin.hubspot.machine import HubSpotMachine
    from ml_connector.twin.hubspot.portal import Portal
    from ml_connector.twin.hubspot.store import Record, Table
    from ml_connector.twin.world.model import Deal, DealLine

_PRIMARY_COMPANY = frozenset({5})
_DEAL_LINE = frozenset({19})
_LEFT_OPEN = 3  # one deal in so many stays undecided for good
_RESTLESS = 0.25  # share of steps in which a deal is moved while others wait for their quote
_WINS = 0.7  # of the decided ones
_CUSTOMER_ORDER = "d365_customer_po"  # filled when the portal has that property


def act(machine: HubSpotMachine, now: datetime, rng: random.Random, steps: int) -> list[str]:
    """Do up to ``steps`` visible things, each told in one sentence; fewer when there is nothing to do."""
    machine.portal.arrive(now, PERSON)
    said: list[str] = []
    while len(said) < steps:
        restless = rng.random() < _RESTLESS
        sentence = (
            (_move_next(machine, now, rng) if restless else None)
            or _prepare_next(machine, now)
            or _move_next(machine, now, rng)
        )
        if not sentence:
            break
        said.append(sentence)
    return said


def link_and_quote(machine: HubSpotMachine, deal_id: str, now: datetime) -> list[str]:
    """Link one deal to its company and put its lines on it, as far as not done yet.

    Raises:
        LookupError: No such deal of the demo world, or its company or none of its products are in the portal.
    """
    portal = machine.portal
    portal.arrive(now, PERSON)
    record = portal.tables["deals"].get(int(deal_id)) if deal_id.isdigit() else None
    planned = machine.world_deals.get(record.id) if record is not None else None
    if record is None or planned is None:
        raise LookupError(f"There is no deal {deal_id} that the rep works on.")
    said = []
    if not portal.links.of("deals", record.id, "companies"):
        company = _companies(portal, [planned]).get(planned.customer_name)
        if company is None:
            raise LookupError(f"There is no company {planned.customer_name} in the portal yet.")
        said.append(_link(portal, record, company))
    if not portal.links.of("deals", record.id, "line_items"):
        products = _products(portal, [planned])
        if not any(line.sku in products for line in planned.lines):
            raise LookupError(
                f"None of the products of deal {record.properties['dealname']} is in the portal yet."
            )
        said.append(_quote(machine, record, planned, products, now))
    return said


def _prepare_next(machine: HubSpotMachine, now: datetime) -> str | None:
    """Link or quote the first open deal for which that is possible."""
    portal = machine.portal
    links = portal.links
    unlinked, unquoted = [], []
    for record, deal in _open_deals(machine):
        if not links.of("deals", record.id, "companies"):
            unlinked.append(deal)
        elif not links.of("deals", record.id, "line_items"):
            unquoted.append(deal)
    companies = _companies(portal, unlinked) if unlinked else {}
    products = _products(portal, unquoted) if unquoted else {}
    for record, deal in _open_deals(machine):
        if not links.of("deals", record.id, "companies"):
            if deal.customer_name in companies:
                return _link(portal, record, companies[deal.customer_name])
        elif not links.of("deals", record.id, "line_items") and any(
            line.sku in products for line in deal.lines
        ):
            return _quote(machine, record, deal, products, now)
    return None


def _move_next(machine: HubSpotMachine, now: datetime, rng: random.Random) -> str | None:
    """Move one quoted deal to its next stage; at the last open one it is won, lost, or left."""
    portal = machine.portal
    movable = []
    for place, (deal_id, _deal) in enumerate(machine.world_deals.items()):
        record = portal.tables["deals"].get(deal_id)
        if record is None or not portal.links.of("deals", deal_id, "line_items"):
            continue
        stages = portal.pipelines.all[record.properties["pipeline"]].stages
        ahead = [s for s in stages if s.order > _order(portal, record) and not s.closed]
        closed = _order(portal, record) < 0
        if closed or (not ahead and place % _LEFT_OPEN == _LEFT_OPEN - 1):
            continue
        movable.append((record, ahead, stages))
    if not movable:
        return None
    record, ahead, stages = rng.choice(movable)
    if ahead:
        chosen = ahead[0]
    else:
        won = rng.random() < _WINS
        chosen = next((s for s in stages if (s.won if won else s.lost)), stages[-1])
    machine.set_deal_stage(str(record.id), chosen.id, now)
    name = record.properties["dealname"]
    if chosen.won:
        return _told(f"won the deal {name}")
    if chosen.closed:
        return _told(f"lost the deal {name}")
    return _told(f"moved the deal {name} on to {chosen.label}")


def _order(portal: Portal, record: Record) -> int:
    """The place of a deal's stage in its pipeline; -1 when the deal is closed."""
    stage = portal.pipelines.stage_of(record.properties)
    return -1 if stage is None or stage.closed else stage.order


def _link(portal: Portal, record: Record, company: Record) -> str:
    portal.associate("deals", record.id, "companies", company.id, _PRIMARY_COMPANY, replace=False)
    return _told(f"linked the deal {record.properties['dealname']} to {company.properties['name']}")


def _quote(
    machine: HubSpotMachine, record: Record, deal: Deal, products: dict[str, Record], now: datetime
) -> str:
    portal = machine.portal
    items = portal.tables["line_items"]
    total = Decimal(0)
    quoted = 0
    for place, line in enumerate(deal.lines, start=1):
        product = products.get(line.sku)
        if product is None:
            continue
        given = _line_values(portal, product, line, deal.currency) | {"hs_position_on_quote": str(place)}
        item = portal.commit(portal.draft_create(items, given, VERSIONS["v3"], {}), PERSON)
        portal.associate("deals", record.id, "line_items", item.id, _DEAL_LINE, replace=False)
        total += Decimal(portal.value(items, item, "amount") or 0)
        quoted += 1
    fields = {"amount": str(total)}
    if deal.customer_po and _CUSTOMER_ORDER in portal.tables["deals"].schema.properties:
        fields[_CUSTOMER_ORDER] = deal.customer_po
    machine.edit("deals", str(record.id), fields, now)
    left = len(deal.lines) - quoted
    without = f", {left} not found in the portal" if left else ""
    lines = "1 line" if quoted == 1 else f"{quoted} lines"
    return f"The rep quoted {record.properties['dealname']}: {lines}, {total} {deal.currency}{without}."


def _line_values(portal: Portal, product: Record, line: DealLine, currency: str) -> dict[str, Any]:
    """What a rep puts on a line: the product's price in the deal's currency, typed where it shows none."""
    values: dict[str, Any] = {
        "hs_product_id": str(product.id),
        "quantity": str(line.quantity),
        "hs_line_item_currency_code": currency,
    }
    shown = "price" if currency == portal.currency else f"hs_price_{currency.lower()}"
    price = product.properties.get(shown) or line.price
    if price is not None:
        values["price"] = str(price)
    if line.discount_percent:
        values["hs_discount_percentage"] = str(line.discount_percent)
    return values


def _told(deed: str) -> str:
    """One sentence; company names may end with a full stop of their own."""
    return f"The rep {deed.removesuffix('.')}."


def _open_deals(machine: HubSpotMachine) -> Iterable[tuple[Record, Deal]]:
    portal = machine.portal
    for deal_id, deal in machine.world_deals.items():
        record = portal.tables["deals"].get(deal_id)
        if record is not None and _order(portal, record) >= 0:
            yield record, deal


def _companies(portal: Portal, deals: Iterable[Deal]) -> dict[str, Record]:
    return _by_value(portal.tables["companies"], "name", {deal.customer_name for deal in deals})


def _products(portal: Portal, deals: Iterable[Deal]) -> dict[str, Record]:
    return _by_value(portal.tables["products"], "hs_sku", {line.sku for deal in deals for line in deal.lines})


def _by_value(table: Table, name: str, wanted: set[str]) -> dict[str, Record]:
    """The oldest live record for each wanted value of a property."""
    found: dict[str, Record] = {}
    for record in table.all_live():
        value = record.properties.get(name)
        if value in wanted and value is not None:
            found.setdefault(value, record)
    return found
