"""Step customer: the account that orders and the one that pays, or the form of a new customer. Never a guess."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ml_connector.domain.keys import external_key, split_key
from ml_connector.errors import RecordError
from ml_connector.flows.orders.customer.buyer import PERSON, Buyer, find_buyer
from ml_connector.flows.orders.customer.form import (
    ACCOUNT,
    GROUP,
    NAME,
    PARTY,
    SOURCES,
    FormMaker,
    sent,
    still_open,
)
from ml_connector.flows.orders.customer.match import SAME_PARTY, Alike, candidates, certain_one
from ml_connector.flows.orders.customer.opening import company_reference, operation_id
from ml_connector.flows.orders.customer.update import customer_changes
from ml_connector.flows.orders.deal.gather import deal_contacts
from ml_connector.flows.orders.draft.order_draft import NEW_CUSTOMER
from ml_connector.flows.orders.draft.resolved import CustomerForm, FormField, Found, ResolvedCustomer
from ml_connector.store import operations
from ml_connector.systems.dynamics.odata import equals

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ml_connector.engine.context import Engine
    from ml_connector.flows.orders.customer.match import Matcher
    from ml_connector.flows.orders.customer.reference_data import ReferenceData
    from ml_connector.flows.orders.deal.snapshot import DealSnapshot
    from ml_connector.flows.orders.draft.choices import Choices
    from ml_connector.flows.orders.draft.resolved import Candidate
    from ml_connector.flows.orders.settings import OrderSettings
    from ml_connector.mapping.apply import CompiledOrderMapping
    from ml_connector.systems.dynamics.client import DynamicsClient
    from ml_connector.systems.hubspot.client import HubSpotClient

PERSON_NAMES = ("PersonFirstName", "PersonMiddleName", "PersonLastNamePrefix", "PersonLastName")
DEMAND_A_NUMBER = ("IsOrderNumberReferenceUsed", "IsPurchRequestUsed")  # the customer's own, on every order
CUSTOMER_FIELDS = (
    "dataAreaId",
    "CustomerAccount",
    "PartyType",
    "OrganizationName",
    *PERSON_NAMES,
    "OnHoldStatus",
    "InvoiceAccount",
    "SalesCurrencyCode",
    "LanguageId",
    "PartyNumber",
    "CustomerGroupId",
    "DefaultDimensionDisplayValue",
    *DEMAND_A_NUMBER,
    "SiteId",
    "WarehouseId",
)
BLOCKS_ORDERS = ("All",)  # CustVendorBlocked: of its members only All stops a sales order
DIMENSIONS = "DefaultDimensionDisplayValue"


@dataclass(frozen=True, slots=True)
class CustomerStep:
    """Finds the customer of a deal; reads both systems and the store, writes nothing."""

    dynamics: DynamicsClient
    hubspot: HubSpotClient
    engine: Engine
    matcher: Matcher
    listed: ReferenceData
    mapping: CompiledOrderMapping
    settings: OrderSettings
    portal_id: int
    tax_id_property: str = ""  # of the company; shown in the form
    looked_at: tuple[str, ...] = ()  # further fields of CustomersV3 that rules and rows of the order read

    @property
    def wanted(self) -> tuple[str, ...]:
        """Further properties that a new customer is filled from, by the names rows use."""
        rows = self.mapping.document.customer
        named = [name for row in rows for name in row.all_sources if name not in SOURCES]
        return (*named, *([f"company.{self.tax_id_property}"] if self.tax_id_property else ()))

    async def buyer(self, snapshot: DealSnapshot) -> Buyer:
        """Who buys."""
        return await find_buyer(self.engine, self.dynamics, snapshot)

    async def resolve(
        self, snapshot: DealSnapshot, buyer: Buyer, legal_entity: str, choices: Choices
    ) -> ResolvedCustomer:
        """The customer account and its payer, neither on hold; or the form of a new customer.

        Raises:
            RecordError: it is not certain who orders, or the customer may not order.
        """
        case = _Case(self, snapshot, buyer, legal_entity, choices)
        account = await case.known_account()
        if account is not None:
            return await case.existing(account)
        found = await case.alike()
        same = certain_one(found)
        if same is not None:
            rule = f"{same.name} is {buyer.company.name}, by {same.rule}: {', '.join(same.reasons)}"
            customer = await case.existing(Found(same.account, rule))
            return replace(customer, adopted_by="" if buyer.is_person else buyer.company.id)
        return await case.new(candidates(found))


@dataclass(frozen=True, slots=True)
class _Case:
    """One deal in one legal entity."""

    step: CustomerStep
    snapshot: DealSnapshot
    buyer: Buyer
    legal_entity: str
    choices: Choices

    # --- the account ---

    async def known_account(self) -> Found | None:
        """As chosen, as the deal says, the company's own or a linked one, or the one opened for it."""
        chosen = self.choices.get("account")
        if chosen is not None:
            return chosen
        snapshot, company, entity = self.snapshot, self.buyer.company, self.legal_entity
        if snapshot.customer_account:
            return Found(snapshot.customer_account, "the deal's property d365_customer_account")
        accounts = self.buyer.accounts_in(entity)
        if len(accounts) > 1:
            raise await self._several(accounts)
        if accounts:
            linked = external_key(entity, accounts[0]) in self.buyer.linked
            how = (
                f"the customer that {company.name} is linked to"
                if linked
                else f"the account of {company.name}"
            )
            return Found(accounts[0], f"{how} in {entity}")
        opened = await self._opened()
        return Found(opened, f"the customer that was created for {company.name}") if opened else None

    async def _several(self, accounts: Sequence[str]) -> RecordError:
        rows = await self.step.dynamics.rows_by(
            "CustomersV3",
            "CustomerAccount",
            accounts,
            select=CUSTOMER_FIELDS,
            extra_filter=equals("dataAreaId", self.legal_entity),
        )
        names = {row["CustomerAccount"]: name_of(row) for row in rows}
        listed = ", ".join(f"{account} ({names.get(account, 'not in Dynamics')})" for account in accounts)
        return RecordError(
            f"{self.snapshot.subject}: {self.buyer.company.name} has several accounts in {self.legal_entity}: "
            f"{listed}. Choose the account on the deal (d365_customer_account).",
            code="order.account_unclear",
            accounts=[*accounts],
        )

    async def _opened(self) -> str:
        """The account of an earlier deal's new customer that the company does not carry yet."""
        engine = self.step.engine
        name = operation_id(self.buyer.company.id, self.legal_entity)
        async with engine.store.read() as tx:
            known = await operations.get(tx, engine.connection_id, name, engine.vault)
        return known.external_id if known is not None and known.state in ("done", "adopted") else ""

    # --- a customer that exists ---

    async def existing(self, account: Found) -> ResolvedCustomer:
        """The account as it stands in F&O, with its payer."""
        row = await self._row(account.value, further=self.step.settings.update_customer)
        if row is None:
            raise RecordError(
                f"{self.snapshot.subject}: there is no customer {account.value} in {self.legal_entity} "
                f"({account.rule}).",
                code="order.customer_unknown",
            )
        account = replace(account, value=row["CustomerAccount"])
        notes = self._hold(row)
        payer, more = await self._payer(account.value, row["InvoiceAccount"])
        update, left = await self._update(row)
        return ResolvedCustomer(
            account,
            payer,
            name_of(row),
            row["LanguageId"],
            notes=(*notes, *more, *left),
            row=row,
            update=update,
        )

    async def _payer(self, account: str, invoice_account: str) -> tuple[Found, list[str]]:
        """Who pays, and notes about a hold."""
        if not invoice_account or invoice_account == account:
            return Found(account, "the customer pays itself"), []
        row = await self._row(invoice_account)
        if row is None:
            raise RecordError(
                f"{self.snapshot.subject}: the invoice account {invoice_account} of {account} is not in "
                f"{self.legal_entity}.",
                code="order.customer_unknown",
            )
        return Found(invoice_account, "the customer's invoice account"), self._hold(row)

    async def _update(self, row: Mapping[str, Any]) -> tuple[tuple[FormField, ...], tuple[str, ...]]:
        """What the deal's company changes of the customer, where the settings let it."""
        names = self.step.settings.update_customer
        if not names or self.buyer.is_person:
            return (), ()
        fields, _ = await self._maker().fields()
        return customer_changes(fields, row, names)

    async def _row(self, account: str, *, further: Sequence[str] = ()) -> dict[str, Any] | None:
        return await self.step.dynamics.row(
            "CustomersV3",
            {"dataAreaId": self.legal_entity, "CustomerAccount": account},
            select=tuple(dict.fromkeys((*CUSTOMER_FIELDS, *self.step.looked_at, *further))),
        )

    def _hold(self, row: Mapping[str, Any]) -> list[str]:
        """Notes about a hold; raises when it stops the order."""
        hold, account = row["OnHoldStatus"], row["CustomerAccount"]
        if hold in BLOCKS_ORDERS or (hold == "Invoice" and self.step.settings.invoice_hold == "park"):
            raise RecordError(
                f"{self.snapshot.subject}: customer {account} ({name_of(row)}) is on hold in Dynamics: {hold}.",
                code="order.customer_on_hold",
            )
        return [f"Customer {account} is on hold for {hold}."] if hold not in ("No", "Never") else []

    # --- a customer that may exist ---

    async def alike(self) -> Sequence[Alike]:
        """Customers of the legal entity that may be the buyer; an account of the known party is it for certain."""
        if self.buyer.is_person:
            return ()
        found = list(await self.step.matcher.alike(self.buyer.company, self.legal_entity))
        party, key = await self._party()
        if party:
            rows = await self.step.dynamics.rows_by(
                "CustomersV3",
                PARTY,
                [party],
                select=CUSTOMER_FIELDS,
                extra_filter=equals("dataAreaId", self.legal_entity),
            )
            same = [
                Alike(
                    row[ACCOUNT], name_of(row), len(rows) == 1, SAME_PARTY, 1000, (f"party {party} of {key}",)
                )
                for row in rows
            ]
            if same:
                accounts = {each.account for each in same}
                found = [
                    *same,
                    *(replace(each, certain=False) for each in found if each.account not in accounts),
                ]
        return found

    async def _party(self) -> tuple[str, str]:
        """The party of the company's accounts elsewhere, and one of their keys; empty when they are of several."""
        keys = [key for key in self.buyer.company.customer_keys if split_key(key)[0] != self.legal_entity]
        parties: dict[str, str] = {}
        for key in keys:
            entity, account = split_key(key)
            row = await self.step.dynamics.row(
                "CustomersV3",
                {"dataAreaId": entity, "CustomerAccount": account},
                select=("dataAreaId", ACCOUNT, PARTY),
            )
            if row is not None and row[PARTY]:
                parties.setdefault(row[PARTY], key)
        return next(iter(parties.items())) if len(parties) == 1 else ("", "")

    # --- a customer that does not exist ---

    async def new(self, alike: tuple[Candidate, ...]) -> ResolvedCustomer:
        """The form of a new customer.

        Raises:
            RecordError: none may be created, or not without a person.
        """
        settings, company = self.step.settings, self.buyer.company
        if settings.new_customers == "never" or self.buyer.is_person:
            raise self._doubtful(alike) if alike else self._none()
        if settings.new_customers == "create" and alike and self.choices.get("open_account") is None:
            raise self._doubtful(alike)
        form = await self._form(alike)
        lacking = still_open(form.fields)
        if settings.new_customers == "create" and lacking:
            named = "; ".join(f"{each.name} ({each.rule})" for each in lacking)
            raise RecordError(
                f"{self.snapshot.subject}: {company.name} is new in {self.legal_entity}, and its customer lacks "
                f"{named}. Give a rule in orders.yaml, or the value for this deal.",
                code="order.new_customer_incomplete",
                fields=[each.name for each in lacking],
            )
        return await self._as_new(form)

    async def _form(self, alike: tuple[Candidate, ...]) -> CustomerForm:
        contacts = await deal_contacts(self.step.hubspot, self.snapshot.deal_id)
        emails = {contact.email for contact in contacts if contact.email}
        fields, notes = await self._maker().fields(email=emails.pop() if len(emails) == 1 else "")
        party, key = await self._party()
        fixed = [FormField("dataAreaId", self.legal_entity, "the legal entity that sells")]
        if party:
            fixed.append(FormField(PARTY, party, f"the party of {key}, the same company"))
        if self.step.settings.customer_reference_field:
            reference = company_reference(self.step.portal_id, self.buyer.company.id)
            rule = "portal and company, the mark by which the customer is found again"
            fixed.append(FormField(self.step.settings.customer_reference_field, reference, rule))
        return CustomerForm(self.buyer.company.id, (*fixed, *fields), alike, (*notes, *self._vat()))

    async def _as_new(self, form: CustomerForm) -> ResolvedCustomer:
        """The order of a customer whose account F&O has yet to give."""
        values = sent(form.fields)
        empty = dict.fromkeys((*CUSTOMER_FIELDS, *self.step.looked_at), "")
        row: dict[str, Any] = {**empty, "OnHoldStatus": "No", **values}
        if not row[DIMENSIONS]:
            group = await self.step.listed.group(self.legal_entity, str(row[GROUP]))
            row[DIMENSIONS] = group.get(DIMENSIONS, "")
        account = Found(NEW_CUSTOMER, "a new customer; Dynamics gives the number")
        payer, notes = account, list[str]()
        if row["InvoiceAccount"]:
            payer, notes = await self._payer(NEW_CUSTOMER, str(row["InvoiceAccount"]))
        name = str(row[NAME] or self.buyer.company.name)
        return ResolvedCustomer(
            account, payer, name, str(row["LanguageId"]), notes=tuple(notes), row=row, form=form
        )

    def _maker(self) -> FormMaker:
        step = self.step
        return FormMaker(
            step.mapping, step.listed, self.snapshot, self.buyer.company, self.legal_entity, self.choices
        )

    def _vat(self) -> tuple[str, ...]:
        number = self.buyer.company.properties.get(self.step.tax_id_property, "")
        if not number:
            return ()
        return (f"VAT number {number}: shown, not sent; a row for TaxExemptNumber under customer sends it.",)

    def _none(self) -> RecordError:
        return RecordError(
            f"{self.snapshot.subject}: {self.buyer.company.name} has no account in {self.legal_entity}.",
            code="order.company_not_linked",
        )

    def _doubtful(self, alike: Sequence[Candidate]) -> RecordError:
        listed = "; ".join(f"{each.account} ({each.name}), {each.reason}" for each in alike)
        return RecordError(
            f"{self.snapshot.subject}: {self.buyer.company.name} may be a customer of {self.legal_entity} already: "
            f"{listed}. Choose the account, or say that a new one is to be opened.",
            code="order.customer_doubtful",
            candidates=[
                {"account": each.account, "name": each.name, "reason": each.reason} for each in alike
            ],
        )


def name_of(row: Mapping[str, Any]) -> str:
    """A customer's name: of a person its names in the order they are spoken."""
    if row.get("PartyType") != PERSON:
        return str(row["OrganizationName"])
    return " ".join(part for name in PERSON_NAMES if (part := str(row[name] or "").strip()))
