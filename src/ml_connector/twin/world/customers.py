"""Invents the customers of the demo world, one legal entity after the other."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ml_connector.twin.world.chance import picker
from ml_connector.twin.world.entities import book_of
from ml_connector.twin.world.model import Address, Customer, Person

if TYPE_CHECKING:
    import random

    from ml_connector.twin.world.model import LegalEntity
    from ml_connector.twin.world.names import Book

FIRST_PARTY = 1001  # the numbers below belong to the legal entities themselves
SHORT_NAMES = 20_000
SHARE_PERSONS = 0.08
SHARE_TWO_ENTITIES = 0.03  # of the customers of every entity but the first
SHARE_ON_HOLD = 0.025
SHARE_OTHER_PAYER = 0.04
SHARE_SAME_PERSON = 0.01  # a contact who works for the previous customer too

_GROUPS = ("10",) * 9 + ("20",) * 5 + ("30",) * 4 + ("40",) * 2
_UNIT_OF_GROUP = {"10": "001", "20": "002", "30": "003", "40": "004", "80": "003"}
# Default dimensions by group: business unit, department, cost centre; the fourth is the item's.
_DIMENSIONS = {
    group: tuple(
        (unit, department, cost_center, "")
        for department in ("021", "022", "022", "024", "")
        for cost_center in ("007", "008", "009", "010", "", "")
    )
    + (("", "", "", ""),) * 5
    for group, unit in _UNIT_OF_GROUP.items()
}
_TERMS = ("Net30",) * 9 + ("Net10",) * 3 + ("Net45",) * 3 + ("Net60",) * 3 + ("COD", "")
_HOLDS = ("All", "All", "All", "Invoice", "Invoice")
_AMERICAN_PHONES = (
    "({area}) 555-01{last:02d}",
    "{area}-555-01{last:02d}",
    "+1 {area} 555 01{last:02d}",
    "{area}.555.01{last:02d}",
    "({area}) 555-01{last:02d} x{extension}",
    "1-{area}-555-01{last:02d} ext. {extension}",
)
_GERMAN_PHONES = (
    "+49 {area} {block} {last:03d}",
    "0{area} {block}-{last:03d}",
    "0{area} / {block}{last:03d}",
    "+49 (0){area} {block}{last:03d}",
    "0049 {area} {block} {last:03d}",
    "0{area} {block}{last:03d} Durchwahl {extension}",
)
_NO_PHONES = ("n/a", "see e-mail", "555", "call reception", "-")
_BAD_EMAILS = ("n/a", "info(at){domain}", "office@", "@{domain}", "info@@{domain}")
_WEBSITES = ("https://www.{domain}", "https://{domain}/", "www.{domain}", "http://www.{domain}", "{domain}")
_PLAIN = str.maketrans({"ä": "ae", "ö": "oe", "ß": "ss", " ": "-", "'": None, "&": None, ".": None})
_PLAIN[ord("ü")] = "ue"  # codespell:ignore ue


@dataclass(frozen=True, slots=True)
class Reach:
    """How somebody is reached."""

    phone: str
    email: str
    website: str
    domain: str


class Population:
    """Keeps names unique and numbers parties and people over all legal entities."""

    def __init__(self, rng: random.Random, contacts_per_customer: int) -> None:
        self._random = rng.random
        self._pick = picker(rng)
        self._contacts = contacts_per_customer
        self._names: set[str] = set()
        self._party = FIRST_PARTY
        self._person = 0
        self._previous: Person | None = None
        self._shareable: list[Customer] = []

    def of(self, entity: LegalEntity, count: int) -> list[Customer]:
        """Invent the customers of one entity, accounts in order."""
        book = book_of(entity)
        prefix, width = entity.id[:2].upper(), max(3, len(str(count)))
        earlier, self._shareable = self._shareable, []
        made: list[Customer] = []
        payers: list[str] = []
        for number in range(1, count + 1):
            account = f"{prefix}-{number:0{width}d}"
            if earlier and self._random() < SHARE_TWO_ENTITIES:
                made.append(self._second_account(entity, account, earlier))
                continue
            customer = self._customer(entity, book, account, payers)
            made.append(customer)
            if customer.party_type == "Organization" and customer.on_hold == "No":
                self._shareable.append(customer)
                if not customer.invoice_account:
                    payers.append(account)
        self._shareable += earlier
        return made

    def _customer(self, entity: LegalEntity, book: Book, account: str, payers: list[str]) -> Customer:
        random = self._random
        person = random() < SHARE_PERSONS
        name, base = self._person_name(book) if person else self._company_name(book)
        city = self._pick(book.cities)
        reach = self._reach(book, base, city[3], person=person)
        group = "80" if person else self._pick(_GROUPS)
        self._party += 1
        return Customer(
            legal_entity=entity.id,
            account=account,
            party=f"{self._party - 1:09d}",
            party_type="Person" if person else "Organization",
            name=name,
            group=group,
            currency=entity.currency,
            payment_terms=self._pick(_TERMS),
            language=book.language,
            phone=reach.phone,
            email=reach.email,
            website=reach.website,
            address=self._address(book, city),
            on_hold=self._pick(_HOLDS) if random() < SHARE_ON_HOLD else "No",
            invoice_account=self._pick(payers) if payers and random() < SHARE_OTHER_PAYER else "",
            tax_exempt_number=self._tax_number(book, person=person),
            dimension_values=self._pick(_DIMENSIONS[group]),
            people=() if person else self._people(book, reach, city[3]),
        )

    def _second_account(self, entity: LegalEntity, account: str, earlier: list[Customer]) -> Customer:
        """Open an account for a party that another entity knows; people belong to the party, not twice."""
        known = earlier.pop(int(self._random() * len(earlier)))
        return replace(
            known,
            legal_entity=entity.id,
            account=account,
            group=self._pick(_GROUPS),
            currency=entity.currency,
            payment_terms=self._pick(_TERMS),
            invoice_account="",
            people=(),
        )

    def _person_name(self, book: Book) -> tuple[str, str]:
        name = f"{self._pick(book.first_names)} {self._pick(book.surnames)}"
        return name, name

    def _company_name(self, book: Book) -> tuple[str, str]:
        """Return a name nobody has yet, with and without its legal form; many customers need longer names."""
        attempt = len(self._names) // SHORT_NAMES
        while (base := self._company_base(book, attempt)) in self._names:
            attempt += 1
        self._names.add(base)
        form = self._pick(book.forms)
        return (f"{base} {form}" if form else base), base

    def _company_base(self, book: Book, attempt: int) -> str:
        pick, draw = self._pick, self._random()
        stem, surname, trade, city = book.stems, book.surnames, pick(book.trades), book.cities
        if attempt > 2:  # noqa: PLR2004  the short names are used up: millions of these
            return f"{pick(surname)} & {pick(surname)} {trade} {pick(city)[0]}"
        if attempt > 1:
            return f"{pick(stem)} {trade} {pick(city)[0]}"
        if draw < 0.5:  # noqa: PLR2004  the mix of kinds of names
            return f"{pick(stem)} {trade}"
        if draw < 0.75:  # noqa: PLR2004  the mix of kinds of names
            return f"{pick(surname)} {trade}"
        return f"{pick(surname)} & {pick(surname)} {trade}"

    def _reach(self, book: Book, base: str, prefix: str, *, person: bool) -> Reach:
        slug = base.lower().translate(_PLAIN).replace("--", "-")
        domain = f"{slug}.example"
        phone = self._phone(book, prefix)
        draw = self._random()
        if person or draw < 0.07:  # noqa: PLR2004  small firms with a free mailbox
            address = slug.replace("-", ".") if person else slug.replace("-", "")
            return Reach(phone, f"{address}@{self._pick(book.free_mail)}", "", "")
        website = "" if draw > 0.7 else self._pick(_WEBSITES).format(domain=domain)  # noqa: PLR2004  share
        return Reach(phone, self._email(book, domain), website, domain)

    def _email(self, book: Book, domain: str) -> str:
        draw = self._random()
        if draw < 0.05:  # noqa: PLR2004  share without an address
            return ""
        if draw < 0.07:  # noqa: PLR2004  share of mistyped addresses
            return self._pick(_BAD_EMAILS).format(domain=domain)
        return f"{self._pick(book.mailboxes)}@{domain}"

    def _phone(self, book: Book, prefix: str) -> str:
        draw = self._random()
        if draw < 0.06:  # noqa: PLR2004  shares of empty and of useless entries
            return "" if draw > 0.01 else self._pick(_NO_PHONES)  # noqa: PLR2004
        last, extension = int(self._random() * 100), 10 + int(self._random() * 390)
        if book.country == "US":
            return self._pick(_AMERICAN_PHONES).format(area=prefix, last=last, extension=extension)
        area, _, block = prefix.partition(" ")
        return self._pick(_GERMAN_PHONES).format(area=area, block=block, last=100 + last, extension=extension)

    def _address(self, book: Book, city: tuple[str, str, str, str]) -> Address:
        draw = self._random()
        if draw < 0.01:  # noqa: PLR2004  share of customers known by country only
            return Address("", "", "", "", book.country, book.country3)
        number, street = 1 + int(draw * 240), self._pick(book.streets)
        line = f"{number * 10 + 4} {street}" if book.country == "US" else f"{street} {number}"
        postcode = f"{city[2]}{int(self._random() * 100):02d}"
        return Address(line, city[0], postcode, city[1], book.country, book.country3)

    def _tax_number(self, book: Book, *, person: bool) -> str:
        if person or book.country != "DE" or self._random() > 0.75:  # noqa: PLR2004  share with a VAT number
            return ""
        return f"DE{100_000_000 + int(self._random() * 900_000_000)}"

    def _people(self, book: Book, reach: Reach, prefix: str) -> tuple[Person, ...]:
        return tuple([self._contact(book, reach, prefix) for _ in range(self._contacts)])

    def _contact(self, book: Book, reach: Reach, prefix: str) -> Person:
        self._person += 1
        number = f"{self._person:06d}"
        if self._previous is not None and self._random() < SHARE_SAME_PERSON:
            return replace(self._previous, id=number)
        first, last = self._pick(book.first_names), self._pick(book.surnames)
        local = f"{first.lower().translate(_PLAIN)}.{last.lower().translate(_PLAIN)}"
        draw = self._random()
        if draw < 0.08:  # noqa: PLR2004  share without an address of their own
            email = ""
        elif draw < 0.1:  # noqa: PLR2004  share who use the company's mailbox
            email = reach.email
        else:
            email = f"{local}@{reach.domain or self._pick(book.free_mail)}"
        phone = self._phone(book, prefix) if draw > 0.3 else ""  # noqa: PLR2004  share without a number
        person = Person(number, first, last, email, phone, self._pick(book.job_titles))
        self._previous = person
        return person
