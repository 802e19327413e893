"""What placing would meet is told while a deal is open: refusals of Dynamics' own that went before, and its prices."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from ml_connector.app.deal_work import check
from ml_connector.app.deals import approve_deal, show_deal
from ml_connector.app.plan import Wanted, plan
from ml_connector.app.replay import replay
from ml_connector.flows.orders.checks import own_prices

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.flows.newcomer import GROUPS, company, newcomers
    from tests.flows.office import ON_BOTH_DATABASES, Office
    from tests.flows.selling import ITEM, OTHER_ITEM, sellable, sold

    Start = Callable[..., Awaitable[Office]]
else:
    from newcomer import GROUPS, company, newcomers  # pytest puts this folder on the path
    from office import ON_BOTH_DATABASES, Office
    from selling import ITEM, OTHER_ITEM, sellable, sold

    Start = Any

BEFORE = "order.refused_before"
LICENCE = "The customer has no licence for this product."
TOO_MANY = "The quantity exceeds what can be made in a month."


def _validation(shop: Office, of: str, when: dict[str, str], message: str, field: str = "") -> None:
    """A developer adds a rule to Dynamics of which the connector knows nothing."""
    values = {"ValidationId": message, "Of": of, "When": when, "Message": message, "Field": field}
    shop.twins.pair.set_up("validations", {"dataAreaId": "usmf", **values})


def _lifted(shop: Office) -> None:
    store = shop.twins.pair.dynamics._machine.environment.store
    for row in list(store.tables["validations"].rows):
        store.delete("validations", row)


async def _cause(shop: Office, deal: str) -> str:
    """What readiness names for a deal; empty when it is ready."""
    seen = await check(shop.at, deal)
    assert seen["ready"] == (seen["stopped"] is None)
    return seen["stopped"]["cause"] if seen["stopped"] else ""


async def _placed(shop: Office, deal: str) -> str:
    """Won, approved: done, or why it waits."""
    shop.win(deal)
    await shop.figures("orders")
    await approve_deal(shop.at, deal, by="Kim")
    stood = await show_deal(shop.at, deal)
    return str(stood["cause"] or stood["state"])


async def _open(shop: Office, *lines: tuple[str, str], **properties: str) -> str:
    return await sold(
        shop, *((item, {"quantity": quantity}) for item, quantity in lines), win=False, **properties
    )


@pytest.fixture
async def shop(office: Office) -> Office:
    return await sellable(office)


async def test_a_refusal_is_told_on_deals_about_the_same_until_its_deal_has_its_order(shop: Office) -> None:
    """In Dynamics' own words, with the deal that waits; nothing is written, and a draft is shown all the same."""
    _validation(shop, "lines", {"ItemNumber": ITEM}, "Held by quality control.")
    like, unlike = await _open(shop, (OTHER_ITEM, "1"), (ITEM, "2")), await _open(shop, (OTHER_ITEM, "1"))
    assert [await _cause(shop, deal) for deal in (like, unlike)] == ["", ""], "nobody knows yet"
    refused = await _open(shop, (ITEM, "1"))
    assert await _placed(shop, refused) == "dynamics.refused"

    mark = shop.mark()
    seen = await check(shop.at, like)
    assert (seen["ready"], seen["stopped"]["cause"], seen["stopped"]["step"]) == (False, BEFORE, "place")
    assert f"deals/{refused}" in seen["readiness"]
    assert "Held by quality control." in seen["readiness"]
    assert f"the same item {ITEM}" in seen["readiness"]
    assert seen["draft"]["lines"]
    assert await _cause(shop, unlike) == ""
    assert await _cause(shop, refused) == "", "of itself it says nothing: it shows what Dynamics said"
    assert shop.writes(mark) == []

    _lifted(shop)
    [result] = await replay(shop.at, [f"deals/{refused}"])
    assert result.outcome == "done"
    assert await _cause(shop, like) == ""
    await shop.verified()


@ON_BOTH_DATABASES
async def test_a_deal_no_more_like_the_refused_order_than_one_dynamics_took_since_is_ready(
    shop: Office,
) -> None:
    """The rule is about many pieces, which its words do not say; a few are taken, and that is remembered."""
    _validation(shop, "lines", {"ItemNumber": ITEM, "OrderedSalesQuantity": ">100"}, TOO_MANY)
    assert await _placed(shop, await _open(shop, (ITEM, "150"))) == "dynamics.refused"
    few, fewer, many = [await _open(shop, (ITEM, quantity)) for quantity in ("20", "5", "200")]
    told = [await _cause(shop, deal) for deal in (few, fewer, many)]
    assert told == [BEFORE, BEFORE, BEFORE], "nobody knows yet what it is about"
    assert await _placed(shop, few) == "done"
    assert [await _cause(shop, deal) for deal in (fewer, many)] == ["", BEFORE]
    assert await _placed(shop, many) == "dynamics.refused"
    assert await _cause(shop, fewer) == "", "what was taken counts for every refusal in the same words"
    await shop.verified()


class Said(NamedTuple):
    """A rule of Dynamics' own, a deal it refuses, an open deal about the same, and one that is not."""

    of: str
    when: dict[str, str]
    words: str
    field: str
    refused: dict[str, str]
    like: dict[str, str]
    unlike: dict[str, str]


SAID = {
    "item and customer by their numbers": Said(
        "lines",
        {"ItemNumber": ITEM, "Order.OrderingCustomerAccountNumber": "US-001"},
        f"Item '{ITEM}' may not be sold to customer US-001.",
        field="",
        refused={},
        like={},
        unlike={"d365_customer_account": "US-002"},
    ),
    "an empty field by its label": Said(
        "orders",
        {"CustomerRequisitionNumber": ""},
        "Field 'Customer requisition' must be filled in.",
        field="",
        refused={},
        like={},
        unlike={"d365_customer_po": "PO 1"},
    ),
    "the field that failed": Said(
        "orders",
        {"CustomerRequisitionNumber": "PO 1"},
        "This value is not allowed.",
        field="CustomerRequisitionNumber",
        refused={"d365_customer_po": "PO 1"},
        like={"d365_customer_po": "PO 1", "d365_customer_account": "US-002"},
        unlike={"d365_customer_po": "PO 2"},
    ),
    "nothing, of a header: its customer": Said(
        "orders",
        {"OrderingCustomerAccountNumber": "US-001"},
        "The credit insurance has expired.",
        field="",
        refused={},
        like={"d365_customer_po": "PO 1"},
        unlike={"d365_customer_account": "US-002"},
    ),
}


@pytest.mark.parametrize("what", SAID)
async def test_what_a_refusal_is_about_is_read_from_its_words(shop: Office, what: str) -> None:
    said = SAID[what]
    await shop.customer("usmf:US-002")
    _validation(shop, said.of, said.when, said.words, said.field)
    assert await _placed(shop, await _open(shop, (ITEM, "1"), **said.refused)) == "dynamics.refused"
    assert await _cause(shop, await _open(shop, (ITEM, "1"), **said.like)) == BEFORE
    assert await _cause(shop, await _open(shop, (ITEM, "1"), **said.unlike)) == ""


async def test_a_new_customer_that_was_refused_is_told_on_other_deals_of_its_company(start: Start) -> None:
    shop = await newcomers(start, rules=GROUPS, new_customers="create")
    await shop.sync("customers", "products")
    _validation(shop, "customers", {"CustomerGroupId": "10"}, "The group takes no new customers.")
    companies = [await company(shop, name=name) for name in ("Nova Pumps", "Terra Mills")]
    deals = [await sold(shop, (ITEM, {}), companies=[each], win=False) for each in (companies[0], *companies)]
    assert await _placed(shop, deals[0]) == "dynamics.refused"
    assert [await _cause(shop, deal) for deal in deals[1:]] == [BEFORE, ""]


async def test_a_plan_of_orders_says_so_and_that_it_will_try_all_the_same(shop: Office) -> None:
    _validation(shop, "lines", {"ItemNumber": ITEM}, LICENCE)
    assert await _placed(shop, await _open(shop, (ITEM, "1"))) == "dynamics.refused"
    won = await sold(shop, (ITEM, {}))
    found = (await plan(shop.at, ["orders"], Wanted()))["orders"]
    [row] = [row for row in found["deals"] if row["deal"] == won]
    assert (row["what"], row["stopped"], row["total"]) == ("ask", None, "100.00")
    assert LICENCE in row["message"]


async def test_a_set_that_dynamics_does_not_show_stops_no_order(shop: Office) -> None:
    """What cannot be looked up is left to Dynamics."""
    shop.fault("dynamics", "status", "GET", "/data/Currencies", status=403, times=0)
    assert await _cause(shop, await _open(shop, (ITEM, "1"))) == ""


# --- prices that are left to Dynamics ---


def _agreement(shop: Office, price: float, **further: Any) -> None:
    plain = {"ItemNumber": ITEM, "Price": price, "SalesPriceQuantity": 1, "PriceCurrencyCode": "USD"}
    shop.twins.pair.set_up("SalesPriceAgreements", {"dataAreaId": "usmf", **plain, **further})


AGREEMENTS: dict[str, tuple[list[dict[str, Any]], str, int]] = {  # agreements, quantity, price of one
    "the item's own price": ([], "2", 50),
    "everybody's agreement": ([{"Price": 40}], "2", 40),
    "a price for ten": ([{"Price": 400, "SalesPriceQuantity": 10}], "2", 40),
    "the lowest of two": ([{"Price": 45}, {"Price": 40}], "2", 40),
    "the customer's goes before everybody's": (
        [{"Price": 40}, {"Price": 60, "CustomerAccountNumber": "US-001"}], "2", 60,
    ),
    "the customer's, and the search goes on": (
        [{"Price": 40}, {"Price": 60, "CustomerAccountNumber": "US-001", "WillSearchContinue": "Yes"}],
        "2", 40,
    ),
    "the price group's goes before everybody's": (
        [{"Price": 40}, {"Price": 60, "PriceCustomerGroupCode": "GOLD"}], "2", 60,
    ),
    "another customer's": ([{"Price": 40, "CustomerAccountNumber": "US-009"}], "2", 50),
    "from ten on": ([{"Price": 40, "FromQuantity": 10}], "2", 50),
    "from ten on, for ten": ([{"Price": 40, "FromQuantity": 10}], "10", 40),
    "below ten, for ten": ([{"Price": 40, "ToQuantity": 10}], "10", 50),
    "not in force any more": ([{"Price": 40, "PriceApplicableToDate": "2020-01-01T12:00:00Z"}], "2", 50),
    "not yet in force": ([{"Price": 40, "PriceApplicableFromDate": "2090-01-01T12:00:00Z"}], "2", 50),
    "in another currency": ([{"Price": 40, "PriceCurrencyCode": "EUR"}], "2", 50),
    "in another unit": ([{"Price": 40, "QuantityUnitySymbol": "box"}], "2", 50),
}  # fmt: skip


@pytest.mark.parametrize("what", AGREEMENTS)
async def test_the_price_that_is_foreseen_is_the_one_that_dynamics_sets(start: Start, what: str) -> None:
    """A deal at that price is ready and placed; a dearer one waits, and readiness has said so in the same words."""
    agreements, quantity, price = AGREEMENTS[what]
    orders = {"quiet_minutes": 0, "price_policy": "dynamics"}
    shop = await sellable(await start(settings={"orders": orders}))
    shop.release_changes(ITEM, SalesPrice=50, SalesPriceQuantity=1)
    shop.clerk_changes("CustomersV3", "usmf:US-001", DiscountPriceGroupId="GOLD")
    for one in agreements:
        _agreement(shop, one["Price"], **one)
    right = await sold(shop, (ITEM, {"quantity": quantity, "price": str(price)}), win=False)
    dear = await sold(shop, (ITEM, {"quantity": quantity, "price": str(price + 5)}), win=False)
    assert await _cause(shop, right) == ""
    assert await _placed(shop, right) == "done"
    told = (await check(shop.at, dear))["stopped"]
    assert (told["cause"], told["step"]) == ("order.price_differs", "place")
    assert await _placed(shop, dear) == "order.price_differs"
    sentence = told["message"].partition("Line 1 ")[2]
    assert sentence
    assert sentence in (await show_deal(shop.at, dear))["message"]


@pytest.mark.parametrize(
    ("change", "currency"),
    [
        ({"PriceSiteId": "9"}, "USD"),
        ({"AttributeBasedPricingId": "A"}, "USD"),
        ({"FixedPriceCharges": 3}, "USD"),
        ({}, "EUR"),
    ],
)
async def test_a_price_that_is_not_certain_is_not_judged(
    start: Start, change: dict[str, Any], currency: str
) -> None:
    orders = {"quiet_minutes": 0, "price_policy": "dynamics"}
    shop = await sellable(await start(settings={"orders": orders}))
    _agreement(shop, 40, **change)
    deal = await sold(shop, (ITEM, {"price": "90"}), win=False, deal_currency_code=currency)
    assert await _cause(shop, deal) == ""


async def test_below_dynamics_price_nothing_is_said_where_it_may_give_a_discount(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connector reads whether there are discount agreements, not what they give."""
    orders = {"quiet_minutes": 0, "price_policy": "dynamics", "price_tolerance": Decimal("0.01")}
    shop = await sellable(await start(settings={"orders": orders}))
    _agreement(shop, 40)
    cheap, dear = [await sold(shop, (ITEM, {"price": price}), win=False) for price in ("36", "44")]
    assert [await _cause(shop, deal) for deal in (cheap, dear)] == ["order.price_differs"] * 2
    monkeypatch.setattr(own_prices, "DISCOUNTS", (own_prices.AGREEMENTS,))  # a set that has a row
    assert [await _cause(shop, deal) for deal in (cheap, dear)] == ["", "order.price_differs"]
