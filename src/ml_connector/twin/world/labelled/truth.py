"""The firms there are: on their own, in groups of branches, as sisters at one address, with namesakes elsewhere."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ml_connector.twin.world.chance import picker
from ml_connector.twin.world.labelled.countries import COUNTRIES, FIRST_PARTS, LAST_PARTS, MIDDLE_PARTS

if TYPE_CHECKING:
    import random

    from ml_connector.twin.world.labelled.countries import Country

SHARE_GROUPS = 0.05  # of the firms founded: two to six branches of one name
SHARE_SISTERS = 0.035  # two or three firms of one family at one address
SHARE_NAMESAKES = 0.03  # a stranger of the same name in another town
SHARE_OFFICE_CENTRES = 0.04  # strangers behind one switchboard, at one address
_PLAIN = str.maketrans("äöüéèêáàíóúøåłńśźżąęćŁŚØÅÄÖÜ", "aoueeeaaiouoalnszzaecLSOAAOU") | {
    ord("ß"): "ss",
    ord("æ"): "ae",
}
_FREE_MAIL = ("gmail.com", "outlook.com", "yahoo.com", "web.de", "gmx.de", "libero.it", "wp.pl", "orange.fr")
_KINSHIP = (
    "Holding",
    "Service",
    "Verwaltung",
    "Logistik",
    "International",
    "Trading",
    "Immobilien",
    "Systems",
)
SHARE_COMMON_NAMES = 0.4
_KINDS_OF_NAMES = (
    *("{family} {trade}",) * 8,
    *("{family} & {second} {trade}",) * 3,
    *("{second} & {brand}",) * 2,
    *("{brand} {trade}",) * 4,
    *("{brand}",) * 2,
    "{initials} {trade}",
    "{town} {trade}",
)
_MAILBOXES = ("info", "office", "sales", "mail", "contact", "orders")


@dataclass(frozen=True, slots=True)
class Someone:
    """A person who works at a firm."""

    first_name: str
    last_name: str
    email: str


@dataclass(frozen=True, slots=True)
class Firm:
    """One firm at one place: what a careful person who knew everything would write down."""

    number: int
    country: Country
    name: str
    form: str
    street: str
    town: str
    postcode: str
    phone: str
    domain: str  # "" for those with a mailbox anybody can have
    email: str
    tax_id: str
    people: tuple[Someone, ...]
    branch: bool = False


class Founding:
    """Invents firms, one family of them after the other."""

    def __init__(self, rng: random.Random) -> None:
        self._draw = rng.random
        self._pick = picker(rng)
        self._countries = tuple(country for country in COUNTRIES for _ in range(country.weight))
        self._domains: set[str] = set()
        self._number = 0

    def firms(self, count: int) -> list[Firm]:
        """At least so many."""
        made: list[Firm] = []
        while len(made) < count:
            firm = self._firm(self._pick(self._countries))
            draw = self._draw()
            made += self._kin(firm, draw)
        return made

    def _kin(self, firm: Firm, draw: float) -> list[Firm]:
        """A firm, with those that are easily mistaken for it."""
        if draw < SHARE_GROUPS:
            return self._branches(firm)
        draw -= SHARE_GROUPS
        if draw < SHARE_SISTERS:
            return self._sisters(firm)
        draw -= SHARE_SISTERS
        if draw < SHARE_NAMESAKES:
            stranger = self._firm(firm.country)
            return [firm, replace(stranger, name=firm.name, form=self._pick(firm.country.forms))]
        draw -= SHARE_NAMESAKES
        if draw < SHARE_OFFICE_CENTRES:
            others = [self._firm(firm.country) for _ in range(2 + int(self._draw() * 5))]
            return [firm, *(_at_the_address_of(firm, other) for other in others)]
        return [firm]

    def _branches(self, head: Firm) -> list[Firm]:
        """Branches share name, domain and tax number, half of them the switchboard."""
        made = [head]
        for _ in range(1 + int(self._draw() ** 2 * 5)):
            town, postcode, street = self._place(head.country)
            phone = head.phone if self._draw() < 0.5 else self._phone(head.country)  # noqa: PLR2004 - half of them
            people = self._people(head.country, head.domain)
            self._number += 1
            made.append(replace(
                head, number=self._number, town=town, postcode=postcode, street=street, phone=phone, people=people,
                branch=True,
            ))  # fmt: skip
        return made

    def _sisters(self, elder: Firm) -> list[Firm]:
        """Firms of one family: address, domain and switchboard are one, trade or legal form are not."""
        stem = elder.name.rsplit(" ", 1)[0] if " " in elder.name else elder.name
        made = [elder]
        for _ in range(1 + int(self._draw() * 2)):
            if self._draw() < 0.15:  # noqa: PLR2004 - share that differs in its form only
                name, form = (
                    elder.name,
                    self._pick([form for form in elder.country.forms if form != elder.form]),
                )
            else:
                name = f"{stem} {self._pick((*_KINSHIP, *elder.country.trades))}"
                form = self._pick(elder.country.forms)
            if (name, form) in {(one.name, one.form) for one in made}:
                continue
            self._number += 1
            made.append(replace(
                elder, number=self._number, name=name, form=form, tax_id=self._tax_id(elder.country),
                people=self._people(elder.country, elder.domain),
            ))  # fmt: skip
        return made

    def _firm(self, country: Country) -> Firm:
        self._number += 1
        name = self._name(country)
        town, postcode, street = self._place(country)
        domain = "" if self._draw() < 0.08 else self._domain(name, country)  # noqa: PLR2004 - share of small ones
        mailbox = (
            f"{self._pick(_MAILBOXES)}@{domain}" if domain else f"{_slug(name)}@{self._pick(_FREE_MAIL)}"
        )
        return Firm(
            number=self._number,
            country=country,
            name=name,
            form=self._pick(country.forms),
            street=street,
            town=town,
            postcode=postcode,
            phone=self._phone(country),
            domain=domain,
            email=mailbox,
            tax_id=self._tax_id(country),
            people=self._people(country, domain),
        )

    def _name(self, country: Country) -> str:
        """A family's name, a brand or initials, mostly with a trade."""
        pick, kind = self._pick, self._pick(_KINDS_OF_NAMES)
        family = pick(country.surnames) if self._draw() < SHARE_COMMON_NAMES else self._coined()
        return kind.format(
            family=family,
            second=pick(country.surnames),
            trade=pick(country.trades),
            brand=self._coined(),
            town=pick(country.towns)[0],
            initials="".join(pick("ABCDEFGHIKLMNOPRSTVWZ") for _ in range(3)),
        )

    def _coined(self) -> str:
        middle = self._pick(MIDDLE_PARTS) if self._draw() < 0.5 else ""  # noqa: PLR2004 - half are short
        return self._pick(FIRST_PARTS) + middle + self._pick(LAST_PARTS)

    def _domain(self, name: str, country: Country) -> str:
        words = [_slug(word) for word in name.split() if word != "&"]
        draw = self._draw()
        stem = words[0] if draw < 0.35 else "-".join(words[:2]) if draw < 0.6 else "".join(words)  # noqa: PLR2004
        label = stem
        while f"{label}.{country.top_level}" in self._domains:
            label = f"{stem}{int(self._draw() * 1000)}"
        domain = f"{label}.{country.top_level}"
        self._domains.add(domain)
        return f"{domain}.example"

    def _place(self, country: Country) -> tuple[str, str, str]:
        """Town, postal code and street."""
        town, start, digits = self._pick(country.towns)
        number = int(self._draw() * 10**digits)
        code = f"{start}{number:0{digits}d}"
        if country.code == "GB":
            code = f"{start}{1 + number % 20} {1 + number % 9}{self._pick('ABDEFGHJLN')}{self._pick('PQRSTUWXYZ')}"
        elif country.code == "NL":
            code = f"{code} {self._pick('ABCDEGHJKL')}{self._pick('ABCDEGHJKL')}"
        return town, code, f"{self._pick(country.streets)} {1 + int(self._draw() * 180)}"

    def _phone(self, country: Country) -> str:
        code, length = country.dialling
        return (
            code
            + str(2 + int(self._draw() * 7))
            + "".join(str(int(self._draw() * 10)) for _ in range(length - 1))
        )

    def _tax_id(self, country: Country) -> str:
        return f"{country.code}{100_000_000 + int(self._draw() * 900_000_000)}"

    def _people(self, country: Country, domain: str) -> tuple[Someone, ...]:
        found: list[Someone] = []
        for _ in range(int(self._draw() * 4)):
            common = self._draw() < SHARE_COMMON_NAMES
            first, last = self._coined(), self._pick(country.surnames) if common else self._coined()
            email = f"{_slug(first)}.{_slug(last)}@{domain or self._pick(_FREE_MAIL)}"
            found.append(Someone(first, last, email))
        return tuple(found)


def _at_the_address_of(firm: Firm, other: Firm) -> Firm:
    return replace(
        other,
        phone=firm.phone,
        street=firm.street,
        town=firm.town,
        postcode=firm.postcode,
        country=firm.country,
    )


def _slug(text: str) -> str:
    return "".join(sign for sign in text.lower().translate(_PLAIN) if sign.isascii() and sign.isalnum())
