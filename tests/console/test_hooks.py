"""What comes through the doors for events, over real sockets, and what becomes of it."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from typing import TYPE_CHECKING

import pytest

from ml_connector.app import intake
from ml_connector.app.event_secrets import endpoints, event_step, keep_signing_secret
from ml_connector.store import connections, flows, inbox, links, rotating
from ml_connector.store.links import Link
from ml_connector.store.rotating import Rotating
from ml_connector.systems.dynamics.events import TEST_EVENT

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import ManualClock
    from tests.console.door import (
        APP,
        EVENTS,
        ORDERED,
        PORTAL,
        PUBLIC,
        SECRET,
        Door,
        business,
        opened,
        relayed,
        webhook,
    )

    from ml_connector.domain.clock import Surroundings
else:
    from door import (  # pytest puts this folder on the path
        APP,
        EVENTS,
        ORDERED,
        PORTAL,
        PUBLIC,
        SECRET,
        Door,
        business,
        opened,
        relayed,
        webhook,
    )

BOTH = pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)
DAY_S = 86_400


@BOTH
async def test_a_business_event_becomes_a_hint_at_its_record(door: Door) -> None:
    assert (await door.dynamics(business())).status == 200
    [row] = await door.rows()
    assert (row.source, row.type, row.legal_entity) == ("dynamics", "FFYCustomerChangedBusinessEvent", "usmf")
    assert (row.identifier, row.number, row.outcome) == ("usmf:US-001", "5637985363", "accepted")
    assert await door.read_all("customers") == ("usmf:US-001",)


@BOTH
async def test_a_webhook_becomes_a_hint_at_its_deal(door: Door) -> None:
    assert (await door.hubspot(webhook())).status == 200
    [row] = await door.rows()
    assert (row.source, row.type, row.identifier) == ("hubspot", "deal.propertyChange", "1246965")
    assert await door.read_all("orders") == ("1246965",)


async def test_the_same_event_in_dataverses_form_is_a_duplicate(door: Door) -> None:
    """With the Power Platform integration HTTPS endpoints become Dataverse webhooks."""
    await door.dynamics(relayed(business()))
    assert await door.hints() == {"customers": {"usmf:US-001"}}
    await door.dynamics(business())
    assert await door.outcomes() == ["accepted", "duplicate"]


async def test_a_data_event_names_its_record_by_the_entitys_own_field(door: Door) -> None:
    attributes = [
        {"key": "mserp_customeraccount", "value": "US-7"},
        {"key": "mserp_dataareaid", "value": "usmf"},
    ]
    event = {
        "MessageName": "Update", "PrimaryEntityName": "mserp_CustCustomerV3Entity", "OperationId": "op-1",
        "InputParameters": [{"key": "Target", "value": {"Attributes": attributes}}], "PreEntityImages": [],
    }  # fmt: skip
    await door.dynamics(event)
    await door.dynamics(event)
    assert await door.hints() == {"customers": {"usmf:US-7"}}
    assert await door.outcomes() == ["accepted", "duplicate"]
    deleted = {**event, "MessageName": "Delete", "InputParameters": [{"key": "Target", "value": {"Id": "x"}}]}
    await door.dynamics(deleted)  # tells an id of Dataverse and nothing else: the flow looks for itself
    assert await door.hints() == {"customers": {"usmf:US-7", ""}}


async def test_an_array_of_events_is_taken_whole(door: Door) -> None:
    await door.dynamics(business(1, "A"), relayed(business(2, "B")), array=True)
    assert await door.hints() == {"customers": {"usmf:A", "usmf:B"}}


async def test_the_test_event_is_answered_well_and_remembered(door: Door, clock: ManualClock) -> None:
    """F&O sends it when an endpoint is set up; refused, the endpoint cannot be saved."""
    step = await event_step(door.place, "dynamics")
    assert "No test event has come yet." in step.detail
    for _ in range(2):
        test = business(-(2**63), BusinessEventId=TEST_EVENT, BusinessEventLegalEntity="")
        assert (await door.dynamics(test)).status == 200
        clock.advance(60)
    assert await door.outcomes() == ["test", "test"]
    assert await door.hints() == {}
    step = await event_step(door.place, "dynamics")
    assert "The test event came at 2026-03-02 12:01 UTC. No event has come yet." in step.detail


async def test_control_numbers_keep_all_their_digits(door: Door) -> None:
    """They are 64 bits wide: through a float, the last two of these would be one."""
    for number in (-(2**63) + 1, 2**63 - 2, 2**63 - 1, "9007199254740993"):
        assert (await door.dynamics(business(number, f"A{number}"))).status == 200  # type: ignore[arg-type]
    assert [row.outcome for row in await door.rows()] == ["accepted"] * 4
    assert [row.number for row in await door.rows()][1:] == [
        str(2**63 - 2), str(2**63 - 1), "9007199254740993"
    ]  # fmt: skip


async def test_e3_a_replayed_request_has_the_effect_of_one(door: Door) -> None:
    """Byte by byte the same, signature and all, within its five minutes; and the same with F&O's."""
    body = (
        b'[{"subscriptionType":"deal.creation","objectId":5,"portalId":4711,"eventId":1,"attemptNumber":0}]'
    )
    headers = door.signed(body)
    for _ in range(3):
        assert (await door.send("/hooks/hubspot/default", body, headers)).status == 200
        assert (await door.dynamics(business())).status == 200
    assert (await door.read_all("orders"), await door.read_all("customers")) == (("5",), ("usmf:US-001",))
    assert (await door.send("/hooks/hubspot/default", body, headers)).status == 200
    assert (await door.dynamics(business())).status == 200
    assert await door.hints() == {}


async def test_e4_out_of_order_with_gaps_and_late_events_leave_the_same_hints(
    door: Door, clock: ManualClock
) -> None:
    """Control numbers have gaps and say nothing about order; an administrator sends a failed one again next week."""
    for number in (90, 10, 50, 10, 30):
        await door.dynamics(business(number, f"C{number}"))
    await door.read_all("customers")
    clock.advance(7 * DAY_S)
    await door.dynamics(business(20, "C20"))  # failed at the time, sent again now
    await door.dynamics(business(50, "C50"))
    assert await door.hints() == {"customers": {"usmf:C20"}}


async def test_e4_a_retry_of_hubspot_differs_in_its_attempt_only_and_is_a_duplicate(door: Door) -> None:
    await door.hubspot(webhook())
    await door.hubspot(webhook(attemptNumber=3))
    assert await door.outcomes() == ["accepted", "duplicate"]


async def test_two_webhooks_with_one_event_id_are_two_events(door: Door) -> None:
    """HubSpot documents that ``eventId`` is not unique."""
    await door.hubspot(webhook(7, 100), webhook(7, 200), webhook(7, 100, propertyName="amount"))
    assert await door.hints() == {"orders": {"100", "200"}}
    assert "duplicate" not in await door.outcomes()


async def test_e9_a_reused_control_number_with_other_content_is_fetched_anyway(door: Door) -> None:
    await door.dynamics(business(5, "US-001"))
    await door.dynamics(business(5, "US-002"))
    assert await door.hints() == {"customers": {"usmf:US-001", "usmf:US-002"}}
    assert (await door.rows())[1].note == "5 came before with other content"


async def test_e8_an_event_about_a_record_nobody_knows_costs_one_read_at_most(door: Door) -> None:
    for number in range(30):
        await door.dynamics(business(number, "NEVER-SEEN"))
    assert await door.read_all("customers") == ("usmf:NEVER-SEEN",)
    assert await door.read_all("customers") == ()


async def test_e6_while_the_database_is_locked_the_answer_is_503_and_later_200(
    door: Door, store_url: str, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Never a refusal that would stop the retries; and never 200 for what is not stored."""
    assert (await door.hubspot(webhook(1, 1))).status == 200  # the door knows its secrets from here on
    other = sqlite3.connect(store_url.removeprefix("sqlite:///"), isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    try:
        with monkeypatch.context() as hurried:
            hurried.setattr(intake, "ANSWER_WITHIN_S", 0.1)
            refused = [await door.hubspot(webhook(2, 2))]
            clock.advance(60)  # the door would look at its secrets again
            refused.append(await door.dynamics(business()))
        assert [(reply.status, reply.headers["retry-after"]) for reply in refused] == [(503, "10")] * 2
    finally:
        other.execute("ROLLBACK")
        other.close()
    assert (await door.hubspot(webhook(2, 2))).status == 200
    assert (await door.hints())["orders"] == {"1", "2"}


async def test_a_writer_killed_before_the_commit_is_answered_with_503(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    reached = asyncio.Event()
    whole = inbox.add

    async def add_and_hang(*given: object) -> list[int]:
        numbers = await whole(*given)  # type: ignore[arg-type]  # as it was called
        reached.set()
        await asyncio.Event().wait()
        return numbers

    with monkeypatch.context() as broken:
        broken.setattr(inbox, "add", add_and_hang)
        calls = [asyncio.create_task(door.dynamics(business(n, f"A{n}"))) for n in range(4)]
        await reached.wait()
        writer = door.intake._inboxes[door.cid]._commits.writer
        assert writer is not None
        writer.cancel()
        assert [(await call).status for call in calls] == [503] * 4
    assert await door.rows() == []
    assert (await door.dynamics(business(1, "A1"))).status == 200


async def test_many_requests_at_once_share_few_transactions(door: Door) -> None:
    await door.dynamics(business(1))
    commits: list[int] = []
    door.place.store.after_commit.append(lambda: commits.append(1))
    replies = await asyncio.gather(*(door.dynamics(business(n, f"A{n}")) for n in range(2, 92)))
    assert {reply.status for reply in replies} == {200}
    assert len(await door.rows()) == 91
    assert len(commits) < 45


async def test_e7_a_rotated_signing_secret_and_its_former_one_are_good_for_a_day(
    door: Door, clock: ManualClock
) -> None:
    await keep_signing_secret(door.place, "the-new-secret")
    clock.advance(5)  # the door looks again after a moment
    assert (await door.hubspot(webhook(1), secret=SECRET)).status == 200
    assert (await door.hubspot(webhook(2), secret="the-new-secret")).status == 200
    clock.advance(DAY_S)
    assert (await door.hubspot(webhook(3), secret=SECRET)).status == 401
    assert (await door.hubspot(webhook(4), secret="the-new-secret")).status == 200


async def test_a_rotated_token_and_its_former_one_are_good_for_a_day(door: Door, clock: ManualClock) -> None:
    former = door.token
    dynamics, _ = await endpoints(door.place, rotate=True)
    clock.advance(5)
    fresh = dynamics.url.rpartition("/")[2]
    assert fresh != former
    assert dynamics.former_until is not None
    for door.token in (former, fresh):
        assert (await door.dynamics(business())).status == 200
    clock.advance(DAY_S)
    for door.token, status in ((former, 401), (fresh, 200)):
        assert (await door.dynamics(business())).status == status


async def test_e10_a_flood_is_answered_with_429_and_a_time_and_reading_makes_room(
    tmp_path: Path, store_url: str, around: Surroundings
) -> None:
    async with opened(tmp_path, store_url, around, events={**EVENTS, "most_open": 3}) as door:
        replies = [await door.dynamics(business(n, f"A{n}")) for n in range(5)]
        assert [reply.status for reply in replies] == [200, 200, 200, 429, 429]
        assert replies[-1].headers["retry-after"] == "60"
        assert await door.refused() == {"too_many_open": 2}
        assert len(await door.read_all("customers")) == 3
        assert (await door.dynamics(business(9, "A9"))).status == 200


async def test_e10_no_more_than_a_hundred_requests_are_inside_at_once(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(door.intake, "_inside", intake.MOST_AT_ONCE)
    reply = await door.dynamics(business())
    assert (reply.status, reply.headers["retry-after"]) == (503, "1")


async def test_e11_the_first_signature_is_taken_only_where_a_setting_says_so(
    tmp_path: Path, store_url: str, around: Surroundings
) -> None:
    from ml_connector.twin.hubspot.signatures import sign_v1

    body = b'[{"subscriptionType":"deal.creation","objectId":5,"portalId":4711,"eventId":1}]'
    headers = [("X-HubSpot-Signature", sign_v1(SECRET, body)), ("X-HubSpot-Signature-Version", "v1")]
    async with opened(tmp_path, store_url, around) as door:
        assert (await door.send("/hooks/hubspot/default", body, headers)).status == 401
        assert await door.refused() == {"algorithm": 1}
    async with opened(tmp_path, store_url, around, events={"accept_v1": True}) as door:
        assert (await door.send("/hooks/hubspot/default", body, headers)).status == 200
        other = [("X-HubSpot-Signature", sign_v1("x", body)), *headers[1:]]
        assert (await door.send("/hooks/hubspot/default", body, other)).status == 401
        both = [*headers, ("X-HubSpot-Signature-v3", "bad"), ("X-HubSpot-Request-Timestamp", door.stamp())]
        assert (await door.send("/hooks/hubspot/default", body, both)).status == 401


async def test_v3_decodes_the_listed_escapes_of_the_query_and_no_others(door: Door) -> None:
    from ml_connector.twin.hubspot.signatures import sign_v3

    body, query, stamp = b"[]", "?a=%2Fx%40y&b=%20%26", door.stamp()
    uri = f"https://connector.example/hooks/hubspot/default{query}"
    headers = [("X-HubSpot-Signature-v3", sign_v3(SECRET, "POST", uri, body, stamp))]
    headers.append(("X-HubSpot-Request-Timestamp", stamp))
    assert (
        await door.send(f"/hooks/hubspot/default{query}", body, headers)
    ).status == 400  # let in, and empty


async def test_what_is_out_of_scope_is_answered_well_and_kept_with_its_filter(door: Door) -> None:
    """A refusal would only be sent again."""
    async with door.place.store.write() as tx:
        await flows.put(tx, door.cid, flows.FlowRow("orders", "off"))
    replies = [
        await door.dynamics(business(1, BusinessEventLegalEntity="DEMF")),
        await door.dynamics(business(2, BusinessEventId="Unheard")),
        await door.dynamics(business(3, BusinessEventId=ORDERED, SalesOrderNumber="SO-1")),
        await door.hubspot(
            webhook(1, portalId=1),
            webhook(2, changeSource="INTEGRATION", sourceId=str(APP)),
            webhook(3, subscriptionType="ticket.creation"),
            webhook(4, subscriptionType="company.deletion"),
            webhook(5),
        ),
    ]
    assert {reply.status for reply in replies} == {200}
    assert [row.note for row in await door.rows()] == [
        "legal entity demf is not chosen", "no rule for Unheard", "not linked in order_status",
        "portal 1 is not the connected one", "written by this app itself", "no rule for ticket.creation",
        "not linked in customers", "flow orders is off",
    ]  # fmt: skip
    assert set(await door.outcomes()) == {"out_of_scope"}


async def test_hubspots_deletions_merges_and_privacy_reach_the_records_behind_the_links(door: Door) -> None:
    """The record is compared afresh at its next read, although nothing has moved in its source."""
    rows = [
        Link("customers", "usmf:1", "companies", "11", b"print", b"digest", 1, 1, b"{}"),
        Link("customers", "ussi:2", "companies", "12", b"print", b"digest", 1, 1, b"{}"),
        Link("contacts", "usmf:p-3", "contacts", "13", b"print", b"digest", 1, 1, b"{}"),
        Link("products", "P4", "products", "14", b"print", b"digest", 1, 1, b"{}"),
    ]
    async with door.place.store.write() as tx:
        await links.put(tx, door.cid, rows)
    merge = {"primaryObjectId": 11, "mergedObjectIds": [12], "newObjectId": 19, "numberOfPropertiesMoved": 2}
    await door.hubspot(
        webhook(1, 11, subscriptionType="company.merge", **merge),
        webhook(2, 13, subscriptionType="contact.privacyDeletion"),
        webhook(3, 14, subscriptionType="object.deletion", objectTypeId="0-7"),
    )
    assert await door.hints() == {
        "customers": {"usmf:1", "ussi:2"}, "contacts": {"usmf:p-3"}, "products": {"P4"}
    }  # fmt: skip
    async with door.place.store.read() as tx:
        for link in rows:
            found = (await links.many(tx, door.cid, link.flow, [link.key]))[link.key]
            assert (found.fingerprint, found.source_digest) == (b"", b"")


async def test_associations_of_a_deal_hint_at_the_deal_whichever_end_is_told(door: Door) -> None:
    ends = [
        ("deal", "DEAL_TO_COMPANY", 1, 90), ("company", "COMPANY_TO_DEAL", 90, 2),
        ("line_item", "LINE_ITEM_TO_DEAL", 91, 3), ("contact", "CONTACT_TO_COMPANY", 92, 93),
    ]  # fmt: skip
    events = []
    for name, kind, from_id, to_id in ends:
        event = webhook(from_id, subscriptionType=f"{name}.associationChange", associationType=kind)
        del event["objectId"]
        events.append({**event, "fromObjectId": from_id, "toObjectId": to_id})
    await door.hubspot(*events)
    assert await door.hints() == {"orders": {"1", "2", "3"}}
    assert (await door.rows())[-1].note == "nothing of orders"


async def test_while_the_public_address_is_not_set_hubspot_is_told_to_come_again(door: Door) -> None:
    """Nobody can tell then what HubSpot has signed; a refusal would end its retries."""
    door.intake._settings = door.place.settings.model_copy(update={"public_url": ""})
    assert (await door.hubspot(webhook())).status == 503
    assert await door.refused() == {"public_url_missing": 1}


async def test_what_comes_for_another_connection_stays_there(door: Door) -> None:
    """Its name may need escapes in an address; HubSpot signs them as they are."""
    place = door.place
    async with place.store.write() as tx:
        other = (await connections.get_or_create(tx, "north sea")).connection_id
        side = connections.SideRow("hubspot", {}, str(PORTAL), {}, tx.now)
        await connections.put_side(tx, other, side, {}, place.vault)
        await connections.put_legal_entities(
            tx, other, [connections.LegalEntityRow("usmf", "", "USD", "UTC")]
        )
        for name in ("customers", "orders"):
            await flows.put(tx, other, flows.FlowRow(name, "on"))
        await rotating.put(tx, other, "events.dynamics.token", Rotating("its-own", tx.now), place.vault)
        await rotating.put(tx, other, "events.hubspot.secret", Rotating("its own", tx.now), place.vault)
    body = json.dumps([webhook()]).encode()
    headers = door.signed(body, secret="its own", uri=f"{PUBLIC}/hooks/hubspot/north%20sea")
    replies = [
        await door.send("/hooks/hubspot/north%20sea", body, headers),
        await door.send("/hooks/dynamics/north%20sea/its-own", json.dumps(business()).encode()),
    ]
    assert [reply.status for reply in replies] == [200, 200]
    assert await door.rows() == []
    async with place.store.read() as tx:
        assert await inbox.open_by_flow(tx, other) == {"customers": 1, "orders": 1}


async def test_the_secrets_appear_in_no_log_line(
    door: Door, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """Nor the token, which stands in the address of every request."""
    caplog.set_level("DEBUG")
    await door.dynamics(business())
    await door.hubspot(webhook())
    await door.send(f"/hooks/dynamics/none/{door.token}", b"{}")
    said = "".join(capfd.readouterr()) + "\n".join(
        record.getMessage()
        for record in caplog.records
        if record.name.startswith(("uvicorn", "fastapi", "ml_"))
    )
    assert door.token not in said
    assert SECRET not in said


async def test_what_was_counted_is_stored_when_the_service_ends(
    tmp_path: Path, store_url: str, around: Surroundings
) -> None:
    async with opened(tmp_path, store_url, around) as door:
        await door.send("/hooks/dynamics/default/guessed", b"{}")
    database = sqlite3.connect(store_url.removeprefix("sqlite:///"))
    assert database.execute("SELECT reason, count FROM mlc_rejected").fetchall() == [("token", 1)]
    database.close()


async def test_there_are_no_pages_of_the_frameworks_own(door: Door) -> None:
    for path in ("/docs", "/redoc", "/openapi.json", "/"):
        assert (await door.send(path, b"", method="GET")).status == 404
    assert PORTAL  # the door is open all the same
