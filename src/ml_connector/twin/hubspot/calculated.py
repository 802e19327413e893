"""Values HubSpot computes: never stored, worked out whenever a record is read."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from ml_connector.twin.hubspot import money

if TYPE_CHECKING:
    from collections.abc import Callable

    from ml_connector.twin.hubspot.portal import Portal
    from ml_connector.twin.hubspot.store import Record

    Calculator = Callable[[Portal, Record], str | None]

ENTERED = "hs_v2_date_entered_"  # + stage id: when the deal entered that stage


def _flag(value: bool) -> str:  # noqa: FBT001 - a formatter of one boolean
    return "true" if value else "false"


def _closed(portal: Portal, record: Record) -> str:
    stage = portal.pipelines.stage_of(record.properties)
    return _flag(stage is not None and stage.closed)


def _won(portal: Portal, record: Record) -> str:
    stage = portal.pipelines.stage_of(record.properties)
    return _flag(stage is not None and stage.won)


def _lost(portal: Portal, record: Record) -> str:
    stage = portal.pipelines.stage_of(record.properties)
    return _flag(stage is not None and stage.lost)


def _won_date(portal: Portal, record: Record) -> str | None:
    stage = portal.pipelines.stage_of(record.properties)
    return record.properties.get(ENTERED + stage.id) if stage is not None and stage.won else None


def _home_amount(portal: Portal, record: Record) -> str | None:
    """A deal in another currency has one only where the portal keeps a rate."""
    currency = record.properties.get("deal_currency_code", portal.currency)
    amount = record.properties.get("amount")
    if currency == portal.currency or not amount:
        return amount
    rate = portal.rates.get(currency)
    return None if rate is None else str(money.rounded(Decimal(amount) * rate, portal.currency))


def _quoted(portal: Portal, record: Record) -> str | None:
    """The sum of a quote's own lines."""
    items = portal.tables["line_items"].with_ids(list(portal.links.of("quotes", record.id, "line_items")))
    amounts = [amount for line in items if (amount := money.net(line.properties)) is not None]
    return str(sum(amounts, Decimal(0))) if amounts else None


def _associated(source: str, target: str) -> Calculator:
    def count(portal: Portal, record: Record) -> str:
        return str(len(portal.links.of(source, record.id, target)))

    return count


def _primary_company(portal: Portal, record: Record) -> str | None:
    company = portal.links.primary_of("contacts", record.id)
    return None if company is None else str(company)


def _line(amount: Callable[[dict[str, str]], Decimal | None]) -> Calculator:
    def text(_portal: Portal, record: Record) -> str | None:
        value = amount(record.properties)
        return None if value is None else str(value)

    return text


def _merged(_portal: Portal, record: Record) -> str | None:
    return ";".join(map(str, record.merged_ids)) or None


_EVERY_TYPE: dict[str, Calculator] = {
    "hs_object_id": lambda _portal, record: str(record.id),
    "createdate": lambda _portal, record: record.created_at,
    "hs_createdate": lambda _portal, record: record.created_at,
    "hs_object_source": lambda _portal, record: record.source,
    "hs_object_source_label": lambda _portal, record: record.source,
    "hs_object_source_id": lambda portal, record: str(portal.app_id) if record.source == API else None,
    "hs_merged_object_ids": _merged,
}


def _modified(_portal: Portal, record: Record) -> str:
    return record.updated_at


API = "INTEGRATION"  # a record made through the API
PERSON = "CRM_UI"  # a record made by a person in HubSpot

CALCULATORS: dict[str, dict[str, Calculator]] = {
    "companies": {
        **_EVERY_TYPE,
        "hs_lastmodifieddate": _modified,
        "num_associated_contacts": _associated("companies", "contacts"),
        "num_associated_deals": _associated("companies", "deals"),
    },
    "contacts": {
        **_EVERY_TYPE,
        "lastmodifieddate": _modified,
        "num_associated_deals": _associated("contacts", "deals"),
        "associatedcompanyid": _primary_company,
    },
    "deals": {
        **_EVERY_TYPE,
        "hs_lastmodifieddate": _modified,
        "hs_is_closed": _closed,
        "hs_is_closed_won": _won,
        "hs_is_closed_lost": _lost,
        "hs_closed_won_date": _won_date,
        "amount_in_home_currency": _home_amount,
        "hs_num_of_associated_line_items": _associated("deals", "line_items"),
        "num_associated_contacts": _associated("deals", "contacts"),
    },
    "products": {**_EVERY_TYPE, "hs_lastmodifieddate": _modified},
    "line_items": {
        **_EVERY_TYPE,
        "hs_lastmodifieddate": _modified,
        "amount": _line(money.net),
        "hs_pre_discount_amount": _line(money.gross),
        "hs_total_discount": _line(money.total_discount),
        "hs_margin": _line(money.margin),
    },
    "quotes": {**_EVERY_TYPE, "hs_lastmodifieddate": _modified, "hs_quote_amount": _quoted},
}
