"""0.5 A short or odd read is never a mass change: every rule of the breaker, each with its floor."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ml_connector.domain.diff import Change, creation, mark, update
from ml_connector.domain.records import TargetRecord
from ml_connector.engine.breaker import Figures, Limits, verdict
from ml_connector.engine.ports import Traits

TRAITS = Traits(
    status="d365_status",
    names=frozenset({"name"}),
    currencies=frozenset({"d365_currency"}),
    prices=frozenset({"price", "hs_price_eur"}),
)


def change(written: dict[str, str], now: dict[str, str], *, adopted: bool = False) -> Change:
    record = TargetRecord("usmf:1", now, b"print", b"digest")
    return update(record, written, "9001", base=b"base" if written else b"", adopted=adopted)


def counted(*changes: Change) -> Figures:
    figures = Figures()
    figures.add(changes, TRAITS, Limits())
    return figures


@pytest.mark.parametrize(
    ("figures", "stops"),
    [
        (Figures(known=10_000, gone=200), False),  # 2 % is not more than 2 %
        (Figures(known=10_000, gone=201), True),
        (Figures(known=100, gone=24), False),  # at least 25
        (Figures(known=100, gone=25), True),
    ],
)
def test_more_than_2_percent_at_least_25_of_known_records_would_be_marked_gone(
    figures: Figures, *, stops: bool
) -> None:
    assert bool(verdict(figures, TRAITS, Limits())) is stops


@pytest.mark.parametrize(
    ("known", "gone", "stops"), [(1, 1, False), (2, 2, True), (20, 20, True), (20, 19, False)]
)
def test_a_read_that_finds_none_of_the_known_records_stops_however_few_they_are(
    known: int, gone: int, *, stops: bool
) -> None:
    found = verdict(Figures(known=known, gone=gone), TRAITS, Limits())
    assert (found == [f"none of {known} known records was found"]) is stops


@pytest.mark.parametrize(
    ("figures", "stops"),
    [
        (Figures(known=1_000, changed=200), False),
        (Figures(known=1_000, changed=201), True),
        (Figures(known=30, changed=24), False),
        (Figures(known=30, changed=25), True),
    ],
)
def test_more_than_20_percent_of_customers_would_change(figures: Figures, *, stops: bool) -> None:
    assert bool(verdict(figures, TRAITS, Limits())) is stops


@pytest.mark.parametrize(
    ("known", "blanked", "stops"), [(1_000, 10, False), (1_000, 11, True), (50, 1, True), (100, 1, False)]
)
def test_more_than_1_percent_of_names_would_be_blanked(known: int, blanked: int, *, stops: bool) -> None:
    assert bool(verdict(Figures(known=known, blanked=blanked), TRAITS, Limits())) is stops


@pytest.mark.parametrize(
    ("figures", "stops"),
    [
        (Figures(known=1_000, moved=100), False),
        (Figures(known=1_000, moved=101), True),
        (Figures(known=100, moved=24), False),
        (Figures(known=100, moved=25), True),
    ],
)
def test_more_than_10_percent_of_prices_move_by_over_50_percent(figures: Figures, *, stops: bool) -> None:
    assert bool(verdict(figures, TRAITS, Limits())) is stops


def test_a_currency_that_flips_stops_the_run_if_it_is_only_one() -> None:
    assert verdict(Figures(known=10_000, flipped=1), TRAITS, Limits()) == [
        "the currency of 1 records would change"
    ]


@pytest.mark.parametrize(
    ("figures", "stops"),
    [
        (Figures(read=50, parked=10), False),
        (Figures(read=50, parked=11), True),
        (Figures(read=49, parked=49), False),
    ],
)
def test_over_20_percent_of_at_least_50_records_of_one_run_would_park(
    figures: Figures, *, stops: bool
) -> None:
    assert bool(verdict(figures, TRAITS, Limits())) is stops


def test_a_price_list_update_as_such_is_normal() -> None:
    """Every price moves, none of them far: a flow that says so is not stopped."""
    figures = Figures(known=1_000, changed=1_000)
    assert verdict(figures, replace(TRAITS, bulk_is_normal=True), Limits()) == []
    assert verdict(figures, TRAITS, Limits()) != []


@pytest.mark.parametrize(
    ("before", "after", "moved"),
    [("100", "150", 0), ("100", "150.01", 1), ("100", "49.99", 1), ("100", "50", 0), ("100", "", 1)],
)
def test_a_price_has_moved_when_it_moved_by_over_half_of_itself(before: str, after: str, moved: int) -> None:
    assert counted(change({"price": before}, {"price": after})).moved == moved


@pytest.mark.parametrize(
    ("before", "after", "moved"),
    [("", "5", 0), ("0", "5", 0), ("on request", "5", 0)],
)
def test_a_first_price_and_one_that_is_no_number_have_not_moved(before: str, after: str, moved: int) -> None:
    assert counted(change({"price": before}, {"price": after})).moved == moved


def test_a_name_is_blanked_only_when_there_was_one() -> None:
    assert counted(change({"name": "Alder"}, {"name": ""})).blanked == 1
    assert counted(change({"phone": "1"}, {"name": "", "phone": "2"})).blanked == 0


def test_a_currency_flips_as_a_code_or_as_a_price_that_moves_to_another_property() -> None:
    assert counted(change({"d365_currency": "USD"}, {"d365_currency": "EUR"})).flipped == 1
    assert counted(change({"d365_currency": ""}, {"d365_currency": "EUR"})).flipped == 0
    moved = change({"price": "5"}, {"price": "", "hs_price_eur": "5"})
    assert counted(moved).flipped == 1


def test_first_writes_are_exempt_and_later_ones_of_an_adopted_record_are_not() -> None:
    """A record that stood in HubSpot before us is protected as any other once it is ours."""
    new = creation(TargetRecord("usmf:1", {"name": "A"}, b"", b""))
    taken_over = change({}, {"name": "Alder"}, adopted=True)
    assert counted(new, taken_over) == Figures(created=1)
    later = change(
        {"name": "Alder", "d365_currency": "USD"}, {"name": "", "d365_currency": "EUR"}, adopted=True
    )
    figures = counted(later)
    assert (figures.changed, figures.blanked, figures.flipped) == (1, 1, 1)


def test_marks_are_judged_as_gone_and_not_as_changes() -> None:
    gone = mark("usmf:1", "d365_status", "Not in Dynamics", "9001", written={}, base=b"")
    assert counted(gone) == Figures()


def test_a_resumed_crawl_goes_on_with_the_figures_it_had() -> None:
    figures = Figures(read=7, known=3, gone=1, changed=2)
    figures.skipped["group 80"] += 4
    assert Figures.from_details(figures.as_details()) == figures
    assert Figures.from_details({}) == Figures()
