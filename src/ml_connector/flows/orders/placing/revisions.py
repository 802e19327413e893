"""What has become of a deal after its order was placed: edited, lost, deleted or merged. One order stays one order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from ml_connector.engine.inherit import ALSO, MERGED
from ml_connector.engine.process import Later
from ml_connector.errors import RecordError, SubjectLeftError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Mapping
    from datetime import datetime

    from ml_connector.flows.orders.deal.snapshot import DealSnapshot
    from ml_connector.store.processes import Process

# What of a deal and of a line an order is made from, with the words for it.
DEAL_FIELDS = {
    "currency": "currency",
    "legal_entity": "legal entity",
    "customer_account": "customer account",
    "customer_po": "customer's order number",
    "requested_date": "requested date",
    "delivery_address": "delivery address",
}
LINE_FIELDS = {
    "name": "name",
    "sku": "SKU",
    "product_id": "product",
    "quantity": "quantity",
    "price": "price",
    "discount": "discount",
    "discount_percent": "discount in percent",
    "amount": "amount",
    "recurring": "billing frequency",
}
MOST_TOLD = 5


def reference_of(portal_id: int, deal_id: str, revision: int) -> str:
    """The mark on an order, by which it is found again."""
    suffix = f"-R{revision}" if revision > 1 else ""
    return f"HS-{portal_id}-{deal_id}{suffix}"


async def look_again(
    process: Process, gather: Callable[[str], Awaitable[tuple[DealSnapshot, datetime | None]]]
) -> Later | None:
    """What a person must hear of; None while the deal says what it said when its order was placed."""
    number = process.result.get("number")
    order = f"its order {number} stands in Dynamics"
    try:
        snapshot, _ = await gather(process.subject)
    except SubjectLeftError as error:
        return _left(process, error, order)
    except RecordError as error:
        return Later(error.code, error.message)
    if also := process.result.get(ALSO):
        return Later(
            "order.merged_orders",
            f"{snapshot.subject} was merged from deals that have an order each: {number}, {', '.join(also)}.",
            {"orders": [number, *also]},
        )
    changed = what_changed(orjson.loads(process.snapshot or b"{}"), snapshot)
    words = "; ".join(changed[:MOST_TOLD]) + ("; and more" if len(changed) > MOST_TOLD else "")
    if merged := process.result.get(MERGED):
        differs = f", and now differs: {words}" if changed else ""
        return Later(
            "order.merged_after",
            f"{snapshot.subject} was merged with deals/{merged}; {order}{differs}.",
            {"changed": changed},
        )
    if changed:
        sentence = f"{snapshot.subject} was changed after {order}: {words}."
        return Later("order.changed_after", sentence, {"changed": changed})
    return None


def _left(process: Process, error: SubjectLeftError, order: str) -> Later | None:
    """The deal is gone or not won any more; one that was reopened is looked at again when it is won again."""
    if error.code == "order.deal_gone":
        words = f"deals/{process.subject} was deleted or merged in HubSpot; {order}."
        return Later("order.deleted_after", words)
    if error.context.get("lost"):
        return Later("order.lost_after", f"{error.message.removesuffix('.')}; {order}.")
    return None


def what_changed(before: Mapping[str, Any], now: DealSnapshot) -> list[str]:
    """In words, what differs of all that an order is made from."""
    after = orjson.loads(now.to_bytes())
    found = [_differs(words, before.get(name), after[name]) for name, words in DEAL_FIELDS.items()]
    found += [_differs("company", *(_companies(each) for each in (before, after)))]
    found += [
        _differs(name, before.get("properties", {}).get(name), text)
        for name, text in after["properties"].items()
    ]
    return [words for words in (*found, *_lines(before, after)) if words]


def _lines(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    was = {line["id"]: line for line in before.get("lines", ())}
    now = {line["id"]: line for line in after["lines"]}
    for line_id, line in now.items():
        if line_id not in was:
            yield f"line '{line['name']}' is new"
            continue
        old = was.pop(line_id)
        for name, words in LINE_FIELDS.items():
            yield _differs(f"line '{line['name']}' {words}", old.get(name), line[name])
        for name, text in line["properties"].items():
            yield _differs(f"line '{line['name']}' {name}", old.get("properties", {}).get(name), text)
    yield from (f"line '{line['name']}' is gone" for line in was.values())


def _differs(words: str, before: Any, after: Any) -> str:
    """Values that were not read then have not changed."""
    if before is None or before == after:
        return ""
    return f"{words}: {before or '(nothing)'} -> {after or '(nothing)'}"


def _companies(snapshot: Mapping[str, Any]) -> str | None:
    """Who buys: the primary company, else all of them."""
    companies = snapshot.get("companies")
    if companies is None:
        return None
    return ", ".join(company["name"] for company in companies if company["primary"] or len(companies) == 1)
