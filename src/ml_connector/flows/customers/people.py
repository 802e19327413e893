"""People at customers: the two data entities F&O knows them by, read as the same fields.

CDSContactPersonsV2 has a row for each person and customer and names the customer. Where an environment does not offer
it, ContactPersons has a row for each person and party, customers' and vendors' alike: the customers with that party
number tell which are meant. Both are read in the order of a party number, so that what belongs together stands
together: a page holds back only its last number, and that number is where an interrupted read goes on.
"""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from ml_connector.domain.keys import external_key
from ml_connector.domain.records import Page, SourceRecord, digest
from ml_connector.errors import ConfigurationError
from ml_connector.systems.dynamics.odata import EnumMember, after, compare, equals
from ml_connector.systems.dynamics.source import both, in_legal_entities, pick, taken

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence

    from ml_connector.systems.dynamics.client import DynamicsClient

CDS, CONTACT_PERSONS, CUSTOMERS = "CDSContactPersonsV2", "ContactPersons", "CustomersV3"
PERSON_PARTY, CUSTOMER_PARTY, ACCOUNT = (
    "ContactPersonPartyNumber",
    "AssociatedPartyNumber",
    "AssociatedContactNumber",
)
CUSTOMERS_ONLY = equals(
    "AssociatedContactType", EnumMember("SmmContactPersonCdsAssociatedContactType", "Customer")
)
PERSON_MARK = "p-"  # before a person's party number in a contact's key
_BOTH = {  # source of the mapping -> field, where the two entities agree
    "FirstName": "FirstName",
    "MiddleName": "MiddleName",
    "LastName": "LastName",
    "Email": "PrimaryEmailAddress",
    "Phone": "PrimaryPhoneNumber",
    "Department": "EmploymentDepartment",
    "Street": "PrimaryAddressStreet",
    "City": "PrimaryAddressCity",
    "State": "PrimaryAddressStateId",
    "ZipCode": "PrimaryAddressZipCode",
    "CountryRegionId": "PrimaryAddressCountryRegionId",
    "CountryRegionISOCode": "PrimaryAddressCountryRegionISOCode",
}
FIELDS = {
    CDS: _BOTH | {"JobTitle": "EmploymentProfession"},  # it has no job title
    CONTACT_PERSONS: _BOTH
    | {
        "JobTitle": "EmploymentJobTitle",
        "PhoneExtension": "PrimaryPhoneNumberExtension",
        "MobilePhone": "IsPrimaryPhoneNumberMobile",
    },
}

VALUES = frozenset(name for fields in FIELDS.values() for name in fields)
_NONE = dict.fromkeys(sorted(VALUES), "")

Row = dict[str, Any]


class People(Protocol):
    """One of the two data entities."""

    @property
    def data_entity(self) -> str:
        """Its name."""

    def pages(self, done: str) -> AsyncGenerator[Page, None]:
        """Every person, from the beginning or after this number; a page's cursor is the number to go on after."""

    async def read(self, legal_entity: str, number: str) -> SourceRecord | None:
        """One person by the number in a contact's key."""


async def offered_people(client: DynamicsClient) -> str:
    """The data entity to read people from: the one that names customers, where the environment has it.

    Raises:
        AccessError: it is there, and the app's user may not read it; taking the other one would change every key.
    """
    try:
        await client.page(CDS, select=(PERSON_PARTY,), top=1)
    except ConfigurationError as exc:
        if exc.code != "dynamics.unknown_entity":
            raise
        return CONTACT_PERSONS
    return CDS


def people(
    client: DynamicsClient, data_entity: str, *, sources: frozenset[str], legal_entities: Sequence[str]
) -> People:
    """The reader of one data entity; ``sources`` are those the mapping uses."""
    named = {name: field for name, field in FIELDS[data_entity].items() if name in sources}
    if "MobilePhone" in named:
        named["Phone"] = FIELDS[data_entity]["Phone"]
    reader = CdsPeople if data_entity == CDS else ContactPersons
    return reader(client, named, in_legal_entities(legal_entities))


@dataclass(frozen=True, slots=True)
class CdsPeople:
    """People of CDSContactPersonsV2; one person at several customers of a legal entity is one record."""

    client: DynamicsClient
    named: Mapping[str, str]
    scope: str
    data_entity: str = CDS

    async def pages(self, done: str) -> AsyncGenerator[Page, None]:
        """Every person at a customer."""
        order = f"{PERSON_PARTY},dataAreaId,{ACCOUNT}"
        scope = both(self.scope, CUSTOMERS_ONLY)
        pages = _neighbours(
            self.client, CDS, PERSON_PARTY, select=self._select, scope=scope, order=order, done=done
        )
        async with aclosing(pages):
            async for groups, cursor in pages:
                yield Page([record for rows in taken(groups) for record in self._records(rows)], cursor)

    async def read(self, legal_entity: str, number: str) -> SourceRecord | None:
        """One person by ``p-`` and party number."""
        party = number.removeprefix(PERSON_MARK)
        if party == number:
            return None
        wanted = both(equals("dataAreaId", legal_entity), equals(PERSON_PARTY, party), CUSTOMERS_ONLY)
        rows: list[Row] = []
        async for page in self.client.pages(CDS, select=self._select, filter=wanted, orderby=ACCOUNT):
            rows += [row for row in page.rows if row[PERSON_PARTY] == party]  # "*" in a filter is a wildcard
        return next(self._records(rows), None)

    @property
    def _select(self) -> tuple[str, ...]:
        return tuple(sorted({"dataAreaId", PERSON_PARTY, ACCOUNT, "IsInactive", *self.named.values()}))

    def _records(self, rows: Sequence[Row]) -> Iterator[SourceRecord]:
        """A person's rows as one record for each legal entity; the first row that is active tells the rest."""
        for entity in dict.fromkeys(str(row["dataAreaId"]).lower() for row in rows):
            own = [row for row in rows if str(row["dataAreaId"]).lower() == entity]
            shown = next((row for row in own if row["IsInactive"] != "Yes"), own[0])
            key = external_key(entity, f"{PERSON_MARK}{shown[PERSON_PARTY]}")
            accounts = [str(row[ACCOUNT]) for row in own]
            yield _record(shown, key, named=self.named, data_entity=CDS, accounts=accounts)


@dataclass(frozen=True, slots=True)
class ContactPersons:
    """People of ContactPersons whose party is a customer of the same legal entity."""

    client: DynamicsClient
    named: Mapping[str, str]
    scope: str
    data_entity: str = CONTACT_PERSONS

    async def pages(self, done: str) -> AsyncGenerator[Page, None]:
        """Every person at a customer; those of vendors count as skipped."""
        order = f"{CUSTOMER_PARTY},dataAreaId,ContactPersonId"
        scope = both(self.scope, compare(CUSTOMER_PARTY, "ne", ""))
        pages = _neighbours(
            self.client,
            CONTACT_PERSONS,
            CUSTOMER_PARTY,
            select=self._select,
            scope=scope,
            order=order,
            done=done,
        )
        async with aclosing(pages):
            async for groups, cursor in pages:
                rows = [row for group in groups for row in group]
                records = await self._joined(rows)
                yield Page(records, cursor, skipped=len(rows) - len(records))

    async def read(self, legal_entity: str, number: str) -> SourceRecord | None:
        """One person by id."""
        key = {"dataAreaId": legal_entity, "ContactPersonId": number}
        row = await self.client.row(CONTACT_PERSONS, key, select=self._select)
        return next(iter(await self._joined([row])), None) if row is not None else None

    @property
    def _select(self) -> tuple[str, ...]:
        return tuple(
            sorted({"dataAreaId", "ContactPersonId", CUSTOMER_PARTY, "IsInactive", *self.named.values()})
        )

    async def _joined(self, rows: Sequence[Row]) -> list[SourceRecord]:
        """Rows in the order of their party number, as records with their customers."""
        known = await self._accounts(rows)
        records = []
        for row in rows:
            entity = str(row["dataAreaId"]).lower()
            accounts = known.get((entity, row[CUSTOMER_PARTY]))
            if accounts:
                key = external_key(entity, str(row["ContactPersonId"]))
                records.append(
                    _record(row, key, named=self.named, data_entity=CONTACT_PERSONS, accounts=accounts)
                )
        return records

    async def _accounts(self, rows: Sequence[Row]) -> dict[tuple[str, str], list[str]]:
        """The accounts of these parties by legal entity and party, read as one range of party numbers.

        F&O itself compares the ends of the range, so its order of texts need not be known here.
        """
        found: dict[tuple[str, str], list[str]] = {
            (str(row["dataAreaId"]).lower(), row[CUSTOMER_PARTY]): [] for row in rows if row[CUSTOMER_PARTY]
        }
        if not found:
            return {}
        first, last = rows[0][CUSTOMER_PARTY], rows[-1][CUSTOMER_PARTY]
        within = both(self.scope, compare("PartyNumber", "ge", first), compare("PartyNumber", "le", last))
        select = ("dataAreaId", "CustomerAccount", "PartyNumber")
        order = "dataAreaId,CustomerAccount"
        async for page in self.client.pages(CUSTOMERS, select=select, filter=within, orderby=order):
            for row in page.rows:
                accounts = found.get((str(row["dataAreaId"]).lower(), row["PartyNumber"]))
                if accounts is not None:
                    accounts.append(str(row["CustomerAccount"]))
        return found


def _record(
    row: Mapping[str, Any],
    key: str,
    *,
    named: Mapping[str, str],
    data_entity: str,
    accounts: Sequence[str],
) -> SourceRecord:
    """A person under the names the mapping knows."""
    picked = pick(row, tuple(named.values()), data_entity)
    entity = key.partition(":")[0]
    return contact_record(
        key,
        {name: picked[field] for name, field in named.items()},
        status="Inactive" if row["IsInactive"] == "Yes" else "Active",
        customers=[external_key(entity, account) for account in accounts],
    )


def contact_record(
    key: str,
    values: Mapping[str, Any],
    *,
    status: str = "Active",
    customers: Sequence[str] = (),
    left_scope: str = "",
) -> SourceRecord:
    """A contact of whatever origin.

    Args:
        key: Its external key.
        values: By the names the mapping knows; ``MobilePhone`` still says whether the phone is one.
        status: Active or Inactive.
        customers: Keys of the customers it belongs to.
        left_scope: The scope filter that leaves it out.
    """
    fields = _NONE | {name: value or "" for name, value in values.items()}
    fields["MobilePhone"] = fields["Phone"] if fields["MobilePhone"] == "Yes" else ""
    fields |= {
        "ContactKey": key,
        "LegalEntity": key.partition(":")[0],
        "Status": status,
        "Customers": list(customers),
        "LeftScope": left_scope,
    }
    return SourceRecord(key, fields, digest(fields), left_scope)


async def _neighbours(
    client: DynamicsClient,
    data_entity: str,
    field: str,
    *,
    select: Sequence[str],
    scope: str,
    order: str,
    done: str,
) -> AsyncGenerator[tuple[list[list[Row]], str | None], None]:
    """The rows of each value of ``field`` together, page by page, with the last value that is complete."""
    held: list[Row] = []
    link: str | None = None
    begin = both(scope, after(field, done)) if done else scope
    while True:
        page = await client.page(data_entity, select=select, filter=begin, orderby=order, next_link=link)
        groups = _grouped([*held, *page.rows], field)
        held = groups.pop() if page.next_link is not None and groups else []
        if groups:
            done = str(groups[-1][0][field])
        link = page.next_link
        came = groups, done if link is not None else None
        del page, groups  # not held while the next page is read
        yield came
        del came
        if link is None:
            return


def _grouped(rows: Sequence[Row], field: str) -> list[list[Row]]:
    """Neighbouring rows of one value together; rows without a value belong to nobody."""
    groups: list[list[Row]] = []
    for row in rows:
        if groups and groups[-1][0][field] == row[field]:
            groups[-1].append(row)
        elif row[field]:
            groups.append([row])
    return groups
