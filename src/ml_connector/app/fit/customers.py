"""Topic customers: duplicates, unusable values and shared addresses among customers and their people.

Both sets are read page by page with the few fields that count; what stays of a row is a handful of hashes.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ml_connector.domain.fit import Customers, People, Repeated, Repeats, Tally, compact, most_first
from ml_connector.domain.keys import external_key
from ml_connector.domain.text import fold, normalise
from ml_connector.mapping.phone import international
from ml_connector.mapping.places import country_of
from ml_connector.mapping.web import email_address
from ml_connector.systems.dynamics.source import in_legal_entities

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ml_connector.app.fit.adoption import Adoption
    from ml_connector.systems.dynamics.client import DynamicsClient

CUSTOMER_FIELDS = (
    "dataAreaId",
    "CustomerAccount",
    "PartyNumber",
    "PartyType",
    "OrganizationName",
    "PersonFirstName",
    "PersonLastName",
    "KnownAs",
    "NameAlias",
    "PrimaryContactEmail",
    "PrimaryContactPhone",
    "PrimaryContactPhoneExtension",
    "PrimaryContactURL",
    "AddressZipCode",
    "AddressCountryRegionISOCode",
    "AddressCountryRegionId",
    "SalesCurrencyCode",
)
_PERSON_FIELDS = ("dataAreaId", "FirstName", "LastName", "PrimaryEmailAddress", "PrimaryPhoneNumber")
PEOPLE_FIELDS = {
    "CDSContactPersonsV2": (
        *_PERSON_FIELDS,
        "ContactPersonPartyNumber",
        "AssociatedContactType",
        "AssociatedContactNumber",
    ),
    "ContactPersons": (*_PERSON_FIELDS, "ContactPersonId", "AssociatedPartyNumber"),
}
SHOWN_COUNTRIES = 5


@dataclass(frozen=True, slots=True)
class Home:
    """What a person takes from the own customer: the country, and an address that is the customer's as well."""

    region: str | None
    email: int


@dataclass(slots=True)
class Reach:
    """Names, addresses and numbers of one kind of record."""

    names: Tally = field(default_factory=Tally)
    emails: Tally = field(default_factory=Tally)
    phones: Tally = field(default_factory=Tally)

    def add(
        self, key: str, name: str, email: str, phone: str, *, region: str | None, extension: str = ""
    ) -> str:
        """Count one record's values as the mapping would take them; returns the e-mail address if it is one."""
        self.names.add(key, good=bool(name))
        if phone:
            dialled = international(normalise(phone), region, extension=extension)
            self.phones.add(key, good=dialled is not None)
        address = email_address(email) if email else None
        if email:
            self.emails.add(key, good=address is not None)
        return address or ""


class CustomerReading:
    """Everything that is counted while customers, and then their people, go by."""

    def __init__(self, people_set: str, adoption: Adoption) -> None:
        self.currencies: Counter[str] = Counter()
        self._people_set = people_set
        self._adoption = adoption
        self._kinds: Counter[str] = Counter()
        self._reach, self._people = Reach(), Reach()
        self._countries = Tally()
        self._unknown_countries: Counter[str] = Counter()
        self._same, self._parties, self._emails = Repeats(), Repeats(), Repeats()
        self._homes: dict[int, Home] = {}

    async def read_customers(self, client: DynamicsClient, legal_entities: Sequence[str]) -> Customers:
        """Every customer of these legal entities, persons too."""
        async for page in client.pages(
            "CustomersV3",
            select=CUSTOMER_FIELDS,
            filter=in_legal_entities(legal_entities),
            orderby="dataAreaId,CustomerAccount",
        ):
            for row in page.rows:
                self._customer(row)
        persons = self._kinds["Person"]
        return Customers(
            organisations=self._kinds.total() - persons,
            persons=persons,
            emails=self._reach.emails.found(),
            phones=self._reach.phones.found(),
            names=self._reach.names.found(),
            countries=self._countries.found(),
            unknown_countries=dict(self._unknown_countries.most_common(SHOWN_COUNTRIES)),
            same_name_and_place=self._same.found(),
            parties_in_several=self._parties.found(),
        )

    async def read_people(self, client: DynamicsClient, legal_entities: Sequence[str]) -> People | None:
        """The people at the customers that were read before; None where no set offers them."""
        if not self._people_set:
            return None
        async for page in client.pages(
            self._people_set,
            select=PEOPLE_FIELDS[self._people_set],
            filter=in_legal_entities(legal_entities),
        ):
            for row in page.rows:
                self._person(row)
        self._homes.clear()  # nobody asks for them any more
        reach = self._people
        return People(
            entity_set=self._people_set,
            read=reach.names.given,
            emails=reach.emails.found(),
            phones=reach.phones.found(),
            names=reach.names.found(),
        )

    def shared_emails(self) -> Repeated:
        """Addresses that stand on several customers or people."""
        return self._emails.found()

    def currencies_found(self) -> dict[str, int]:
        """How many customers trade in which currency."""
        return most_first(self.currencies)

    def _customer(self, row: Mapping[str, Any]) -> None:
        entity = _text(row, "dataAreaId").lower()
        key = external_key(entity, _text(row, "CustomerAccount"))
        self._kinds[_text(row, "PartyType")] += 1
        if currency := _text(row, "SalesCurrencyCode"):
            self.currencies[currency] += 1
        name = name_of(row)
        region = self._region(key, row)
        email = self._reach.add(
            key,
            name,
            _text(row, "PrimaryContactEmail"),
            _text(row, "PrimaryContactPhone"),
            region=region,
            extension=_text(row, "PrimaryContactPhoneExtension"),
        )
        if name:
            self._same.add(f"{entity}\n{fold(name)}\n{fold(_text(row, 'AddressZipCode'))}", key)
        party = _text(row, "PartyNumber")
        if party:
            self._parties.add(party, key, mark=entity)
        if email:
            self._emails.add(email, key)
        self._adoption.customer(key, name, (_text(row, "PrimaryContactURL"), email))
        joint = party if self._people_set == "ContactPersons" else _text(row, "CustomerAccount")
        if self._people_set and joint:
            self._homes[_home_of(entity, joint)] = Home(region, compact(email))

    def _person(self, row: Mapping[str, Any]) -> None:
        entity = _text(row, "dataAreaId").lower()
        if self._people_set == "ContactPersons":
            key, joint = (
                external_key(entity, _text(row, "ContactPersonId")),
                _text(row, "AssociatedPartyNumber"),
            )
        else:
            key = external_key(entity, f"p-{_text(row, 'ContactPersonPartyNumber')}")
            is_at_customer = row.get("AssociatedContactType") == "Customer"
            joint = _text(row, "AssociatedContactNumber") if is_at_customer else ""
        home = self._homes.get(_home_of(entity, joint)) if joint else None
        if home is None:
            return  # at a vendor, or at a customer that is not read
        email = self._people.add(
            key,
            f"{_text(row, 'FirstName')} {_text(row, 'LastName')}".strip(),
            _text(row, "PrimaryEmailAddress"),
            _text(row, "PrimaryPhoneNumber"),
            region=home.region,
        )
        if email and compact(email) != home.email:  # the customer's own address: its primary contact
            self._emails.add(email, key)

    def _region(self, key: str, row: Mapping[str, Any]) -> str | None:
        """The two letters of a customer's country; one that is given and unknown is counted."""
        given = [_text(row, "AddressCountryRegionISOCode"), _text(row, "AddressCountryRegionId")]
        places = [place for text in given if text and (place := country_of(text))]
        shown = next((text for text in given if text.strip()), "")
        if shown:
            self._countries.add(key, good=bool(places))
            if not places:
                self._unknown_countries[shown.strip()] += 1
        return places[0].alpha_2 if places else None


def name_of(row: Mapping[str, Any]) -> str:
    """What a customer is called: the organisation's or the person's name, else what it is known as."""
    person = f"{_text(row, 'PersonFirstName')} {_text(row, 'PersonLastName')}".strip()
    names = (_text(row, "OrganizationName"), person, _text(row, "KnownAs"), _text(row, "NameAlias"))
    return next((name for name in names if name.strip()), "")


def _home_of(entity: str, joint: str) -> int:
    return compact(f"{entity}\n{joint}")


def _text(row: Mapping[str, Any], name: str) -> str:
    return str(row.get(name) or "")
