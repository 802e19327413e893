"""Doubtful matches go to a review queue; what was linked can be taken back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ml_connector.app import match_review
from ml_connector.errors import ConfigurationError
from ml_connector.store import matches

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.flows.long_used import KIM, company, known_portal, matched, undecided, waiting
    from tests.flows.office import ON_BOTH_DATABASES, Office
else:  # pytest puts this folder on the path
    from long_used import KIM, company, known_portal, matched, undecided, waiting
    from office import ON_BOTH_DATABASES, Office


@pytest.fixture
async def office(start: Callable[..., Awaitable[Office]]) -> Office:
    """The plain case; search knows at once what was written a moment ago."""
    return await start(switches={"search_lag_s": "0"})


async def test_a_record_with_an_open_proposal_is_undecided_until_a_person_decides(office: Office) -> None:
    """The first load asks for exactly this: nothing is created behind a doubtful match."""
    await known_portal(office)
    keys = ("usmf:US-001", "usmf:US-002", "usmf:US-003")
    assert await undecided(office, *keys) == set()
    await matched(office)
    assert await undecided(office, *keys) == {"usmf:US-002"}
    assert await undecided(office, "usmf:US-003") == set()
    await match_review.turn_down(office.at, (await waiting(office))[0]["id"], by=KIM)
    assert await undecided(office, *keys) == set()


async def test_accepting_stamps_one_record_and_closes_its_other_proposals(office: Office) -> None:
    await known_portal(office)
    twin = await company(office, name="Birch Foundry LLC", city="Chicago")
    await matched(office)
    first, second = await waiting(office)
    assert {first["record"], second["record"]} == {"customers/usmf:US-002"}
    mark = office.mark()
    chosen = first if first["target_id"] == twin else second
    row = await match_review.accept(office.at, chosen["id"], by=KIM)
    assert (row["state"], row["decided_by"], row["target_id"]) == ("accepted", KIM, twin)
    [write] = office.writes(mark)
    assert write.keys == (twin,)
    assert await waiting(office) == []
    with pytest.raises(ConfigurationError, match="decided already"):
        await match_review.accept(office.at, chosen["id"], by=KIM)
    assert len(office.writes(mark)) == 1
    await office.verified()


async def test_accepting_with_another_target_links_the_record_that_was_named(office: Office) -> None:
    ids = await known_portal(office)
    await matched(office)
    [proposal] = await waiting(office)
    row = await match_review.accept(office.at, proposal["id"], target_id=ids["other"], by=KIM)
    assert (row["target_id"], row["rule"]) == (ids["other"], "chosen by hand")
    assert office.company_id("usmf:US-002") == ids["other"]
    assert await waiting(office) == []


@pytest.mark.parametrize("what", ["gone", "taken"])
async def test_a_record_that_is_gone_or_belongs_to_another_cannot_be_accepted(
    office: Office, what: str
) -> None:
    ids = await known_portal(office)
    await matched(office)
    [proposal] = await waiting(office)
    target = "999999999" if what == "gone" else ids["alder"]
    mark = office.mark()
    with pytest.raises(ConfigurationError) as refused:
        await match_review.accept(office.at, proposal["id"], target_id=target, by=KIM)
    assert refused.value.code == "match.not_free"
    assert office.writes(mark) == []
    assert await waiting(office) == [proposal]


async def test_a_rejected_pair_is_not_proposed_again_and_its_source_may_be_created(office: Office) -> None:
    ids = await known_portal(office)
    await matched(office)
    [proposal] = await waiting(office)
    row = await match_review.turn_down(office.at, proposal["id"], by=KIM)
    assert (row["state"], row["decided_by"]) == ("rejected", KIM)
    _, done = await matched(office)
    assert done["queued"] == 0
    await office.figures("customers")
    assert office.company_id("usmf:US-002") != ids["birch"]
    assert [row.kind for row in await office.story("customers", "usmf:US-002")] == [
        "match rejected", "created",
    ]  # fmt: skip


async def test_when_one_of_two_is_accepted_the_other_is_free(office: Office) -> None:
    for key in ("usmf:100", "demf:100"):
        await office.customer(key, OrganizationName="Alder Mills", PrimaryContactURL="https://alder.example")
    await company(office, name="Alder Mills", domain="alder.example")
    await matched(office)
    rows = {row["record"]: row["id"] for row in await waiting(office)}
    await match_review.accept(office.at, rows["customers/demf:100"], by=KIM)
    assert await undecided(office, "usmf:100", "demf:100") == set()
    assert await office.figures("customers") == {"read": 2, "created": 1, "updated": 1}


@ON_BOTH_DATABASES
async def test_undo_clears_the_key_and_removes_the_link_while_no_sync_has_written(office: Office) -> None:
    ids = await known_portal(office)
    before = next(row["properties"] for row in office.records("companies") if row["id"] == ids["alder"])
    _, done = await matched(office)
    mark = office.mark()
    undone = await match_review.undo(office.at, done["run_id"][:12], by=KIM)
    assert (undone["taken_back"], undone["kept"]) == (1, [])
    [write] = office.writes(mark)
    assert write.body["inputs"][0]["properties"] == {"d365_customer_key": ""}
    after = next(row["properties"] for row in office.records("companies") if row["id"] == ids["alder"])
    assert not after.get("d365_customer_key")
    assert {name: after[name] for name in ("name", "domain", "city")} == {
        name: before[name] for name in ("name", "domain", "city")
    }
    with pytest.raises(ConfigurationError):  # a run that was taken back is none
        await office.sync("customers")
    assert [row.kind for row in await office.story("customers", "usmf:US-001")] == ["matched", "unmatched"]
    _, again = await matched(office)
    assert again["stamped"] == 1
    await office.verified()


async def test_undo_leaves_what_a_sync_has_written_since_and_says_why(office: Office) -> None:
    ids = await known_portal(office)
    _, done = await matched(office)
    await office.figures("customers")
    mark = office.mark()
    undone = await match_review.undo(office.at, done["run_id"], by=KIM)
    assert undone["taken_back"] == 0
    assert undone["kept"] == [{"key": "usmf:US-001", "message": "a sync has written the record since"}]
    assert office.writes(mark) == []
    assert office.company_id("usmf:US-001") == ids["alder"]


async def test_undo_leaves_a_key_that_is_no_longer_ours(office: Office) -> None:
    ids = await known_portal(office)
    await matched(office)
    office.rep_changes("companies", ids["alder"], d365_customer_key="usmf:elsewhere")
    mark = office.mark()
    undone = await match_review.undo(office.at, "customers/usmf:US-001", by=KIM)
    assert undone["taken_back"] == 1
    assert office.writes(mark) == []
    assert office.company_id("usmf:elsewhere") == ids["alder"]


async def test_a_link_that_was_wrong_can_be_rejected_and_does_not_come_back(office: Office) -> None:
    ids = await known_portal(office)
    await matched(office)
    async with office.at.store.read() as tx:
        cid = office.at.connection.connection_id
        [row] = await matches.of_source(tx, cid, "customers", "usmf:US-001", ["stamped"], office.at.vault)
    assert (await match_review.turn_down(office.at, row.match_id, by=KIM))["state"] == "rejected"
    _, done = await matched(office)
    assert (done["stamped"], done["queued"]) == (0, 0)
    assert ids["alder"] not in {
        row["id"] for row in office.records("companies") if row["properties"].get("d365_customer_key")
    }
