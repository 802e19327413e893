"""Where an order goes: F&O's own default, unless the deal picks one of the customer's delivery addresses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_connector.domain.text import did_you_mean, fold
from ml_connector.errors import RecordError
from ml_connector.flows.orders.draft.resolved import NOT_SAID, Found
from ml_connector.flows.orders.set_up import Row, if_offered
from ml_connector.systems.dynamics.odata import equals

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from ml_connector.flows.orders.deal.snapshot import DealSnapshot
    from ml_connector.flows.orders.draft.choices import Choices
    from ml_connector.flows.orders.draft.resolved import ResolvedCustomer
    from ml_connector.systems.dynamics.client import DynamicsClient

ADDRESSES = "CustomerPostalAddresses"
ADDRESS_FIELDS = (
    "dataAreaId",
    "CustomerAccountNumber",
    "AddressLocationId",
    "AddressDescription",
    "AddressCity",
    "Effective",
    "Expiration",
    "IsRoleDelivery",
)


async def delivery_address(
    dynamics: DynamicsClient,
    snapshot: DealSnapshot,
    legal_entity: str,
    customer: ResolvedCustomer,
    *,
    choices: Choices,
    now: datetime,
) -> Found:
    """The location that the deal or a person picked, by its id or description; nothing picked: not sent.

    Raises:
        RecordError: the customer has no such delivery address now, or several; the sentence lists what there is.
    """
    wanted = choices.get("address") or Found(
        snapshot.delivery_address, "the deal's property d365_delivery_address"
    )
    if not wanted.value.strip():
        return NOT_SAID
    if customer.form is not None:
        raise RecordError(
            f"{snapshot.subject} picks the delivery address '{wanted.value}', and its customer is only being created. "
            "Clear it, or have the customer and the address made in Dynamics.",
            code="order.address_unknown",
        )
    asked = dynamics.rows_by(
        ADDRESSES,
        "CustomerAccountNumber",
        [customer.account.value],
        select=ADDRESS_FIELDS,
        extra_filter=equals("dataAreaId", legal_entity),
    )
    rows = await if_offered(asked)
    if rows is None:
        raise RecordError(
            f"{snapshot.subject} picks the delivery address '{wanted.value}', and the connector may not read "
            f"{ADDRESSES} in Dynamics. Give its user access, or clear the address.",
            code="order.address_unknown",
        )
    return _picked(snapshot, wanted, _valid(rows, customer.account.value, now))


def _valid(rows: Sequence[Row], account: str, now: datetime) -> list[Row]:
    """The customer's delivery addresses of today; F&O writes times so that they sort as texts."""
    moment = now.strftime("%Y-%m-%dT%H:%M:%SZ")
    return [
        row
        for row in rows
        if row["CustomerAccountNumber"].casefold() == account.casefold()
        and row["IsRoleDelivery"] == "Yes"
        and row["Effective"] <= moment
        and (moment < row["Expiration"] or row["Expiration"].startswith("1900"))
    ]


def _picked(snapshot: DealSnapshot, wanted: Found, rows: Sequence[Row]) -> Found:
    by_id = {row["AddressLocationId"]: row for row in rows}
    if wanted.value in by_id:
        return wanted
    word = fold(wanted.value)
    found = [number for number, row in by_id.items() if fold(row["AddressDescription"]) == word]
    if len(found) == 1:
        return Found(found[0], f"{wanted.rule}: {wanted.value}")
    there = "; ".join(
        f"{number} ({row['AddressDescription']}, {row['AddressCity']})"
        for number, row in sorted(by_id.items())
    )
    names = {*by_id, *(row["AddressDescription"] for row in rows)}
    how = "means several" if found else "is not one"
    raise RecordError(
        f"{snapshot.subject}: '{wanted.value}' ({wanted.rule}) {how} of the customer's delivery addresses. "
        f"They are: {there or 'none'}.{did_you_mean(wanted.value, names)}",
        code="order.address_unknown",
    )
