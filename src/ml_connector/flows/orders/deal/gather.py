"""Step gather: the deal, its companies or contacts, lines, products, quotes and owner, read fresh."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

from ml_connector.domain.kept import Kept
from ml_connector.errors import RecordError, SubjectLeftError
from ml_connector.flows.orders.deal.facts import NOTHING_MORE
from ml_connector.flows.orders.deal.snapshot import (
    DealCompany,
    DealContact,
    DealLine,
    DealOwner,
    DealQuote,
    DealSnapshot,
    read_time,
    value,
)
from ml_connector.systems.hubspot.associations import PRIMARY_DEAL_TO_COMPANY

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
    from datetime import datetime
    from typing import Any

    from ml_connector.flows.orders.deal.facts import Wanted
    from ml_connector.systems.hubspot.client import HubSpotClient
    from ml_connector.systems.hubspot.models import Pipeline, Stage

T = TypeVar("T")
DEAL_PROPERTIES = (
    "dealname",
    "pipeline",
    "dealstage",
    "amount",
    "deal_currency_code",
    "hubspot_owner_id",
    "hs_is_closed",
    "hs_is_closed_won",
    "hs_lastmodifieddate",
    "d365_legal_entity",
    "d365_customer_account",
    "d365_customer_po",
    "d365_requested_date",
    "d365_delivery_address",
)
# What a new customer is filled from, and what tells whether F&O has it already.
COMPANY_FACTS = (
    *("domain", "website", "phone", "address", "address2", "city", "state", "zip", "country"),
    "hs_merged_object_ids",
)
COMPANY_PROPERTIES = ("name", "d365_customer_key", "d365_customer_accounts", *COMPANY_FACTS)
CONTACT_PROPERTIES = ("firstname", "lastname", "email", "d365_contact_key", "d365_contact_keys")
LINE_FACTS = ("hs_line_item_currency_code", "hs_pricing_model", "d365_requested_date", "d365_sales_unit")
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
    *LINE_FACTS,
)
PRODUCT_FACTS = ("d365_sales_unit", "d365_product_group", "d365_status", "hs_pricing_model")
PRODUCT_PROPERTIES = ("hs_sku", "d365_product_key", *PRODUCT_FACTS)
QUOTE_PROPERTIES = ("hs_title", "hs_status", "hs_quote_amount", "hs_esign_date")


@dataclass(slots=True)
class _ById(Generic[T]):
    """Everything of a kind by its id, read when the first is asked for."""

    read: Callable[[], Awaitable[dict[str, T]]]
    _all: Kept[None, dict[str, T]] = field(default_factory=Kept)
    _later: Kept[str, T | None] = field(default_factory=Kept)

    async def get(self, name: str) -> T | None:
        """The one of this id; one that is not among them may have come since, and is looked for once more."""
        found = await self._all.get(None, self.read)
        return found[name] if name in found else await self._later.get(name, lambda: self._look(name))

    async def _look(self, name: str) -> T | None:
        return (await self.read()).get(name)


class Portal:
    """Pipelines and owners by their ids: read once, when a deal first names one."""

    def __init__(self, hubspot: HubSpotClient) -> None:
        self.hubspot = hubspot
        self._pipelines = _ById(self._read_pipelines)
        self._owners = _ById(self._read_owners)

    async def pipeline_label(self, pipeline_id: str) -> str:
        """How people call a pipeline; its id where the portal has no such pipeline."""
        pipeline = await self._pipelines.get(pipeline_id)
        return pipeline.label if pipeline is not None else pipeline_id

    async def stage(self, pipeline_id: str, stage_id: str) -> Stage | None:
        """A stage of a pipeline; None where the portal has none of this id."""
        pipeline = await self._pipelines.get(pipeline_id)
        stages = pipeline.stages if pipeline is not None else ()
        return next((stage for stage in stages if stage.id == stage_id), None)

    async def owner(self, owner_id: str) -> DealOwner | None:
        """Who owns a deal; None when nobody does, or somebody who has left."""
        return await self._owners.get(owner_id) if owner_id else None

    async def _read_pipelines(self) -> dict[str, Pipeline]:
        return {one.id: one for one in await self.hubspot.pipelines("deals")}

    async def _read_owners(self) -> dict[str, DealOwner]:
        return {
            one.id: DealOwner(one.id, one.email, f"{one.first_name} {one.last_name}".strip(), one.team_names)
            for one in await self.hubspot.owners()
        }


async def gather(
    portal: Portal, deal_id: str, *, company_currency: str, wanted: Wanted = NOTHING_MORE, won: bool = True
) -> tuple[DealSnapshot, datetime | None]:
    """Read one deal whole.

    Args:
        portal: Where.
        deal_id: Which.
        company_currency: Of deals that name no currency.
        wanted: Further properties that rules look at.
        won: Whether it must be won.

    Returns:
        The snapshot, and when a line of it last changed.

    Raises:
        SubjectLeftError: the deal is gone, or no longer won; ``lost`` in its context tells that it was lost.
        RecordError: HubSpot contradicts itself about whether the deal is won.
    """
    hubspot = portal.hubspot
    deal, companies, (lines, changed_at), quotes = await asyncio.gather(
        hubspot.get("deals", deal_id, properties=(*DEAL_PROPERTIES, *wanted.deals)),
        _companies(hubspot, deal_id, wanted.companies),
        _lines(hubspot, deal_id, wanted),
        _quotes(hubspot, deal_id),
    )
    if deal is None:
        raise SubjectLeftError(
            f"deals/{deal_id} is no longer in HubSpot; it was deleted or merged.", code="order.deal_gone"
        )
    properties = deal["properties"]
    if won:
        await _require_won(portal, deal_id, properties)
    owner_id, pipeline = value(properties, "hubspot_owner_id"), value(properties, "pipeline")
    snapshot = DealSnapshot(
        deal_id=deal_id,
        name=value(properties, "dealname"),
        pipeline=pipeline,
        pipeline_label=await portal.pipeline_label(pipeline),
        stage=value(properties, "dealstage"),
        amount=value(properties, "amount"),
        currency=value(properties, "deal_currency_code") or company_currency,
        owner_id=owner_id,
        owner=await portal.owner(owner_id),
        legal_entity=value(properties, "d365_legal_entity").strip().lower(),  # typed by people
        customer_account=value(properties, "d365_customer_account").strip(),
        customer_po=value(properties, "d365_customer_po"),
        requested_date=value(properties, "d365_requested_date"),
        delivery_address=value(properties, "d365_delivery_address"),
        companies=companies,
        contacts=() if companies else await deal_contacts(hubspot, deal_id),
        lines=lines,
        quotes=quotes,
        properties=_picked(properties, wanted.deals),
    )
    return snapshot, changed_at


async def _require_won(portal: Portal, deal_id: str, properties: Mapping[str, Any]) -> None:
    """What HubSpot says of the deal, with its stage as a cross-check.

    Source: https://developers.hubspot.com/docs/api-reference/legacy/crm/pipelines/guide
    """
    named = f"deals/{deal_id} ({value(properties, 'dealname')})"
    if value(properties, "hs_is_closed_won") != "true":
        lost = value(properties, "hs_is_closed") == "true"
        raise SubjectLeftError(
            f"{named} is {'lost' if lost else 'no longer won'}.", code="order.not_won", lost=lost
        )
    stage_id = value(properties, "dealstage")
    stage = await portal.stage(value(properties, "pipeline"), stage_id)
    if stage is None or not stage.closed or stage.probability != "1.0":
        raise RecordError(
            f"{named} counts as won in HubSpot, and its stage '{stage.label if stage else stage_id}' is not one that "
            "closes a deal as won. Look at the deal's pipeline and stage.",
            code="order.stage_unclear",
        )


async def _linked(
    hubspot: HubSpotClient, deal_id: str, to: str, properties: Sequence[str]
) -> list[tuple[str, frozenset[int], dict[str, Any]]]:
    """Records associated with the deal: id, types of the association, properties."""
    linked = (await hubspot.associations("deals", to, [deal_id])).get(deal_id, [])
    if not linked:
        return []
    names = list(dict.fromkeys(properties))
    records = await hubspot.read(to, [item.id for item in linked], properties=names)
    return [(item.id, item.type_ids, records[item.id]["properties"]) for item in linked if item.id in records]


async def _companies(hubspot: HubSpotClient, deal_id: str, further: Sequence[str]) -> tuple[DealCompany, ...]:
    """The deal's companies, the primary one first."""
    companies = [
        DealCompany(
            id=company_id,
            name=value(properties, "name"),
            primary=PRIMARY_DEAL_TO_COMPANY in types,
            customer_keys=_keys(properties, "d365_customer_key", "d365_customer_accounts"),
            properties=_picked(properties, (*COMPANY_FACTS, *further)),
        )
        for company_id, types, properties in await _linked(
            hubspot, deal_id, "companies", (*COMPANY_PROPERTIES, *further)
        )
    ]
    return tuple(sorted(companies, key=lambda company: (not company.primary, company.id)))


async def deal_contacts(hubspot: HubSpotClient, deal_id: str) -> tuple[DealContact, ...]:
    """The people on a deal: who buys where there is no company, and the e-mail address of a new customer."""
    contacts = [
        DealContact(
            id=contact_id,
            name=f"{value(properties, 'firstname')} {value(properties, 'lastname')}".strip(),
            email=value(properties, "email"),
            contact_keys=_keys(properties, "d365_contact_key", "d365_contact_keys"),
        )
        for contact_id, _, properties in await _linked(hubspot, deal_id, "contacts", CONTACT_PROPERTIES)
    ]
    return tuple(sorted(contacts, key=lambda contact: contact.id))


async def _quotes(hubspot: HubSpotClient, deal_id: str) -> tuple[DealQuote, ...]:
    quotes = [
        DealQuote(
            id=quote_id,
            title=value(properties, "hs_title"),
            status=value(properties, "hs_status"),
            amount=value(properties, "hs_quote_amount"),
            accepted=bool(value(properties, "hs_esign_date")),
        )
        for quote_id, _, properties in await _linked(hubspot, deal_id, "quotes", QUOTE_PROPERTIES)
    ]
    return tuple(sorted(quotes, key=lambda quote: quote.id))


def _keys(properties: Mapping[str, Any], own: str, further: str) -> tuple[str, ...]:
    """The record's own key first, then further ones of the same record."""
    keys = [value(properties, own), *value(properties, further).split(";")]
    return tuple(dict.fromkeys(key for key in keys if key.strip()))


def _picked(properties: Mapping[str, Any], names: Iterable[str]) -> dict[str, str]:
    return {name: value(properties, name) for name in names}


async def _lines(
    hubspot: HubSpotClient, deal_id: str, wanted: Wanted
) -> tuple[tuple[DealLine, ...], datetime | None]:
    """The deal's lines in the order people see them, with the product behind each."""
    records = await _linked(hubspot, deal_id, "line_items", (*LINE_PROPERTIES, *wanted.lines))
    if not records:
        return (), None
    product_ids = sorted({value(properties, "hs_product_id") for _, _, properties in records} - {""})
    names = list(dict.fromkeys((*PRODUCT_PROPERTIES, *wanted.products)))
    products = await hubspot.read("products", product_ids, properties=names) if product_ids else {}
    of_product = {product_id: record["properties"] for product_id, record in products.items()}
    ordered = sorted(records, key=lambda record: _position(record[0], record[2]))
    lines = tuple(_line(line_id, properties, of_product, wanted) for line_id, _, properties in ordered)
    times = [read_time(properties.get("hs_lastmodifieddate")) for _, _, properties in records]
    return lines, max((time for time in times if time is not None), default=None)


def _line(
    line_id: str, properties: Mapping[str, Any], products: Mapping[str, Mapping[str, Any]], wanted: Wanted
) -> DealLine:
    product_id = value(properties, "hs_product_id")
    product = products.get(product_id, {})
    return DealLine(
        id=line_id,
        name=value(properties, "name"),
        sku=value(properties, "hs_sku"),
        product_id=product_id,
        product_key=value(product, "d365_product_key"),
        quantity=value(properties, "quantity"),
        price=value(properties, "price"),
        discount=value(properties, "discount"),
        discount_percent=value(properties, "hs_discount_percentage"),
        amount=value(properties, "amount"),
        recurring=value(properties, "recurringbillingfrequency"),
        properties=_picked(properties, (*LINE_FACTS, *wanted.lines)),
        product=_picked(product, (*PRODUCT_FACTS, *wanted.products)),
    )


def _position(line_id: str, properties: Mapping[str, Any]) -> tuple[int, int, str]:
    """Position on the quote where there is one, else the order of creation."""
    position = value(properties, "hs_position_on_quote")
    return (
        int(position) if position.isdigit() else 1_000_000,
        int(line_id) if line_id.isdigit() else 0,
        line_id,
    )
