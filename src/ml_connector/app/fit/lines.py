"""The report in words: a line for each finding, what it means and what to do. A page of 80 columns holds them all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_connector.domain.causes import cause_of
from ml_connector.domain.fit import Line

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ml_connector.domain.fit import (
        Budget,
        Currencies,
        Customers,
        Deals,
        Dimensions,
        FitReport,
        Offered,
        People,
        Portal,
        Products,
        Quality,
        Repeated,
    )
    from ml_connector.errors import ConnectorError

SHOWN = 3  # names in a list before it says how many more there are
NAMED = 2  # records named of those that only count
EITHER = (  # one of the two will do
    frozenset({"CDSContactPersonsV2", "ContactPersons"}),
    frozenset({"CDSReleasedDistinctProducts", "Ledgers"}),
)
_CHANGES_FROM = {  # the setting that makes use of a time of change
    "CustomersV3": "customers.changes_from",
    "CustTableBiEntities": "customers.changes_from",
    "ReleasedProductsV2": "products.changes_from",
    "InventTableBiEntities": "products.changes_from",
    "InventTableModuleBiEntities": "products.changes_from",
}
_SHORT = {
    "CustomersV3": "customers",
    "ReleasedProductsV2": "products",
    "ReleasedProductVariantsV2": "variants",
}


def lines(found: FitReport, problems: Mapping[str, ConnectorError]) -> tuple[Line, ...]:
    """Every finding, in the order of the report."""
    said: list[Line] = []
    if found.offered is not None:
        said += [_sets(found.offered), _rows(found.offered), _timestamps(found.offered)]
    if found.dimensions is not None:
        said.append(_dimensions(found.dimensions))
    if found.currencies is not None:
        said += [_currencies(found.currencies), _prices(found.currencies)]
    if found.customers is not None:
        said += _customers(found.customers, found.people)
    if found.shared_emails is not None:
        said.append(_shared_emails(found.shared_emails))
    if found.products is not None:
        said.append(_numbers(found.products))
    if found.portal is not None:
        said.append(_portal(found.portal))
    if found.deals is not None:
        said += _deals(found.deals)
    said += [
        Line(topic, "unknown", "Not known.", error.message, error.hint) for topic, error in problems.items()
    ]
    return (*said, _budget(found.budget))


def verdict(said: Sequence[Line]) -> str:
    """The report in one sentence."""
    look = sum(line.state == "look" for line in said)
    unknown = sum(line.state == "unknown" for line in said)
    tail = f" {_many(unknown, 'topic')} could not be read." if unknown else ""
    if not look:
        return f"Nothing was found that stands in the way.{tail}"
    return f"{_many(look, 'finding')} to look at before the first load.{tail}"


def _sets(found: Offered) -> Line:
    there = [each for each in found.sets if found.has(each.name)]
    covered = {name for pair in EITHER if any(map(found.has, pair)) for name in pair}
    lost = [each for each in found.sets if not found.has(each.name)]
    worth_a_look = [each for each in lost if each.needed or each.name not in covered]
    states = dict.fromkeys(each.state for each in lost)
    meaning = " ".join(
        f"{state.capitalize()}: {_listed([each.name for each in lost if each.state == state])}."
        for state in states
    )
    advice = ""
    if any(each.needed for each in lost):
        advice = "Have them enabled, or give the app's user a role on them."
    elif worth_a_look:
        advice = f"Without: no {_listed(dict.fromkeys(each.use for each in worth_a_look))}."
    return Line(
        "entity sets",
        "look" if worth_a_look else "ok",
        f"{len(there)} of {len(found.sets)} answer.",
        meaning,
        advice,
    )


def _rows(found: Offered) -> Line:
    counted = {
        name: f"{_SHORT.get(name, 'people')} {sum(by_entity.values()):,}" + _by_entity(by_entity)
        for name, by_entity in found.rows.items()
        if name in _SHORT or name == next((each for each in found.rows if each not in _SHORT), "")
    }
    return Line("rows", "ok", "; ".join(counted.values()) or "None could be counted", "")


def _by_entity(counts: Mapping[str, int]) -> str:
    parts = _listed(f"{entity} {count:,}" for entity, count in counts.items() if count)
    return f" ({parts})" if parts and 1 < len(counts) <= SHOWN else ""


def _timestamps(found: Offered) -> Line:
    there = [each for each in found.timestamps if each.state == "there"]
    if not there:
        return Line(
            "timestamps", "ok", "None.", "Every pass reads all rows and compares, which is the default."
        )
    names = _listed(f"{each.entity_set}.{each.field}" for each in there)
    own = {_CHANGES_FROM[each.entity_set]: each.field for each in there if each.entity_set in _SHORT}
    bi = {_CHANGES_FROM[each.entity_set]: "bi" for each in there if each.entity_set.endswith("BiEntities")}
    best = bi | own
    chosen = ", ".join(f"{setting} = {value}" for setting, value in best.items())
    meaning = (
        f"With {chosen} a pass reads only what changed; a full crawl follows once a day." if chosen else ""
    )
    misses = "BI entities miss changed names: full passes stay the rule." if "bi" in best.values() else ""
    return Line("timestamps", "ok", f"{names}.", f"{meaning} {misses}".strip())


def _dimensions(found: Dimensions) -> Line:
    if not found.format_name:
        return Line(
            "dimensions",
            "look",
            "No default dimension format is active.",
            "Orders cannot carry dimensions.",
            "Activate one in F&O: Financial dimension configuration for integrating applications.",
        )
    figure = f"{found.format_name}: {_many(len(found.names), 'segment')} with '{found.delimiter}' between."
    if found.values_read is None:
        return Line("dimensions", "ok", figure, "Values cannot be listed, so they go unchecked.")
    if not found.values_with_delimiter:
        return Line("dimensions", "ok", figure, f"None of {found.values_read:,} values read holds it.")
    return Line(
        "dimensions",
        "look",
        figure,
        f"{found.values_with_delimiter:,} of {found.values_read:,} values hold it: {_listed(found.examples)}.",
        "Double the delimiter in F&O, or keep these off orders.",
    )


def _currencies(found: Currencies) -> Line:
    accounting = _listed(f"{entity} {code or 'unknown'}" for entity, code in found.accounting.items())
    figure = f"{accounting}; HubSpot {_listed([found.company, *found.additional])}."
    if not found.not_in_portal:
        return Line("currencies", "ok", figure, "Customers use no other.")
    strange = _listed(found.not_in_portal)
    return Line(
        "currencies",
        "look",
        figure,
        f"{sum(found.not_in_portal.values()):,} customers use {strange}.",
        "Add these in HubSpot: no deal can be in them before.",
    )


def _prices(found: Currencies) -> Line:
    code = found.accounting.get(found.price_legal_entity, "")
    figure = f"List prices of {found.price_legal_entity} ({code or 'currency unknown'})"
    if found.price_property:
        return Line("prices", "ok", f"{figure} go to {found.price_property}.", "")
    return Line(
        "prices",
        "look",
        f"{figure} have no place.",
        "",
        "Add the currency in HubSpot, or choose another entity.",
    )


def _customers(found: Customers, people: People | None) -> list[Line]:
    emails = [found.emails, *([people.emails] if people else [])]
    phones = [found.phones, *([people.phones] if people else [])]
    names = [found.names, *([people.names] if people else [])]
    same, parties = found.same_name_and_place, found.parties_in_several
    unknown = _listed(f"'{code}'" for code in found.unknown_countries)
    return [
        _repeated(
            "duplicates",
            same,
            f"{_many(same.records, 'customer')} share name and postal code within an entity",
            "Merge them in F&O first: each becomes a company.",
        ),
        _repeated(
            "parties",
            parties,
            f"{_many(parties.groups, 'party', 'parties')} with accounts in several legal entities",
            "Decide customers.identity: a company each, or one a party.",
        ),
        _bad("e-mails", emails, "are no addresses; left empty"),
        _bad("phones", phones, "cannot be dialled; kept"),
        _bad("names", names, "records have none"),
        _bad("countries", [found.countries], f"are not known{f': {unknown}' if unknown else ''}"),
    ]


def _bad(topic: str, qualities: Sequence[Quality], what: str) -> Line:
    """How many of the values are of no use."""
    bad, given = sum(each.bad for each in qualities), sum(each.given for each in qualities)
    if not bad:
        return Line(topic, "ok", f"{given:,}, all usable.", "")
    share = f"{bad:,} of {given:,} ({100 * bad / given:.1f} %)"
    examples = [record for each in qualities for record in each.examples][:NAMED]
    return Line(
        topic,
        "look",
        f"{share} {what}.",
        "",
        f"Correct in F&O, as {_listed(examples)}.",
    )


def _repeated(topic: str, found: Repeated, figure: str, advice: str) -> Line:
    if not found.groups:
        return Line(topic, "ok", "None.", "")
    return Line(topic, "look", f"{figure}, as {_first(found)}.", "", advice)


def _first(found: Repeated) -> str:
    return " = ".join(map(_named, found.examples[0][:NAMED])) if found.examples else ""


def _named(record: str) -> str:
    """A record's name; one with blanks that nobody would see stands in quotes."""
    return f"'{record}'" if ": " in record or record.endswith(" ") else record


def _shared_emails(found: Repeated) -> Line:
    return _repeated(
        "shared mail",
        found,
        f"{_many(found.groups, 'address', 'addresses')} on {found.records:,} customers and people",
        "Each becomes one contact of them all: correct mistakes.",
    )


def _numbers(found: Products) -> Line:
    figure = f"{found.numbers:,} products, {found.in_several:,} in several legal entities."
    if found.other_product_numbers.groups:
        return Line(
            "numbers",
            "look",
            figure,
            f"{_many(found.other_product_numbers.groups, 'item number')} mean different products, "
            f"as {_first(found.other_product_numbers)}.",
            "Identity per_legal_entity suits.",
        )
    if found.other_item_numbers.groups:
        other = _many(found.other_item_numbers.groups, "product")
        return Line(
            "numbers",
            "look",
            figure,
            f"{other} have another item number elsewhere, as {_first(found.other_item_numbers)}.",
            "Identity shared suits: orders find their entity's item.",
        )
    return Line("numbers", "ok", figure, "Their numbers agree: identity shared suits.")


def _portal(found: Portal) -> Line:
    held = {"companies": found.companies, "contacts": found.contacts, "products": found.products}
    shown = _listed(f"{'?' if count is None else f'{count:,}'} {kind}" for kind, count in held.items())
    figure = f"{shown} already."
    if not (found.same_domain.groups or found.same_name.groups):
        return Line("HubSpot", "ok", figure, "No companies share a domain or name.")
    example = _first(found.same_domain) or _first(found.same_name)
    return Line(
        "HubSpot",
        "look",
        figure,
        f"{_many(found.same_domain.groups, 'domain')} and {_many(found.same_name.groups, 'name')} are shared, "
        f"as {example}.",
        "Merge them first: a customer is linked to one company.",
    )


def _deals(found: Deals) -> list[Line]:
    newest = f", the newest {found.tried:,} tried" if found.tried < found.won else ""
    figure = (
        f"{found.won:,} won in {found.days} days{newest}; {found.ready:,} would have become orders"
        + (f", {found.ready_once_matched:,} more would be matched first" if found.ready_once_matched else "")
        + "."
    )
    meaning = "(Reckoned by name, domain and item.)" if found.ready_once_matched else ""
    said = [Line("won deals", "look" if found.stopped else "ok", figure, meaning)]
    for each in found.stopped:
        ids = f"{'as ' if each.count > len(each.deals) else ''}{', '.join(each.deals)}"
        advice = cause_of(each.cause).next_action
        said.append(Line("stopped", "look", f"{each.count:,} x {each.title} ({ids}).", "", advice))
    return said


def _budget(found: Budget) -> Line:
    calls = found.calls
    limit, window_s = found.hubspot_limit
    minutes = found.first_load_minutes
    time = "under a minute" if minutes < 1 else f"about {_many(round(minutes), 'minute')}"
    told = "" if found.limit_is_known else " (assumed)"
    return Line(
        "budget",
        "ok",
        f"This report: {calls.get('dynamics', 0):,} calls to F&O, {calls.get('hubspot', 0):,} to HubSpot.",
        f"First load: {found.first_load_calls:,} to HubSpot, {time} at {limit:,} in {window_s:g} s{told}.",
    )


def _many(count: int, one: str, several: str = "") -> str:
    return f"{count:,} {one if count == 1 else several or f'{one}s'}"


def _listed(words: Iterable[str]) -> str:
    """The first few, and how many more there are."""
    named = list(words)
    more = len(named) - SHOWN
    return ", ".join(named[:SHOWN]) + (f" and {more:,} more" if more > 0 else "")
