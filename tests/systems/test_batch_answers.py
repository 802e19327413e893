"""What HubSpot's answers to batches of updates and associations say about each record, and what a sink makes of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from ml_connector.domain.diff import creation, update
from ml_connector.domain.records import Pair, Result, TargetRecord
from ml_connector.errors import MissingScopeError, RejectedError, UnavailableError, WallError
from ml_connector.systems.hubspot.models import LinkInput, UpdateInput
from ml_connector.systems.hubspot.sink import ContactCompanies, UpsertSink

if TYPE_CHECKING:
    import httpx2
    from tests.systems.test_clients import hubspot
else:
    from test_clients import hubspot  # pytest puts this folder on the path

INPUTS = [UpdateInput("t1", "11", {"name": "A"}), UpdateInput("t2", "12", {"name": ""})]
GONE = {"status": "error", "category": "OBJECT_NOT_FOUND", "message": "COMPANY objects were not found"}


def row(record_id: str, **more: Any) -> dict[str, Any]:
    return {"id": record_id, "properties": {}, **more}


async def updated(data: Any, status: int = 200) -> Any:
    client, _ = hubspot(lambda _: (status, data))
    return await client.update_batch("companies", INPUTS)


# Updates by id ---


async def test_every_update_carries_the_records_id_its_trace_id_and_empty_texts_that_clear() -> None:
    client, network = hubspot(lambda _: (200, {"results": [row("11"), row("12")]}))
    await client.update_batch("companies", INPUTS)
    assert json.loads(network.seen[0].content) == {
        "inputs": [
            {"id": "11", "objectWriteTraceId": "t1", "properties": {"name": "A"}},
            {"id": "12", "objectWriteTraceId": "t2", "properties": {"name": ""}},
        ]
    }
    assert str(network.seen[0].url).endswith("/crm/objects/2026-03/companies/batch/update")


@pytest.mark.parametrize("traced", [True, False])
async def test_results_of_updates_are_matched_by_trace_id_or_by_id_in_any_order(*, traced: bool) -> None:
    more = [{"objectWriteTraceId": "t2"}, {"objectWriteTraceId": "t1"}] if traced else [{}, {}]
    report = await updated({"results": [row("12", **more[0]), row("11", **more[1])]})
    assert {trace: (done.id, done.new) for trace, done in report.done.items()} == {
        "t1": ("11", False),
        "t2": ("12", False),
    }


@pytest.mark.parametrize(
    "context", [{"objectWriteTraceId": ["t2"]}, {"objectWriteTraceId": "t2"}, {"ids": ["12"]}]
)
async def test_a_record_that_is_not_there_is_refused_by_name_and_the_others_stand(
    context: dict[str, Any],
) -> None:
    report = await updated({"results": [row("11")], "errors": [{**GONE, "context": context}]}, 207)
    assert set(report.done) == {"t1"}
    assert report.refused["t2"].code == "hubspot.not_found"


async def test_an_update_left_out_of_the_answer_is_sent_again_and_never_taken_for_done() -> None:
    with pytest.raises(UnavailableError, match="leaves out 1 of 2"):
        await updated({"results": [row("11")]})


async def test_an_error_that_names_nobody_refuses_the_updates_that_are_missing() -> None:
    with pytest.raises(RejectedError):
        await updated({"results": [row("11")], "errors": [GONE]}, 207)


async def test_of_deals_only_the_connectors_own_properties_are_updated() -> None:
    client, network = hubspot(lambda _: (200, {"results": [row("11"), row("12")]}))
    with pytest.raises(WallError):
        await client.update_batch("deals", INPUTS)
    own = [UpdateInput("t1", "11", {"d365_order_status": "Open"}), UpdateInput("t2", "12", {"amount": "1"})]
    with pytest.raises(WallError, match="amount"):
        await client.update_batch("deals", own)
    await client.update_batch("deals", [*own[:1], UpdateInput("t2", "12", {"d365_order_status": ""})])
    assert len(network.seen) == 1


# Associations ---

LINKS = [LinkInput("1", "51", (1, 279)), LinkInput("2", "52", (279,)), LinkInput("3", "53", (279,))]


async def linked(data: Any, status: int = 201) -> Any:
    client, _ = hubspot(lambda _: (status, data))
    return await client.associate("contacts", "companies", LINKS)


def made(from_id: str, to_id: str) -> dict[str, Any]:
    return {"fromObjectId": from_id, "toObjectId": to_id, "labels": []}


async def test_associations_are_made_only_where_the_answer_lists_them() -> None:
    error = {"category": "VALIDATION_ERROR", "message": "Contact 2 cannot be associated"}
    report = await linked({"results": [made("1", "51"), made("9", "99")], "errors": [error]}, 207)
    assert report.made == {("1", "51")}
    assert set(report.refused) == {("2", "52"), ("3", "53")}
    assert "Contact 2" in report.refused["2", "52"].message


async def test_associations_left_out_without_an_error_are_sent_again() -> None:
    with pytest.raises(UnavailableError, match="leaves out 2 of 3"):
        await linked({"results": [made("1", "51")]})


async def test_a_missing_permission_to_associate_is_an_error_of_the_system() -> None:
    with pytest.raises(MissingScopeError):
        await linked({"message": "This user lacks the Edit Associations permission."}, 400)


async def test_the_first_company_of_a_contact_is_the_primary_one_and_carries_both_types() -> None:
    def answer(request: httpx2.Request) -> tuple[int, Any]:
        inputs = json.loads(request.content)["inputs"]
        return 201, {"results": [made(one["from"]["id"], one["to"]["id"]) for one in inputs]}

    client, network = hubspot(answer)
    maker = ContactCompanies(client)
    pairs = [Pair("1", "51", primary=True), Pair("1", "52", primary=False)]
    answers = await maker.make(pairs, call_id="c")
    assert answers == {("1", "51"): None, ("1", "52"): None}
    types = [
        [kind["associationTypeId"] for kind in one["types"]]
        for one in json.loads(network.seen[0].content)["inputs"]
    ]
    assert types == [[1, 279], [279]]


# The recycle bin ---


async def test_only_records_that_lie_in_the_recycle_bin_are_told_and_many_are_asked_at_once() -> None:
    def answer(request: httpx2.Request) -> tuple[int, Any]:
        assert "archived=true" in str(request.url)
        inputs = json.loads(request.content)["inputs"]
        there = [row(one["id"]) for one in inputs if int(one["id"]) % 2]
        return 207, {"results": there, "errors": [GONE]}

    client, network = hubspot(answer)
    ids = [str(number) for number in range(150)]
    assert await client.archived("companies", ids) == {each for each in ids if int(each) % 2}
    assert len(network.seen) == 2


async def test_an_error_of_the_recycle_bin_is_not_taken_for_absence() -> None:
    client, _ = hubspot(lambda _: (207, {"results": [], "errors": [{"category": "RATE_LIMITS"}]}))
    with pytest.raises(RejectedError):
        await client.archived("companies", ["1"])


# The sink ---


def record(key: str, *, identity: str = "") -> TargetRecord:
    return TargetRecord(key, {"name": key}, b"", b"", identity=identity)


async def test_a_sink_sends_a_record_that_several_keys_share_once_and_tells_all_of_them() -> None:
    client, network = hubspot(lambda _: (200, {"results": [row("11")]}))
    sink = UpsertSink(client, "companies", "d365_customer_key")
    changes = [update(record(key), {"name": "x"}, "11") for key in ("usmf:1", "usmf:2")]
    pushed = await sink.push(changes, creating=False, call_id="c")
    assert [(one.key, one.result, one.target_id) for one in pushed.outcomes] == [
        ("usmf:1", Result.UPDATED, "11"),
        ("usmf:2", Result.UPDATED, "11"),
    ]
    assert len(json.loads(network.seen[0].content)["inputs"]) == 1


async def test_a_sink_says_which_record_is_missing_also_when_hubspot_answers_404_for_the_whole_call() -> None:
    client, _ = hubspot(lambda _: (404, GONE))
    sink = UpsertSink(client, "companies", "d365_customer_key")
    changes = [
        update(record(key), {"name": "x"}, target) for key, target in (("usmf:1", "11"), ("usmf:2", "12"))
    ]
    pushed = await sink.push(changes[:1], creating=False, call_id="c")
    assert [(one.result, one.missing) for one in pushed.outcomes] == [(Result.PARKED, True)]
    with pytest.raises(RejectedError):
        await sink.push(changes, creating=False, call_id="c")


@pytest.mark.parametrize("status", [207, 409])
async def test_a_sink_says_whose_identity_is_taken_and_by_whom_it_was(status: int) -> None:
    error = {"category": "CONFLICT", "message": "Contact already exists. Existing ID: 77"}
    answer = (
        error
        if status == 409
        else {"results": [], "errors": [{**error, "context": {"objectWriteTraceId": ["c-0"]}}]}
    )
    client, _ = hubspot(lambda _: (status, answer))
    sink = UpsertSink(client, "contacts", "d365_contact_key", identity="email")
    pushed = await sink.push([creation(record("usmf:1", identity="a@b.example"))], creating=True, call_id="c")
    assert [(one.occupied, one.occupied_by) for one in pushed.outcomes] == [(True, "77")]


async def test_a_trace_tells_moved_deleted_and_vanished_apart() -> None:
    """By the key, by the recycle bin, by the merged ids, in this order; search is asked for the rest only."""
    searched: list[str] = []

    def answer(request: httpx2.Request) -> tuple[int, Any]:
        body = json.loads(request.content)
        if str(request.url).endswith("/search"):
            searched.append(json.dumps(body["filterGroups"]))
            found = [row("90", properties={"d365_customer_key": "usmf:9"})] if '"13"' in searched[-1] else []
            return 200, {"total": len(found), "results": found}
        if "archived=true" in str(request.url):
            return 207, {"results": [row("12")], "errors": [GONE]}
        return 207, {"results": [row("91", properties={"d365_customer_key": "usmf:1"})], "errors": [GONE]}

    client, _ = hubspot(answer)
    sink = UpsertSink(client, "companies", "d365_customer_key")
    traces = await sink.trace({f"usmf:{number}": f"1{number}" for number in (1, 2, 3, 4)}, ["name"])
    assert {key: trace.fate for key, trace in traces.items()} == {
        "usmf:1": "moved",
        "usmf:2": "deleted",
        "usmf:3": "moved",
        "usmf:4": "vanished",
    }
    now = [trace.now for trace in traces.values()]
    assert [(one.target_id, one.key) if one else None for one in now] == [
        ("91", "usmf:1"),
        None,
        ("90", "usmf:9"),
        None,
    ]
    assert len(searched) == 2
