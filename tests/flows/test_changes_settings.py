"""0.4 What changes_from names is tried before it is relied on: what is not there is said, and the nearest that is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ml_connector.app.connect import ping
from ml_connector.app.plan import Wanted, plan
from ml_connector.errors import ConfigurationError
from ml_connector.store import flows

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.flows.changing import TIMED, crawled
    from tests.flows.office import Office

    Start = Callable[..., Awaitable[Office]]
else:
    from changing import TIMED, crawled


async def refused(start: Start, chosen: str, **switches: str) -> ConfigurationError:
    """What the first sync of customers says; nothing was written."""
    office = await start(settings={"customers": {"changes_from": chosen}}, switches=TIMED | switches)
    await office.customer("usmf:US-001")
    error = (await office.sync("customers"))["customers"].error
    assert isinstance(error, ConfigurationError)
    assert office.companies() == {}
    assert not (await ping(office.at))["dynamics"].ok
    assert (await ping(office.at))["dynamics"].steps[-1].detail == error.message
    async with office.at.store.read() as tx:
        row = await flows.get(tx, office.at.connection.connection_id, "customers")
    assert (row.state, row.paused_reason) == ("paused", error.message)
    return error


async def test_a_field_that_the_data_entity_has_not_is_said_with_the_nearest_that_holds_times(
    start: Start,
) -> None:
    """By sync, before the first load, and by ping."""
    error = await refused(start, "ModifedDateTime")
    assert error.message == (
        "The setting customers.changes_from = ModifedDateTime cannot be used: CustomersV3 has no field of that name. "
        "Did you mean 'ModifiedDateTime'?"
    )
    assert "ping --fit" in error.hint


async def test_bi_entities_that_the_environment_does_not_offer_are_named(start: Start) -> None:
    error = await refused(start, "bi", bi_sets="missing")
    assert "this environment has no data entity CustTableBiEntities" in error.message


async def test_a_field_that_holds_no_times_is_not_taken_for_one(start: Start) -> None:
    error = await refused(start, "CustomerGroupId")
    assert "CustomersV3.CustomerGroupId holds '10', which is no time" in error.message


async def test_a_name_that_dynamics_could_not_have_is_refused_before_anything_is_asked(start: Start) -> None:
    office = await start(settings={"customers": {"changes_from": "Modified at"}})
    with pytest.raises(ConfigurationError, match=r"customers\.changes_from"):
        await office.sync("customers")


async def test_ping_shows_the_newest_time_of_change_and_nothing_where_the_settings_are_off(
    start: Start,
) -> None:
    shop = await crawled(start, 2)
    steps = {step.name: step for step in (await ping(shop.office.at))["dynamics"].steps}
    kept = (await shop.watermark()).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert steps["customers.changes_from = ModifiedDateTime"].detail == f"The newest change is of {kept}."
    assert not [name for name in steps if name.startswith("products.changes_from")]


async def test_a_field_that_no_row_fills_leaves_every_pass_a_full_crawl(start: Start) -> None:
    """An extension may be deployed before its field is filled."""
    office = await start(settings={"customers": {"changes_from": "CredManCreditLimitDate"}})
    await office.customer("usmf:US-001")
    await office.figures("customers")
    for because in ("no full crawl has been finished yet", "the last full crawl met no time of change"):
        report = (await office.sync("customers"))["customers"]
        assert report.reading is not None
        assert report.reading.because == because


async def test_a_field_with_times_to_come_is_no_time_of_change(start: Start) -> None:
    """Dynamics writes the end of time as 2154: behind such a watermark nothing would ever be read."""
    office = await start(settings={"customers": {"changes_from": "CredManCreditLimitDate"}})
    key = await office.customer("usmf:US-001")
    office.clerk_changes("CustomersV3", key, CredManCreditLimitDate="2154-12-31")
    await office.sync("customers")
    for because in ("no full crawl has been finished yet", "the newest time of change lies ahead"):
        report = (await office.sync("customers"))["customers"]
        assert report.reading is not None
        assert report.reading.because == because


async def test_switched_off_again_every_pass_reads_all_rows_and_says_nothing_of_it(start: Start) -> None:
    shop = await crawled(start, 3)
    office = shop.office
    office.at.settings = office.at.settings.model_copy(update={"customers": {}})
    for _ in range(2):
        report = (await office.sync("customers"))["customers"]
        assert (report.error, report.reading, report.counters.read) == (None, None, 3)
    office.at.settings = office.at.settings.model_copy(
        update={"customers": {"changes_from": "ModifiedDateTime"}}
    )
    assert (await shop.read("full")).because == "the settings have changed"
    await shop.read("changes")


async def test_a_plan_shows_what_a_full_crawl_would_do(start: Start) -> None:
    """A name that the time of change does not show is in it, although the next pass would not read it."""
    shop = await crawled(start, 3, "bi")
    shop.changes(2, OrganizationName="Renamed Works")
    found: dict[str, Any] = await plan(shop.office.at, ["customers"], Wanted())
    assert found["flows"]["customers"]["counts"]["update"] == 1
    assert (await shop.read("changes")).records == 0
