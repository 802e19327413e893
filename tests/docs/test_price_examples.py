"""The examples on the page about prices are what the connector makes of such lines."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from ml_connector.domain.money import currency_digits, parse_decimal
from ml_connector.errors import RecordError
from ml_connector.flows.orders.deal.snapshot import DealLine, DealOwner, DealSnapshot
from ml_connector.flows.orders.draft.order_draft import DraftLine
from ml_connector.flows.orders.draft.resolved import Found, LineAmounts, ResolvedItem
from ml_connector.flows.orders.lines.amounts import resolve_amounts
from ml_connector.flows.orders.placing.pricing import price_differences
from ml_connector.flows.orders.settings import OrderSettings

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "prices-and-discounts.md"
ITEM = ResolvedItem(Found("P-100", ""), Found("ea", ""))


def table(first_cell: str) -> list[list[str]]:
    """The rows of the table whose head begins so."""
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    start = next(at for at, line in enumerate(lines) if line.startswith(f"| {first_cell} |")) + 2
    end = next(at for at in range(start, len(lines)) if not lines[at].startswith("|"))
    return [[cell.strip(" `") for cell in line.strip("|").split("|")] for line in lines[start:end]]


def amounts_of(currency: str, line: DealLine) -> LineAmounts | str:
    """What is sent for a line, or the cause for which its deal waits."""
    empty = dict.fromkeys(DealSnapshot.__match_args__, "")
    given = {
        "currency": currency,
        "companies": (),
        "lines": (line,),
        "owner": DealOwner("", "", "", ()),
        "properties": {},
    }
    snapshot = DealSnapshot(**empty | given)  # type: ignore[arg-type]  # what amounts do not look at is empty
    try:
        return resolve_amounts(snapshot, {line.id: ITEM}, OrderSettings())[line.id]
    except RecordError as error:
        return error.code


def test_the_lines_shown_with_the_deals_price_are_sent_as_the_page_says() -> None:
    rows = table("currency")
    assert len(rows) == 11
    for currency, quantity, price, discount, percent, amount, *sent in rows:
        made = amounts_of(
            currency, DealLine("1", "A", "", "", "", quantity, price, discount, percent, amount, "")
        )
        if isinstance(made, str):
            assert sent[0] == f"waits: `{made}", sent
        else:
            assert [made.price, made.discount_amount, made.discount_percent] == [*map(Decimal, sent)]
            one_unit = Decimal(1).scaleb(-currency_digits(currency))
            assert abs(made.total - parse_decimal(amount, field="amount")) <= one_unit


def test_the_prices_of_dynamics_stop_an_order_or_not_as_the_page_says() -> None:
    rows = table("deal's line")
    assert len(rows) == 6
    for deal, dynamics, tolerance, outcome in rows:
        said, currency = deal.split()
        found = price_differences(
            [DraftLine(1, "A", Decimal(said), ())],
            {1: Decimal(dynamics.split()[0])},
            tolerance=Decimal(tolerance),
            currency=currency,
        )
        word = outcome.partition(":")[0]
        assert word == ("nothing" if not found else "stops" if found[0].too_far else "a note"), outcome
