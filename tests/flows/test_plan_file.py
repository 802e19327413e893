"""Runs of what a person has chosen: the changes of a plan's file, the first few records, some keys, what is held."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

import orjson
import pytest

from ml_connector.app.chosen import held_verdict, release, sync_first, sync_keys, sync_plan
from ml_connector.app.flow_switch import disable
from ml_connector.errors import AccessError, ConfigurationError, RunStoppedError
from ml_connector.store import runs

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from tests.flows.office import Office, check_sum
    from tests.flows.planning import (
        content,
        ids,
        loaded,
        planned,
        planned_of,
        promised,
        stored,
        written,
    )

    from ml_connector.store.runs import Run
else:  # pytest puts this folder on the path
    from office import check_sum
    from planning import (
        content,
        ids,
        loaded,
        planned,
        planned_of,
        promised,
        stored,
        written,
    )


async def test_sync_plan_writes_exactly_the_changes_of_the_file_and_moves_no_progress(
    office: Office, tmp_path: Path
) -> None:
    """Creates, updates and marks; who started it and with which plan stands in the audit."""
    await loaded(office, 4)
    office.twins.pair.remove("CustomersV3", "usmf:US-004")
    await office.figures("customers")
    office.clerk_changes("CustomersV3", "usmf:US-001", OrganizationName="Alder Mills")
    await office.customer("usmf:US-005")
    path = tmp_path / "customers.plan"
    await planned(office, "customers", out=path)
    _, lines = content(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    await office.customer("usmf:US-006")  # not in the plan
    progress = (await stored(office))["mlc_progress"]
    mark, before = office.mark(), ids(office, "companies")

    report = await sync_plan(office.at, "customers", path)
    check_sum(report.counters)
    assert (report.counters.created, report.counters.updated) == (1, 2)
    assert written(office, mark, "companies", before) == promised(lines, "companies")
    assert (await stored(office))["mlc_progress"] == progress
    story = await office.story("customers", "usmf:US-001")
    assert ", with plan " in orjson.loads(story[-1].payload)["by"]
    assert await office.figures("customers") == {"read": 5, "created": 1, "unchanged": 4}
    await office.verified()


async def test_a_change_whose_record_was_written_since_the_plan_is_left_out(
    office: Office, tmp_path: Path
) -> None:
    await loaded(office, 2)
    for number in (1, 2):
        office.clerk_changes("CustomersV3", f"usmf:US-00{number}", OrganizationName="Alder Mills")
    await office.customer("usmf:US-003")
    path = tmp_path / "customers.plan"
    await planned(office, "customers", out=path)
    office.clerk_changes("CustomersV3", "usmf:US-002", OrganizationName="Alder Works")
    await sync_keys(office.at, "customers", ["usmf:US-002", "usmf:US-003"])
    report = await sync_plan(office.at, "customers", path)
    assert (report.counters.updated, report.counters.skipped, report.counters.read) == (1, 2, 3)
    assert office.companies()["usmf:US-002"]["name"] == "Alder Works"


async def test_a_plan_whose_verdict_a_person_has_seen_is_written(office: Office, tmp_path: Path) -> None:
    await loaded(office, 30)
    for number in range(1, 31):
        office.clerk_changes("CustomersV3", f"usmf:US-{number:03}", OrganizationName=f"Other {number}")
    path = tmp_path / "customers.plan"
    await planned(office, "customers", out=path)
    assert content(path)[0]["verdict"] == ["30 of 30 known records would change"]
    assert (await sync_plan(office.at, "customers", path)).counters.updated == 30


async def test_a_file_that_is_not_this_plan_of_this_connection_is_refused(
    office: Office, tmp_path: Path
) -> None:
    """Another flow, another mapping, changed lines, a file others may write to, no plan at all: nothing is sent."""
    await office.customer("usmf:US-001")
    path = tmp_path / "customers.plan"
    await planned(office, "customers", out=path)
    good, mark = path.read_bytes(), office.mark()

    async def refused(name: str, words: str) -> None:
        with pytest.raises(ConfigurationError, match=words):
            await sync_plan(office.at, name, path)
        assert office.writes(mark) == []

    await refused("products", "is a plan of customers, not of products")
    await refused("orders", "Orders go whole")
    path.write_bytes(good.replace(b"US-001 Works", b"US-001 Wirks"))
    await refused("customers", "was changed after it was written")
    path.write_bytes(b"".join(good.splitlines(keepends=True)[:1]))
    await refused("customers", "was changed after it was written")
    path.write_bytes(good.replace(b'"connection":"default"', b'"connection":"other"'))
    await refused("customers", "of the connection 'other'")
    for other in (b"", b"{}\n", b"[1]\n", b"no plan", b"\xff\xfe"):
        path.write_bytes(other)
        await refused("customers", "is not the file of a plan")
    path.write_bytes(good)
    path.chmod(0o622)
    await refused("customers", "Others than you may write")
    path.chmod(0o600)
    file = office.home / "mappings" / "customers.yaml"
    file.write_text(file.read_text().replace("# What sales works with", "# What sales needs"))
    await refused("customers", "version 1 of the mapping; now it is 2")
    path.unlink()
    await refused("customers", "cannot be read: No such file")


async def test_a_plan_of_another_connection_of_the_same_name_is_refused(
    start: Callable[..., Awaitable[Office]], tmp_path: Path
) -> None:
    """The seal is of the database whose key made it."""
    office, other = await start(house="one"), await start(house="two")
    await office.customer("usmf:US-001")
    path = tmp_path / "customers.plan"
    await planned(office, "customers", out=path)
    with pytest.raises(ConfigurationError, match="was not written by this connection"):
        await sync_plan(other.at, "customers", path)


async def test_an_existing_file_is_kept_unless_forced_and_a_failing_plan_leaves_none(
    office: Office, tmp_path: Path
) -> None:
    path = tmp_path / "customers.plan"
    path.write_text("mine")
    with pytest.raises(ConfigurationError, match="exists already"):
        await planned(office, "customers", out=path)
    assert path.read_text() == "mine"
    await planned(office, "customers", out=path, force=True)
    assert content(path)[0]["flow"] == "customers"
    with pytest.raises(ConfigurationError, match=r"cannot be written to .*: No such file or directory"):
        await planned(office, "customers", out=tmp_path / "nowhere" / "customers.plan")
    office.fault("dynamics", "status", "GET", "/CustomersV3", status=403, body={}, times=9)
    with pytest.raises(AccessError):
        await planned(office, "customers", out=tmp_path / "none.plan")
    assert [name for name in os.listdir(tmp_path) if ".plan" in name] == ["customers.plan"]  # noqa: PTH208 - in a loop
    with pytest.raises(ConfigurationError, match="--out goes with exactly one record flow"):
        await planned(office, "customers", "products", out=path, force=True)


async def test_the_first_records_are_written_and_a_later_load_finds_them_unchanged(office: Office) -> None:
    """off, preview, first 100, on: the flow may be off, and is not loaded by it."""
    for number in range(1, 8):
        await office.customer(f"usmf:US-{number:03}")
    await disable(office.at, ["customers"])
    report = await sync_first(office.at, "customers", 3)
    check_sum(report.counters)
    assert (report.counters.read, report.counters.created) == (3, 3)
    assert set(office.companies()) == {f"usmf:US-00{number}" for number in (1, 2, 3)}
    assert (await planned_of(office, "customers"))["counts"]["unchanged"] == 3
    assert await office.figures("customers") == {"read": 7, "created": 4, "unchanged": 3}
    with pytest.raises(ConfigurationError, match="has been loaded already"):
        await sync_first(office.at, "customers", 3)


async def test_a_keyed_sync_moves_these_records_and_leaves_a_parked_one_parked(office: Office) -> None:
    """Like a replay, but what is parked is not tried again while nothing about it has changed."""
    await loaded(office, 3)
    office.clerk_changes("CustomersV3", "usmf:US-001", OrganizationName="x" * 65_537)
    for number in (2, 3):
        office.clerk_changes("CustomersV3", f"usmf:US-00{number}", OrganizationName="Alder Mills")
    keys = ["usmf:US-001", "usmf:US-002", "usmf:US-002", "usmf:US-404"]
    for updated in (1, 0):
        report = await sync_keys(office.at, "customers", keys)
        check_sum(report.counters)
        assert (report.counters.read, report.counters.updated, report.counters.parked) == (2, updated, 1)
    assert (await office.stuck("customers"))["usmf:US-001"].times == 1
    assert office.companies()["usmf:US-003"]["name"] == "US-003 Works"
    assert [run.kind for run in await recent(office)][:2] == ["keyed", "keyed"]


async def recent(office: Office) -> list[Run]:
    async with office.at.store.read() as tx:
        return await runs.list(tx, office.at.connection.connection_id)


async def test_a_stopped_run_is_released_by_a_person_and_not_before(office: Office) -> None:
    """Its verdict is there to be read; a flow that is not stopped has nothing to release."""
    await loaded(office, 30)
    with pytest.raises(ConfigurationError, match="No run of customers is stopped"):
        await held_verdict(office.at, "customers")
    for number in range(1, 31):
        office.clerk_changes("CustomersV3", f"usmf:US-{number:03}", OrganizationName=f"Other {number}")
    mark = office.mark()
    stopped = (await office.sync("customers"))["customers"]
    assert isinstance(stopped.error, RunStoppedError)
    assert office.writes(mark) == []
    assert await held_verdict(office.at, "customers") == ["30 of 30 known records would change"]
    assert (await planned_of(office, "customers"))["stopped"] == ["30 of 30 known records would change"]
    report = await release(office.at, "customers")
    assert (report.error, report.counters.updated) == (None, 30)
    assert [run.state for run in await recent(office)][:2] == ["done", "stopped"]
    assert await office.figures("customers") == {"read": 30, "unchanged": 30}
