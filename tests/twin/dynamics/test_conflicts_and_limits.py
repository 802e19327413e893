"""Update conflicts, load limits, references inside batches, and that every switch is told (dynamics.md 2.4, 2.6, 3)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ml_connector.twin.dynamics import SWITCHES
from ml_connector.twin.options import SWITCHES as ALL_SWITCHES
from ml_connector.twin.wire import Answer, Request

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.twin.dynamics.conftest import Caller

CUSTOMER = "/data/CustomersV3(dataAreaId='usmf',CustomerAccount='US-001')"
CONFLICT = (
    "Cannot edit a record in Customers (CustTable). An update conflict occurred due to another user process "
    "deleting the record or changing one or more fields in the record."
)
BUSY = (
    "This request could not be processed at this time due to system experiencing high resource utilization."
)


@pytest.mark.parametrize(("value", "status"), [("refused", 412), ("ignored", 204), ("conflict", 400)])
def test_a_stale_tag_is_refused_ignored_or_a_conflict(
    starting: Callable[..., Caller], value: str, status: int
) -> None:
    """[open question 2] 412 is untested; the server's own text exists [CODE]."""
    fo = starting(stale_etag=value)
    tag = fo.get(CUSTOMER)["@odata.etag"]
    fo.send("PATCH", CUSTOMER, {"CustomerGroupId": "20"})
    answer = fo.send("PATCH", CUSTOMER, {"CustomerGroupId": "10"}, if_match=tag)
    assert answer.status == status
    assert (CONFLICT in answer.body.decode()) == (value == "conflict")
    fresh = fo.get(CUSTOMER)["@odata.etag"]
    assert fo.send("PATCH", CUSTOMER, {"CustomerGroupId": "10"}, if_match=fresh).status == 204


def test_changes_may_run_into_those_of_others(starting: Callable[..., Caller]) -> None:
    """[2.4 CODE] Each second change here; trying again after a read works."""
    fo = starting(update_conflicts="2", write_refusal_status="500")
    assert fo.send("PATCH", CUSTOMER, {"CustomerGroupId": "20"}).status == 204
    status, text = fo.refusal("PATCH", CUSTOMER, {"CustomerGroupId": "10"})
    assert (status, CONFLICT in text) == (500, True)
    assert fo.get(CUSTOMER)["CustomerGroupId"] == "20"
    assert fo.send("PATCH", CUSTOMER, {"CustomerGroupId": "10"}).status == 204


@pytest.mark.parametrize(("value", "shown"), [("sent", "Bearer"), ("absent", None)])
def test_a_401_may_come_without_its_header(
    starting: Callable[..., Caller], value: str, shown: str | None
) -> None:
    """[open question 2]"""
    request = Request("GET", "/data/LegalEntities", {"authorization": "Bearer bad"})
    fo = starting(unauthorized_header=value)
    answer = fo.machine.admit(request, fo.now)
    assert answer is not None
    assert answer.headers.get("WWW-Authenticate") == shown


def admit(fo: Caller, path: str = "/data/LegalEntities", method: str = "GET") -> Answer | None:
    return fo.machine.admit(Request(method, path, {"authorization": "Bearer good"}), fo.now)


@pytest.mark.parametrize("body", ["envelope", "text"])
def test_a_busy_server_refuses_now_and_then(starting: Callable[..., Caller], body: str) -> None:
    """[MS 3] Resource-based: no number, their sentence; the body's shape is open question 2."""
    fo = starting(throttle="resource", throttle_every="3", throttle_body=body)
    answers = [admit(fo) for _ in range(6)]
    assert [answer is not None for answer in answers] == [False, False, True] * 2
    refused = answers[2]
    assert refused is not None
    assert (refused.status, refused.headers["Retry-After"], refused.throttled) == (429, "5", True)
    text = refused.body.decode()
    assert (json.loads(text)["error"]["message"] if body == "envelope" else text) == BUSY


def batch(fo: Caller, body: str) -> Answer:
    return fo.send("POST", "/data/$batch", body.encode(), content_type="multipart/mixed; boundary=b")


READ = (
    "--b\nContent-Type: application/http\nContent-ID: {id}\n\nGET /data/LegalEntities?$top=1 HTTP/1.1\n\n\n"
)


def test_a_429_may_stand_inside_a_batch(starting: Callable[..., Caller]) -> None:
    """[CODE C4] The outer answer is 200 and the other parts stand."""
    fo = starting(throttle="resource", throttle_every="2", throttle_batch="parts")
    assert admit(fo, "/data/$batch", "POST") is None
    answer = batch(fo, "".join(READ.format(id=number) for number in (1, 2, 3)) + "--b--\n")
    text = answer.body.decode()
    assert [line for line in text.splitlines() if line.startswith("HTTP/1.1")] == [
        "HTTP/1.1 200 OK",
        "HTTP/1.1 429 Too Many Requests",
        "HTTP/1.1 200 OK",
    ]
    assert (answer.status, "Retry-After: 5" in text, BUSY in text) == (200, True, True)


def test_the_parts_of_a_batch_count_for_its_client(starting: Callable[..., Caller]) -> None:
    """[MS 3] The retired limit is per user: single requests and parts together."""
    fo = starting(throttle="user", throttle_requests="3", throttle_batch="parts")
    assert [admit(fo), admit(fo), admit(fo, "/data/$batch", "POST")] == [None, None, None]
    text = batch(fo, "".join(READ.format(id=number) for number in (1, 2)) + "--b--\n").body.decode()
    assert (text.count("HTTP/1.1 200"), text.count("HTTP/1.1 429")) == (1, 1)


def test_a_429_may_meet_the_whole_batch(starting: Callable[..., Caller]) -> None:
    """[MS 4] The other value: parts are not counted."""
    fo = starting(throttle="resource", throttle_every="2", throttle_batch="outer")
    assert "429" not in batch(fo, "".join(READ.format(id=n) for n in (1, 2, 3)) + "--b--\n").body.decode()
    assert [admit(fo, "/data/$batch", "POST") is None for _ in range(2)] == [True, False]


def test_a_throttled_change_set_writes_nothing(starting: Callable[..., Caller]) -> None:
    """[CODE C4] One part stands for it."""
    fo = starting(throttle="resource", throttle_every="1", throttle_batch="parts")
    answer = batch(fo, change_set("/data/$1"))
    assert answer.body.decode().count("HTTP/1.1 429") == 1
    assert fo.machine.counts()["SalesOrderHeadersV2"] == 0


def change_set(second: str) -> str:
    header = '{"OrderingCustomerAccountNumber":"US-001"}'
    part = (
        "Content-Type: application/http\nContent-ID: {id}\n\n{method} {path} HTTP/1.1\n"
        "Content-Type: application/json\n\n{body}\n"
    )
    first = part.format(id=1, method="POST", path="/data/SalesOrderHeadersV2", body=header)
    change = part.format(id=2, method="PATCH", path=second, body='{"CustomersOrderReference":"HS-1"}')
    return f"--b\nContent-Type: multipart/mixed; boundary=c\n\n--c\n{first}--c\n{change}--c--\n--b--\n"


@pytest.mark.parametrize(("value", "references"), [("supported", ["HS-1"]), ("refused", [])])
def test_a_content_id_may_stand_for_what_its_part_created(
    starting: Callable[..., Caller], value: str, references: list[str]
) -> None:
    """[open question 7] Refused, the whole change set fails."""
    fo = starting(content_id_references=value)
    batch(fo, change_set("/data/$1"))
    assert [row["CustomersOrderReference"] for row in fo.rows("SalesOrderHeadersV2")] == references


@pytest.mark.parametrize(("value", "moved"), [("kept_up", True), ("never", False)])
def test_a_contacts_last_edit_may_move_or_not(
    starting: Callable[..., Caller],
    value: str,
    moved: bool,  # noqa: FBT001 - a case
) -> None:
    """[open question 4] Whoever changes it, a person or a client."""
    fo = starting(contact_last_edit=value)
    path = "/data/ContactPersons(dataAreaId='usmf',ContactPersonId='C1')"
    before = fo.get(path)["LastEditDateTime"]
    fo.now = fo.now.replace(year=2027)
    fo.send("PATCH", path, {"EmploymentJobTitle": "CEO"})
    assert (fo.get(path)["LastEditDateTime"] != before) == moved
    fo.now = fo.now.replace(year=2028)
    between = fo.get(path)["LastEditDateTime"]
    fo.machine.edit("ContactPersons", "usmf:C1", {"EmploymentJobTitle": "CFO"}, fo.now)
    assert (fo.get(path)["LastEditDateTime"] != between) == moved


def test_every_reason_of_a_switch_reads_as_a_sentence() -> None:
    """The list of switches is read by people."""
    here = [switch for name, switch in ALL_SWITCHES.items() if name in SWITCHES]
    assert len(here) == len(SWITCHES)
    for switch in here:
        assert switch.reason[0].isupper(), switch
        assert switch.reason.endswith("."), switch
        assert switch.default == switch.check(switch.default), switch


@pytest.mark.parametrize("name", sorted(SWITCHES))
def test_every_value_of_every_switch_is_tried(name: str) -> None:
    """A behaviour that can be chosen is a promise: a test names the switch and each value beside its default."""
    text = "".join(path.read_text(encoding="utf-8") for path in Path(__file__).parents[1].rglob("test_*.py"))
    switch = SWITCHES[name]
    assert f"{name}=" in text or f'"{name}"' in text
    if (
        isinstance(switch.allowed, tuple) and name != "dimension_delimiter"
    ):  # tried from the table of delimiters
        others = [value for value in switch.allowed if value != switch.default]
        assert [value for value in others if f'"{value}"' not in text] == []
