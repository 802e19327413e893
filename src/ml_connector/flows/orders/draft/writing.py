"""Step draft: the complete order, every value with the rule behind it, before anything is written."""

from __future__ import annotations

from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any

from ml_connector.domain.money import currency_digits, parse_decimal, plain_number, within_one_minor_unit
from ml_connector.flows.orders.deal.facts import deal_facts, line_facts
from ml_connector.flows.orders.deal.snapshot import DealLine, DealOwner, DealSnapshot
from ml_connector.flows.orders.draft.order_draft import DraftField, DraftLine, OrderDraft
from ml_connector.flows.orders.draft.resolved import (
    NOT_SAID,
    Found,
    LineAmounts,
    ResolvedCustomer,
    ResolvedDeal,
    ResolvedItem,
    ResolvedLine,
)
from ml_connector.flows.orders.settings import OrderSettings
from ml_connector.mapping.documents import RULE_SOURCE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ml_connector.flows.orders.draft.resolved import Terms
    from ml_connector.mapping.apply import CompiledOrderMapping
    from ml_connector.mapping.documents import OrderMappingDocument
    from ml_connector.mapping.model import FieldRow

Sources = dict[str, tuple[Any, str]]  # source name of the mapping -> value and rule
# The dimensions of a variant, by the source that a row of orders.yaml names.
VARIANT = {
    "line.configuration": "ProductConfigurationId",
    "line.size": "ProductSizeId",
    "line.color": "ProductColorId",
    "line.style": "ProductStyleId",
    "line.version": "ProductVersionId",
}


# Whatever the mapping says: with the customer's own default F&O would take the deal's prices for gross ones.
WITHOUT_TAX = DraftField("ArePricesIncludingSalesTax", "No", "deal prices never include tax")


def draft_order(
    deal: ResolvedDeal, *, reference: str, mapping: CompiledOrderMapping, settings: OrderSettings
) -> OrderDraft:
    """Put the resolved deal through ``orders.yaml``."""
    snapshot = deal.snapshot
    header = _header_sources(deal, reference, settings) | _ruled(mapping, deal.facts, mapping.document.header)
    total = sum((line.amounts.total for line in deal.lines), Decimal(0))
    return OrderDraft(
        deal_id=snapshot.deal_id,
        deal_name=snapshot.name,
        reference=reference,
        legal_entity=deal.legal_entity.value,
        customer_name=deal.customer.name,
        currency=snapshot.currency,
        total=total,
        header=_without_tax(_named(mapping.header(_values(header)), header, mapping.document.header)),
        lines=tuple(
            _line(place, line, deal, mapping, settings) for place, line in enumerate(deal.lines, start=1)
        ),
        notes=(
            *deal.customer.notes,
            *(note for line in deal.lines for note in line.item.notes),
            *deal.terms.notes,
            *deal.notes,
            *_amount_note(snapshot, total),
            *_price_note(snapshot, total, settings),
        ),
        customer_form=deal.customer.form,
        adopted_by=deal.customer.adopted_by,
        customer_update=tuple(DraftField(each.name, each.value, each.rule) for each in deal.customer.update),
    )


def _header_sources(deal: ResolvedDeal, reference: str, settings: OrderSettings) -> Sources:
    """What ``orders.yaml`` may use in the header."""
    snapshot, customer = deal.snapshot, deal.customer
    return _facts(deal.facts) | {
        "legal_entity": (deal.legal_entity.value, deal.legal_entity.rule),
        "customer.account": (customer.account.value, customer.account.rule),
        "customer.payer": (customer.payer.value, customer.payer.rule),
        "customer.language": (customer.language, "the customer's language"),
        "deal.name": (snapshot.name, "the deal's name"),
        "deal.currency": (snapshot.currency, "the deal's currency"),
        "reference": (reference, "portal and deal, the mark by which the order is found again"),
        "order.dimensions": (deal.dimensions.value, deal.dimensions.rule),
        **_terms(deal.terms, settings),
        "order.pool": (settings.pool, "the setting orders.pool"),
        "order.origin": (settings.origin, "the setting orders.origin"),
        "order.skip_auto_charges": (
            "No" if settings.charges == "dynamics" else "Yes",
            f"the setting orders.charges: {settings.charges}",
        ),
        "order.prices_include_tax": (WITHOUT_TAX.value, WITHOUT_TAX.rule),
    }


def _terms(terms: Terms, settings: OrderSettings) -> Sources:
    """What the order says beside its lines."""
    said = {
        "deal.customer_po": terms.customer_po,
        "deal.requested_date": terms.requested_date,
        "order.delivery_address": terms.delivery_address,
        "order.taker": terms.order_taker,
        "order.responsible": terms.responsible,
        "order.site": terms.site,
        "order.warehouse": terms.warehouse,
        **_requested("order", terms.requested_date, settings),
    }
    return {name: (found.value, found.rule) for name, found in said.items()}


def _requested(whose: str, day: Found, settings: OrderSettings) -> dict[str, Found]:
    """The requested day as the one of the two dates that the setting names."""
    return {
        f"{whose}.requested_{kind}_date": day if kind == settings.requested_date else NOT_SAID
        for kind in ("shipping", "receipt")
    }


def _line(
    position: int,
    resolved: ResolvedLine,
    deal: ResolvedDeal,
    mapping: CompiledOrderMapping,
    settings: OrderSettings,
) -> DraftLine:
    facts = line_facts(dict(deal.facts), resolved.line)
    sources = _line_sources(position, resolved, deal, facts) | _line_dates(resolved, deal, settings)
    sources |= _ruled(mapping, facts, mapping.document.line)
    fields = _named(mapping.line(_values(sources)), sources, mapping.document.line)
    return DraftLine(position, resolved.line.name, resolved.amounts.total, fields, resolved.line.id)


def _line_dates(resolved: ResolvedLine, deal: ResolvedDeal, settings: OrderSettings) -> Sources:
    day = deal.terms.line_dates.get(resolved.line.id, NOT_SAID)
    return {name: (found.value, found.rule) for name, found in _requested("line", day, settings).items()}


def _line_sources(
    position: int, resolved: ResolvedLine, deal: ResolvedDeal, facts: Mapping[str, str]
) -> Sources:
    """What ``orders.yaml`` may use in a line."""
    item, amounts = resolved.item, resolved.amounts
    priced = amounts.price is not None
    sources: Sources = _facts(facts) | {
        "legal_entity": (deal.legal_entity.value, deal.legal_entity.rule),
        "order.number": ("", "the order's number, given by F&O"),
        "line.item_number": (item.number.value, item.number.rule),
        "line.quantity": (amounts.quantity, "the deal line's quantity"),
        "line.unit": (item.unit.value, item.unit.rule),
        "line.price": (amounts.price if priced else "", amounts.rule),
        "line.price_quantity": (Decimal(1) if priced else "", "the deal's price is for one unit"),
        "line.discount_amount": (amounts.discount_amount if priced else "", amounts.rule),
        "line.discount_percent": (amounts.discount_percent if priced else "", amounts.rule),
        "line.position": (position, "the line's place in the deal, the mark by which it is found again"),
        "line.site": (item.site.value, item.site.rule),
        "line.warehouse": (item.warehouse.value, item.warehouse.rule),
        "line.description": (resolved.line.name, "the deal line's name"),
        "line.dimensions": (resolved.dimensions.value, resolved.dimensions.rule),
        "deal.currency": (deal.snapshot.currency, "the deal's currency"),
    }
    for source, field in VARIANT.items():
        found = item.variant.get(field)
        sources[source] = (found.value, found.rule) if found else ("", "the item has no such dimension")
    return sources


def _facts(facts: Mapping[str, str]) -> Sources:
    """The facts that rules look at may be sent, too."""
    return {name: (text, f"the property {name}") for name, text in facts.items()}


def _ruled(mapping: CompiledOrderMapping, facts: Mapping[str, str], rows: Iterable[FieldRow]) -> Sources:
    """What the rules say that these rows name."""
    names = {source for row in rows for source in row.all_sources if source.startswith(RULE_SOURCE)}
    sources: Sources = {}
    for name in names:
        said = mapping.rules.ask(name.removeprefix(RULE_SOURCE), facts)
        sources[name] = (said.value, said.rule) if said else ("", "no rule fits")
    return sources


def _values(sources: Sources) -> dict[str, Any]:
    return {name: value for name, (value, _) in sources.items()}


def _named(values: Mapping[str, Any], sources: Sources, rows: Sequence[FieldRow]) -> tuple[DraftField, ...]:
    """Each value with the rule of the sources its row reads."""
    rules = {
        row.target: "; ".join(sources[name][1] for name in row.all_sources) or "a constant" for row in rows
    }
    return tuple(DraftField(name, value, rules[name]) for name, value in values.items())


def further_sources(document: OrderMappingDocument) -> tuple[str, ...]:
    """The properties that rows of the header and of lines read beyond what every draft supplies."""
    header, line = row_sources()
    named = [(row, header) for row in document.header] + [(row, line) for row in document.line]
    return tuple(
        name
        for row, supplied in named
        for name in row.all_sources
        if name not in supplied and not name.startswith(RULE_SOURCE)
    )


@cache
def row_sources() -> tuple[frozenset[str], frozenset[str]]:
    """What rows of the header and of a line may read, beside properties and rules: the names a draft supplies."""
    found, empty = Found("", ""), dict.fromkeys(DealLine.__match_args__, "")
    customer = ResolvedCustomer(found, found, "", "")
    lineless = dict.fromkeys(DealSnapshot.__match_args__, "") | {"companies": (), "lines": ()}
    snapshot = DealSnapshot(**lineless | {"owner": DealOwner("", "", "", ()), "properties": {}})  # type: ignore[arg-type]  # empty values only
    line = DealLine(**empty | {"properties": {}, "product": {}})  # type: ignore[arg-type]  # the same
    amounts = LineAmounts(Decimal(1), None, Decimal(0), Decimal(0), Decimal(0), "")
    resolved = ResolvedLine(line, ResolvedItem(found, found), amounts)
    facts = deal_facts(snapshot, None)
    deal = ResolvedDeal(snapshot, None, found, customer, (resolved,), facts=facts)
    settings = OrderSettings()
    of_line = _line_sources(1, resolved, deal, line_facts(facts, line)) | _line_dates(
        resolved, deal, settings
    )
    return frozenset(_header_sources(deal, "", settings)), frozenset(of_line)


def _without_tax(fields: Sequence[DraftField]) -> tuple[DraftField, ...]:
    """The fields, and that prices never include tax."""
    return (*(field for field in fields if field.name != WITHOUT_TAX.name), WITHOUT_TAX)


def _amount_note(snapshot: DealSnapshot, total: Decimal) -> tuple[str, ...]:
    """A deal amount that is not the sum of its lines is worth a word; portals define it differently."""
    if not snapshot.amount:
        return ()
    shown = parse_decimal(snapshot.amount, field="amount")
    if within_one_minor_unit(shown, total, currency_digits(snapshot.currency)):
        return ()
    return (f"The deal shows {shown} {snapshot.currency}, its lines add up to {total}.",)


def _price_note(snapshot: DealSnapshot, total: Decimal, settings: OrderSettings) -> tuple[str, ...]:
    """Prices that are left to F&O cannot be shown before it has set them."""
    if settings.price_policy == "deal":
        return ()
    share = plain_number(settings.price_tolerance * 100)
    sentence = (
        f"Dynamics sets the prices. The deal shows {total} {snapshot.currency}; a line that differs by more than "
        f"{share} % waits for a person after the order has been placed."
    )
    return (sentence,)
