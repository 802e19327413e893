"""Steps legal entity, customer and products: from what the deal says to what F&O knows. Never a guess."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ml_connector.domain.keys import split_key
from ml_connector.errors import RecordError
from ml_connector.systems.dynamics.odata import equals

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ml_connector.flows.orders.settings import OrderSettings
    from ml_connector.flows.orders.snapshot import DealCompany, DealLine, DealSnapshot
    from ml_connector.systems.dynamics.client import DynamicsClient

CUSTOMER_FIELDS = (
    "dataAreaId",
    "CustomerAccount",
    "OrganizationName",
    "OnHoldStatus",
    "InvoiceAccount",
    "SalesCurrencyCode",
    "LanguageId",
)
ITEM_FIELDS = ("dataAreaId", "ItemNumber", "ProductNumber", "SalesUnitSymbol")
BLOCKS_ORDERS = ("All",)  # CustVendorBlocked: of its members only All stops a sales order


@dataclass(frozen=True, slots=True)
class Found:
    """A value and the rule that found it, in words."""

    value: str
    rule: str


@dataclass(frozen=True, slots=True)
class ResolvedCustomer:
    """The order account and its payer."""

    account: Found
    payer: Found
    name: str
    language: str
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ResolvedItem:
    """The item behind a line."""

    number: Found
    unit: str


def resolve_company(snapshot: DealSnapshot) -> DealCompany:
    """The company that buys: the primary one, else the only one."""
    if not snapshot.companies:
        raise RecordError(
            f"{snapshot.subject} has no company. Add the buying company to the deal.", code="order.no_company"
        )
    first = snapshot.companies[0]
    if first.primary or len(snapshot.companies) == 1:
        return first
    names = ", ".join(company.name for company in snapshot.companies)
    raise RecordError(
        f"{snapshot.subject} has several companies and none is primary: {names}. Make the buying one primary.",
        code="order.company_unclear",
    )


def resolve_legal_entity(
    snapshot: DealSnapshot, company: DealCompany, settings: OrderSettings, legal_entities: Sequence[str]
) -> Found:
    """The legal entity that sells: as the deal says, else that of the company's accounts, else the default."""
    of_company = sorted({split_key(key)[0] for key in company.customer_keys})
    if snapshot.legal_entity:
        if snapshot.legal_entity not in legal_entities:
            raise RecordError(
                f"{snapshot.subject} names the legal entity '{snapshot.legal_entity}', which is not connected. "
                f"Connected are: {', '.join(legal_entities)}.",
                code="order.legal_entity_unknown",
            )
        if of_company and snapshot.legal_entity not in of_company:
            raise RecordError(
                f"{snapshot.subject} names the legal entity '{snapshot.legal_entity}', and {company.name} has "
                f"accounts only in {', '.join(of_company)}.",
                code="order.legal_entity_conflict",
            )
        return Found(snapshot.legal_entity, "the deal's property d365_legal_entity")
    if len(of_company) == 1:
        return Found(of_company[0], "the legal entity of the company's account")
    if settings.default_legal_entity:
        return Found(settings.default_legal_entity.lower(), "the default legal entity")
    if not of_company:
        raise RecordError(
            f"{snapshot.subject}: {company.name} is not linked to a customer in Dynamics.",
            code="order.company_not_linked",
        )
    raise RecordError(
        f"{snapshot.subject}: {company.name} has accounts in {', '.join(of_company)}. Say on the deal which legal "
        "entity sells (d365_legal_entity).",
        code="order.legal_entity_unclear",
    )


async def resolve_customer(
    dynamics: DynamicsClient,
    snapshot: DealSnapshot,
    company: DealCompany,
    legal_entity: str,
    settings: OrderSettings,
) -> ResolvedCustomer:
    """The customer account and its payer, read from F&O, neither on hold."""
    account = _account(snapshot, company, legal_entity)
    row = await _customer(dynamics, legal_entity, account.value)
    if row is None:
        raise RecordError(
            f"{snapshot.subject}: there is no customer {account.value} in {legal_entity} ({account.rule}).",
            code="order.customer_unknown",
        )
    notes = _hold(snapshot, row, settings)
    payer = Found(account.value, "the customer pays itself")
    if row["InvoiceAccount"] and row["InvoiceAccount"] != account.value:
        payer = Found(row["InvoiceAccount"], "the customer's invoice account")
        payer_row = await _customer(dynamics, legal_entity, payer.value)
        if payer_row is None:
            raise RecordError(
                f"{snapshot.subject}: the invoice account {payer.value} of {account.value} is not in {legal_entity}.",
                code="order.customer_unknown",
            )
        notes += _hold(snapshot, payer_row, settings)
    return ResolvedCustomer(account, payer, row["OrganizationName"], row["LanguageId"], tuple(notes))


def _account(snapshot: DealSnapshot, company: DealCompany, legal_entity: str) -> Found:
    if snapshot.customer_account:
        return Found(snapshot.customer_account, "the deal's property d365_customer_account")
    accounts = [number for entity, number in map(split_key, company.customer_keys) if entity == legal_entity]
    if len(accounts) == 1:
        return Found(accounts[0], f"the account of {company.name} in {legal_entity}")
    if not accounts:
        raise RecordError(
            f"{snapshot.subject}: {company.name} has no account in {legal_entity}.",
            code="order.company_not_linked",
        )
    raise RecordError(
        f"{snapshot.subject}: {company.name} has several accounts in {legal_entity}: {', '.join(accounts)}. "
        "Choose one on the deal (d365_customer_account).",
        code="order.account_unclear",
    )


async def _customer(dynamics: DynamicsClient, legal_entity: str, account: str) -> dict[str, Any] | None:
    return await dynamics.row(
        "CustomersV3", {"dataAreaId": legal_entity, "CustomerAccount": account}, select=CUSTOMER_FIELDS
    )


def _hold(snapshot: DealSnapshot, row: dict[str, Any], settings: OrderSettings) -> list[str]:
    """Notes about a hold; raises when it stops the order."""
    hold, account = row["OnHoldStatus"], row["CustomerAccount"]
    if hold in BLOCKS_ORDERS or (hold == "Invoice" and settings.invoice_hold == "park"):
        raise RecordError(
            f"{snapshot.subject}: customer {account} ({row['OrganizationName']}) is on hold in Dynamics: {hold}.",
            code="order.customer_on_hold",
        )
    return [f"Customer {account} is on hold for {hold}."] if hold not in ("No", "Never") else []


async def resolve_items(
    dynamics: DynamicsClient, snapshot: DealSnapshot, legal_entity: str
) -> dict[str, ResolvedItem]:
    """The item behind each line, by line id; every line that has none is named in one sentence."""
    wanted = {line.id: line.product_key or line.sku for line in snapshot.lines}
    numbers = sorted({number for number in wanted.values() if number})
    rows = (
        await dynamics.rows_by(
            "ReleasedProductsV2",
            "ProductNumber",
            numbers,
            select=ITEM_FIELDS,
            extra_filter=equals("dataAreaId", legal_entity),
        )
        if numbers
        else []
    )
    released = {row["ProductNumber"]: row for row in rows if row["dataAreaId"].lower() == legal_entity}
    missing = [line for line in snapshot.lines if wanted[line.id] not in released]
    if missing:
        raise _items_missing(snapshot, missing, wanted, legal_entity)
    return {
        line.id: ResolvedItem(
            Found(
                released[wanted[line.id]]["ItemNumber"],
                "the product's key" if line.product_key else "the line's SKU",
            ),
            released[wanted[line.id]]["SalesUnitSymbol"],
        )
        for line in snapshot.lines
    }


def _items_missing(
    snapshot: DealSnapshot, missing: Sequence[DealLine], wanted: dict[str, str], legal_entity: str
) -> RecordError:
    without = [line for line in missing if not wanted[line.id]]
    named = "; ".join(
        f"'{line.name}' ({wanted[line.id]})" if wanted[line.id] else f"'{line.name}' (no product)"
        for line in missing
    )
    if len(without) == len(missing):
        return RecordError(
            f"{snapshot.subject}: these lines name no product: {named}. Choose a product for each line.",
            code="order.line_without_product",
            lines=[line.id for line in missing],
        )
    return RecordError(
        f"{snapshot.subject}: not released in {legal_entity}: {named}. Release the product there or change the line.",
        code="order.item_unknown",
        lines=[line.id for line in missing],
    )
