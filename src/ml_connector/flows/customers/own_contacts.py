"""Contacts that stand on the customer itself: a customer who is a person, and an organisation's primary e-mail.

An organisation's own e-mail becomes a contact only while no person row stands behind it. Which that is, F&O says on the
customer: ``ContactPersonId`` names its contact person. Asking for customers without one costs a filter; looking for
each customer's people would cost a join over both listings. Where a customer has people of whom none is named, both
become contacts; they are one and the same as soon as their e-mails are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ml_connector.domain.keys import external_key, split_key
from ml_connector.domain.records import Page
from ml_connector.flows.customers.flow import DATA_ENTITY, KEY_FIELDS, ORDER, PERSON
from ml_connector.flows.customers.people import contact_record
from ml_connector.systems.dynamics.odata import after, all_of, any_of, compare, equals
from ml_connector.systems.dynamics.source import both, pick, taken

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Mapping

    from ml_connector.domain.records import SourceRecord
    from ml_connector.systems.dynamics.client import DynamicsClient

OWN_MARK = "c-"  # before a customer's account in a contact's key
REACHED_BY = {  # source of the mapping -> field of CustomersV3
    "Email": "PrimaryContactEmail",
    "Phone": "PrimaryContactPhone",
    "PhoneExtension": "PrimaryContactPhoneExtension",
    "MobilePhone": "PrimaryContactPhoneIsMobile",
}
OF_PERSONS = {  # the same for those that an organisation's e-mail does not have
    "FirstName": "PersonFirstName",
    "MiddleName": "PersonMiddleName",
    "LastName": "PersonLastName",
    "Street": "AddressStreet",
    "City": "AddressCity",
    "State": "AddressState",
    "ZipCode": "AddressZipCode",
}
WHERE = {"CountryRegionId": "AddressCountryRegionId", "CountryRegionISOCode": "AddressCountryRegionISOCode"}
PREFIX = "PersonLastNamePrefix"
EMAIL = REACHED_BY["Email"]
WANTED = any_of(
    [equals("PartyType", PERSON), all_of([equals("ContactPersonId", ""), compare(EMAIL, "ne", "")])]
)
SELECT = tuple(
    sorted(
        {*KEY_FIELDS, "PartyType", "ContactPersonId", PREFIX}
        | {*REACHED_BY.values(), *OF_PERSONS.values(), *WHERE.values()}
    )
)


@dataclass(frozen=True, slots=True)
class OwnContacts:
    """Customers of the chosen legal entities that are, or have, a contact of their own."""

    client: DynamicsClient
    scope: str
    deciding: frozenset[str]  # fields that the scope filters look at
    left_by: Callable[[Mapping[str, Any]], str]
    companies_for_persons: bool

    async def pages(self, done: str) -> AsyncGenerator[Page, None]:
        """Every such customer, from the beginning or after the customer of this key.

        A page's cursor is the key to go on after, which no insertion or deletion in between can shift.
        """
        link: str | None = None
        condition = both(self.scope, WANTED, _after(done) if done else "")
        while True:
            page = await self.client.page(
                DATA_ENTITY, select=self._select, filter=condition, orderby=ORDER, next_link=link
            )
            if page.rows:
                done = _key(page.rows[-1])
            link = page.next_link
            yield Page([self._record(row) for row in taken(page.rows)], done if link is not None else None)
            if link is None:
                return

    async def read(self, legal_entity: str, number: str) -> SourceRecord | None:
        """One of them by ``c-`` and account."""
        account = number.removeprefix(OWN_MARK)
        if account == number:
            return None
        key = {"dataAreaId": legal_entity, "CustomerAccount": account}
        row = await self.client.row(DATA_ENTITY, key, select=self._select)
        return self._record(row) if row is not None and _has_own_contact(row) else None

    @property
    def _select(self) -> tuple[str, ...]:
        return tuple(sorted({*SELECT, *self.deciding}))

    def _record(self, row: Mapping[str, Any]) -> SourceRecord:
        """A customer as a contact.

        An organisation lends its e-mail neither its name nor its address, only the country its phone is read by.
        """
        picked = pick(row, self._select, DATA_ENTITY)
        is_person = picked["PartyType"] == PERSON
        named = REACHED_BY | WHERE | (OF_PERSONS if is_person else {})
        values = {name: picked[field] for name, field in named.items()}
        if is_person and picked[PREFIX]:
            values["LastName"] = f"{picked[PREFIX]} {picked['PersonLastName']}".strip()
        key = _key(picked)
        legal_entity, account = split_key(key)
        has_company = self.companies_for_persons or not is_person
        return contact_record(
            external_key(legal_entity, f"{OWN_MARK}{account}"),
            values,
            customers=[key] if has_company else [],
            left_scope=self.left_by(picked),
        )


def _key(row: Mapping[str, Any]) -> str:
    return external_key(row["dataAreaId"], row["CustomerAccount"])


def _has_own_contact(row: Mapping[str, Any]) -> bool:
    """What ``WANTED`` asks, of a row."""
    if row["PartyType"] == PERSON:
        return True
    return not str(row["ContactPersonId"] or "").strip() and bool(str(row[EMAIL] or "").strip())


def _after(key: str) -> str:
    """Beyond a customer in the order of legal entity and account."""
    legal_entity, account = split_key(key)
    of_it = all_of([equals("dataAreaId", legal_entity), after("CustomerAccount", account)])
    return any_of([of_it, after("dataAreaId", legal_entity)])
