"""Step customer: the account that orders and the one that pays, read from F&O. Never a guess."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ml_connector.domain.keys import split_key
from ml_connector.errors import RecordError
from ml_connector.flows.orders.resolved import Found, ResolvedCustomer

if TYPE_CHECKING:
    from ml_connector.flows.orders.choices import Choices
    from ml_connector.flows.orders.settings import OrderSettings
    from ml_connector.flows.orders.snapshot import DealCompany, DealSnapshot
    from ml_connector.systems.dynamics.client import DynamicsClient

CUSTOMER_FIELDS = (
    "dataAreaId",
    "CustomerAccount",
    "OrganizationName",
    "OnHoldStatus",
    "InvoiceAccount",
    "SalesCurrencyCode",
    "LanguageId",
    "PartyNumber",
    "CustomerGroupId",
    "DefaultDimensionDisplayValue",
    "IsOrderNumberReferenceUsed",
    "SiteId",
    "WarehouseId",
)
BLOCKS_ORDERS = ("All",)  # CustVendorBlocked: of its members only All stops a sales order


async def resolve_customer(
    dynamics: DynamicsClient,
    snapshot: DealSnapshot,
    company: DealCompany,
    legal_entity: str,
    *,
    settings: OrderSettings,
    choices: Choices,
) -> ResolvedCustomer:
    """The customer account and its payer, read from F&O, neither on hold."""
    account = _account(snapshot, company, legal_entity, choices)
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
    return ResolvedCustomer(
        account, payer, row["OrganizationName"], row["LanguageId"], notes=tuple(notes), row=row
    )


def _account(snapshot: DealSnapshot, company: DealCompany, legal_entity: str, choices: Choices) -> Found:
    chosen = choices.get("account")
    if chosen is not None:
        return chosen
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
