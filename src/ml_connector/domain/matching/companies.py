"""Customers and companies: ranked rules over what two of them have in common, and which pairs are looked at.

A shared domain or a shared telephone number alone is never a match: groups share domains, office buildings share
switchboards. Records that are known to stand at different places are never linked without a person.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from ml_connector.domain.matching.deciding import OWN_KEY, Proposal
from ml_connector.domain.matching.names import Name, company_name, likeness, place, postcode, without_town

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

CERTAIN_FROM = 900
MOST_OF_A_BLOCK = 120  # records with one value in common; more of them say nothing about each other
BEGINNING = 5  # letters of a name that a block of one town shares


@dataclass(frozen=True, slots=True)
class Company:
    """What can be compared of a customer or a company, in the vocabulary of HubSpot; ``""`` where it is not known.

    Args:
        id: The external key of a customer, the id of a company.
        name: As it is written there.
        key: The external key a company carries already.
        domains: Of its web address and mailboxes, free-mail domains left out.
        tax_ids: Letters and digits only.
        emails: Its mailboxes and those of its contacts.
        phones: In E.164, extensions left out.
        country: Two letters.
        party: Whose customers share one company, where they do.
    """

    id: str
    name: str
    key: str = ""
    domains: frozenset[str] = frozenset()
    tax_ids: frozenset[str] = frozenset()
    emails: frozenset[str] = frozenset()
    phones: frozenset[str] = frozenset()
    postal_code: str = ""
    city: str = ""
    country: str = ""
    party: str = ""


class _Side(NamedTuple):
    """One record with its values folded; ``bare`` is its name without the town it stands in."""

    company: Company
    name: Name
    bare: Name
    postcode: str
    city: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a customer and a company have in common; None where one of them says nothing."""

    likeness: float
    tax_id: bool
    domain: bool | None
    email: bool
    phone: bool
    postcode: bool | None
    city: bool | None
    country: bool | None
    form: bool | None

    @property
    def same_name(self) -> bool:
        """The names are the same without their legal forms."""
        return self.likeness == 100.0  # noqa: PLR2004 - likeness gives it for equal names only

    def alike(self, least: float) -> bool:
        """The names are at least so alike."""
        return self.likeness >= least

    @property
    def elsewhere(self) -> bool:
        """They are known to stand at different places."""
        if self.country is False or self.postcode is False:
            return True
        return self.postcode is None and self.city is False

    @property
    def one_entity(self) -> bool:
        """Nothing says that they are two: neither another place nor another legal form."""
        return not self.elsewhere and self.form is not False


class Rule(NamedTuple):
    """A rule by its name: how sure it is, and when it holds."""

    name: str
    score: int
    holds: Callable[[Evidence], bool]

    @property
    def certain(self) -> bool:
        """Whether it is enough, where nothing else fits either record."""
        return self.score >= CERTAIN_FROM


# Best first; the first that holds is the reason. Likeness: 100 is the same name, 90 a slip of the pen.
RULES = (
    Rule("tax id and name", 980, lambda e: e.tax_id and e.alike(80) and not e.elsewhere),
    Rule("domain and name", 950, lambda e: e.domain is True and e.same_name and e.one_entity),
    Rule("contact e-mail and name", 930, lambda e: e.email and e.alike(90) and e.one_entity),
    Rule(
        "domain, postal code and similar name", 920,
        lambda e: e.domain is True and e.postcode is True and e.alike(86) and e.one_entity,
    ),
    Rule(
        "contact e-mail, postal code and similar name", 910,
        lambda e: e.email and e.postcode is True and e.alike(86) and e.one_entity,
    ),
    Rule("name and postal code", 900, lambda e: e.same_name and e.postcode is True and e.one_entity),
    Rule("tax id", 850, lambda e: e.tax_id),
    Rule("name and domain, elsewhere or in another form", 800, lambda e: e.domain is True and e.same_name),
    Rule("contact e-mail and similar name", 780, lambda e: e.email and e.alike(60)),
    Rule("name and postal code in another form", 760, lambda e: e.same_name and e.postcode is True),
    Rule("name and city", 740, lambda e: e.same_name and e.city is True),
    Rule("similar name and postal code", 720, lambda e: e.postcode is True and e.alike(78)),
    Rule("similar name and domain", 700, lambda e: e.domain is True and e.alike(70)),
    Rule("phone and similar name", 680, lambda e: e.phone and e.alike(75)),
    Rule("similar name and city", 640, lambda e: e.city is True and e.alike(84)),
    Rule("name and country", 560, lambda e: e.same_name and not (e.elsewhere and e.domain is False)),
    Rule(
        "similar name", 500,
        lambda e: e.alike(90) and not e.elsewhere and e.domain is not False,
    ),
)  # fmt: skip
_LEAST_LIKE = 60.0  # below it only a tax id can hold
_NEARLY = 95.0


def company_pairs(sources: Iterable[Company], targets: Iterable[Company]) -> Iterator[Proposal]:
    """Every pair of which a rule holds, with the first rule that does."""
    theirs = [_side(company) for company in targets]
    own_keys = {side.company.key: side for side in theirs if side.company.key}
    free = [side for side in theirs if not side.company.key]
    blocks = Blocks(free)
    for company in sources:
        own = own_keys.get(company.id)
        if own is not None:
            yield Proposal(
                company.id, own.company.id, OWN_KEY, 1000, certain=True, reasons=(f"carries {company.id}",)
            )
            continue
        side = _side(company)
        for number in blocks.near(side):
            found = _judge(side, free[number])
            if found is not None:
                yield found


def _side(company: Company) -> _Side:
    name = company_name(company.name)
    town = company_name(company.city).words
    return _Side(company, name, without_town(name, town), postcode(company.postal_code), place(company.city))


def _judge(source: _Side, target: _Side) -> Proposal | None:
    """The first rule that holds for a pair."""
    one, other = source.company, target.company
    tax_id = not one.tax_ids.isdisjoint(other.tax_ids)
    alike = _alike(source, target)
    if alike < _LEAST_LIKE and not tax_id:
        return None
    evidence = Evidence(
        likeness=alike,
        tax_id=tax_id,
        domain=_shared(one.domains, other.domains),
        email=not one.emails.isdisjoint(other.emails),
        phone=not one.phones.isdisjoint(other.phones),
        postcode=_same(source.postcode, target.postcode),
        city=_same(source.city, target.city),
        country=_same(one.country, other.country),
        form=_same(source.name.form, target.name.form),
    )
    for rule in RULES:
        if rule.holds(evidence):
            score = rule.score if rule.certain else rule.score - round(100 - alike)
            return Proposal(
                one.id, other.id, rule.name, score, rule.certain, _reasons(source, target, evidence)
            )
    return None


def _alike(source: _Side, target: _Side) -> float:
    """How alike the names are; one that says its town may be the other's, but it is not the same to the letter."""
    if not source.name.packed or not target.name.packed:
        return 0.0
    alike = likeness(source.name, target.name)
    if alike < _NEARLY and (source.bare is not source.name or target.bare is not target.name):
        return max(alike, min(likeness(source.bare, target.bare), _NEARLY))
    return alike


def _same(one: str, other: str) -> bool | None:
    return one == other if one and other else None


def _shared(some: frozenset[str], others: frozenset[str]) -> bool | None:
    return not some.isdisjoint(others) if some and others else None


def _reasons(source: _Side, target: _Side, e: Evidence) -> tuple[str, ...]:
    """What agrees and what speaks against it, in words."""
    one, other = source.company, target.company
    said = ["the same name without legal form" if e.same_name else f"names {e.likeness:.0f} % alike"]
    shared = (
        ("tax id", one.tax_ids & other.tax_ids),
        ("domain", one.domains & other.domains),
        ("e-mail", one.emails & other.emails),
        ("phone", one.phones & other.phones),
    )
    said += [f"{what} {min(values)}" for what, values in shared if values]
    said += [f"{what} {value}" for what, value, agrees in (
        ("postal code", one.postal_code, e.postcode), ("city", one.city, e.city), ("country", one.country, e.country),
    ) if agrees]  # fmt: skip
    said += [f"but {what} {ours} and {theirs}" for what, ours, theirs, agrees in (
        ("postal codes", one.postal_code, other.postal_code, e.postcode), ("cities", one.city, other.city, e.city),
        ("countries", one.country, other.country, e.country),
        ("legal forms", source.name.form, target.name.form, e.form),
    ) if agrees is False]  # fmt: skip
    return tuple(said)


class Blocks:
    """Which records of one side are worth comparing with one of the other: those that share a value few others have.

    A value that more than ``MOST_OF_A_BLOCK`` records share is left out; the finer ones beside it (the name within a
    town, the beginning of the name within a postal code) then do its work.
    """

    def __init__(self, sides: Sequence[_Side]) -> None:
        words = Counter(word for side in sides for word in set(side.name.words.split()))
        self._rare = {word for word, count in words.items() if count <= MOST_OF_A_BLOCK}
        found: dict[str, list[int]] = defaultdict(list)
        for number, side in enumerate(sides):
            for value in self._values(side):
                found[value].append(number)
        self._blocks = {value: numbers for value, numbers in found.items() if len(numbers) <= MOST_OF_A_BLOCK}

    def near(self, side: _Side) -> set[int]:
        """The numbers of the records worth comparing with this one."""
        numbers: set[int] = set()
        for value in self._values(side):
            numbers.update(self._blocks.get(value, ()))
        return numbers

    def _values(self, side: _Side) -> Iterator[str]:
        """The values a record shares with others, each marked by its kind."""
        company, name = side.company, side.name
        for mark, values in (
            ("t", company.tax_ids), ("d", company.domains), ("e", company.emails), ("p", company.phones),
        ):  # fmt: skip
            for value in values:
                yield f"{mark} {value}"
        if not name.packed:
            return
        yield f"n {name.packed}"
        if side.city:
            yield f"nc {name.packed} {side.city}"
            yield f"c {side.city} {name.packed[:BEGINNING]}"
            yield f"C {side.city} {name.packed[-BEGINNING:]}"
        if side.postcode:
            yield f"np {name.packed} {side.postcode}"
            yield f"z {side.postcode}"
            yield f"Z {side.postcode} {name.packed[:2]}"
        for word in name.words.split():
            if word in self._rare and len(word) > 2:  # noqa: PLR2004 - two letters are in many names
                yield f"w {word}"
