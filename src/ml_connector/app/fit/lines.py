"""The report in words: a line for each finding, what it means and what to do. A page of 80 columns holds them all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_connector.domain.causes import cause_of
from ml_connector.domain.fit import EXAMPLES, Line

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

SHOWN = 4  # names in a list before it says how many more there are
EITHER = (  # one of the two will do
    frozenset({"CDSContactPersonsV2", "ContactPersons"}),
    frozenset({"CDSReleasedDistinctProducts", "Ledgers"}),
)
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
        advice = "Without a needed one its flow cannot run: have it enabled, or give the app's user a role."
    elif worth_a_look:
        advice = f"Lost without: {_listed(dict.fromkeys(each.use for each in worth_a_look))}."
    return Line(
        "data entities",
        "look" if worth_a_look else "ok",
        f"{len(there)} of {len(found.sets)} answer.",
        meaning,
        advice,
    )


def _rows(found: Offered) -> Line:
    counted = {
        name: f"{sum(by_entity.values()):,} {_SHORT.get(name, 'people')}" + _by_entity(by_entity)
        for name, by_entity in found.rows.items()
        if name in _SHORT or name == next((each for each in found.rows if each not in _SHORT), "")
    }
    return Line("rows", "ok", "; ".join(counted.values()) or "None could be counted", "")


def _by_entity(counts: Mapping[str, int]) -> str:
    parts = _listed(f"{entity} {count:,}" for entity, count in counts.items() if count)
    return f" ({parts})" if parts and len(counts) > 1 else ""


def _timestamps(found: Offered) -> Line:
    there = [each for each in found.timestamps if each.state == "there"]
    if not there:
        return Line(
            "timestamps", "ok", "None.", "Every pass reads all rows and compares, which is the default."
        )
    names = _listed(f"{each.entity_set}.{each.field}" for each in there)
    own = any(each.entity_set in _SHORT for each in there)
    meaning = (
        "They can shorten passes; a full one a day stays."
        if own
        else "They miss changed names and addresses: full passes stay the rule."
    )
    return Line("timestamps", "ok", f"{names}.", meaning)


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
        "Choose a doubled delimiter in F&O, or keep these values off orders.",
    )


def _currencies(found: Currencies) -> Line:
    accounting = _listed(f"{entity} {code or 'unknown'}" for entity, code in found.accounting.items())
    also = f", also {_listed(found.additional)}" if found.additional else ""
    figure = f"{accounting}; HubSpot {found.company}{also}."
    if not found.not_in_portal:
        return Line("currencies", "ok", figure, "Customers use no other.")
    strange = _listed(f"{code} ({count:,})" for code, count in found.not_in_portal.items())
    return Line(
        "currencies",
        "look",
        figure,
        f"Customers also use {strange}.",
        "Add these in HubSpot's account settings: no deal can be in them before.",
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
        "Products come without a price.",
        "Add the currency in HubSpot, or set products.price_legal_entity.",
    )


def _customers(found: Customers, people: People | None) -> list[Line]:
    also = " and people" if people else ""
    emails = [found.emails, *([people.emails] if people else [])]
    phones = [found.phones, *([people.phones] if people else [])]
    names = [found.names, *([people.names] if people else [])]
    same, parties = found.same_name_and_place, found.parties_in_several
    unknown = _listed(f"'{code}' ({count:,})" for code, count in found.unknown_countries.items())
    return [
        _repeated(
            "duplicates",
            same,
            f"{_many(same.records, 'customer')} share name, postal code and legal entity with another",
            "Merge them in F&O first: each becomes a company of its own.",
        ),
        _repeated(
            "parties",
            parties,
            f"{_many(parties.groups, 'party', 'parties')} with accounts in several legal entities",
            "Decide before the first load: a company for each customer, or for each party.",
        ),
        _bad("e-mails", f"on customers{also}", emails, "are no addresses and are left empty"),
        _bad("phones", f"on customers{also}", phones, "cannot be dialled and stay as written"),
        _bad("names", f"customers{also}", names, "have no name"),
        _bad(
            "countries",
            "on customers",
            [found.countries],
            f"are not known: {unknown}" if unknown else "are not known",
        ),
    ]


def _bad(topic: str, where: str, qualities: Sequence[Quality], what: str) -> Line:
    """How many of the values are of no use."""
    bad, given = sum(each.bad for each in qualities), sum(each.given for each in qualities)
    if not bad:
        return Line(topic, "ok", f"{given:,} {where}, all usable.", "")
    share = f"{bad:,} ({100 * bad / given:.1f} %)"
    examples = [record for each in qualities for record in each.examples][:EXAMPLES]
    return Line(
        topic,
        "look",
        f"{given:,} {where}; {share} {what}.",
        "",
        f"Correct in F&O, for example {_listed(examples)}.",
    )


def _repeated(topic: str, found: Repeated, figure: str, advice: str) -> Line:
    if not found.groups:
        return Line(topic, "ok", "None.", "")
    return Line(topic, "look", f"{figure}.", f"For example {_first(found)}.", advice)


def _first(found: Repeated) -> str:
    return " = ".join(map(_named, found.examples[0])) if found.examples else ""


def _named(record: str) -> str:
    """A record's name; one with blanks that nobody would see stands in quotes."""
    return f"'{record}'" if ": " in record or record.endswith(" ") else record


def _shared_emails(found: Repeated) -> Line:
    return _repeated(
        "shared e-mails",
        found,
        f"{_many(found.groups, 'address', 'addresses')} on {found.records:,} customers and people",
        "Each becomes one contact of all of them; correct those that are mistakes.",
    )


def _numbers(found: Products) -> Line:
    figure = f"{found.numbers:,} products, {found.in_several:,} in several legal entities."
    if found.other_product_numbers.groups:
        return Line(
            "numbers",
            "look",
            figure,
            f"{_many(found.other_product_numbers.groups, 'item number')} mean different products "
            f"({_first(found.other_product_numbers)}).",
            "Identity per_legal_entity suits, or keep shared and show people product numbers only.",
        )
    if found.other_item_numbers.groups:
        other = _many(found.other_item_numbers.groups, "product")
        return Line(
            "numbers",
            "look",
            figure,
            f"{other} have another item number elsewhere ({_first(found.other_item_numbers)}).",
            "Identity shared suits: an order finds the item number of its own legal entity.",
        )
    return Line("numbers", "ok", figure, "Their numbers agree: identity shared suits.")


def _portal(found: Portal) -> Line:
    held = {"companies": found.companies, "contacts": found.contacts, "products": found.products}
    shown = _listed(f"{'?' if count is None else f'{count:,}'} {kind}" for kind, count in held.items())
    figure = f"It holds {shown} already."
    if not (found.same_domain.groups or found.same_name.groups):
        return Line("HubSpot", "ok", figure, "No two companies share a domain or name.")
    example = _first(found.same_domain) or _first(found.same_name)
    return Line(
        "HubSpot",
        "look",
        figure,
        f"{_many(found.same_domain.groups, 'domain')} and {_many(found.same_name.groups, 'name')} stand on "
        f"several companies ({example}).",
        "Merge them in HubSpot first: a customer is linked to one company.",
    )


def _deals(found: Deals) -> list[Line]:
    newest = f", the newest {found.tried:,} tried" if found.tried < found.won else ""
    figure = (
        f"{found.won:,} won in {found.days} days{newest}; {found.ready:,} would have become orders"
        + (f", {found.ready_once_matched:,} more would be matched first" if found.ready_once_matched else "")
        + "."
    )
    meaning = "Matching is reckoned by name, domain and item number." if found.ready_once_matched else ""
    said = [Line("won deals", "look" if found.stopped else "ok", figure, meaning)]
    for each in found.stopped:
        ids = f"{'deal' if each.count == 1 else 'deals'} {_listed(each.deals, of=each.count)}"
        advice = cause_of(each.cause).next_action
        said.append(Line("stopped", "look", f"{each.count:,} x {each.title} ({ids}).", "", advice))
    return said


def _budget(found: Budget) -> Line:
    calls = found.calls
    limit, window_s = found.hubspot_limit
    minutes = found.first_load_minutes
    time = "under a minute" if minutes < 1 else f"about {_many(round(minutes), 'minute')}"
    told = "" if found.limit_is_known else ", the smallest tier's limit"
    return Line(
        "budget",
        "ok",
        f"This report took {calls.get('dynamics', 0):,} calls to F&O and {calls.get('hubspot', 0):,} to HubSpot.",
        f"A first load takes about {found.first_load_calls:,} calls to HubSpot, {time} at "
        f"{limit:,} in {window_s:g} s{told}.",
    )


def _many(count: int, one: str, several: str = "") -> str:
    return f"{count:,} {one if count == 1 else several or f'{one}s'}"


def _listed(words: Iterable[str], *, of: int = 0) -> str:
    """The first few, and how many more there are."""
    named = list(words)
    shown, total = named[:SHOWN], max(of, len(named))
    return ", ".join(shown) + (f" and {total - len(shown):,} more" if total > len(shown) else "")
