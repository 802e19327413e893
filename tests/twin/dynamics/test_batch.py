"""$batch (reference: dynamics.md 2.6)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ml_connector.twin.wire import Written

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.twin.dynamics.conftest import Caller

    from ml_connector.twin.wire import Answer

ORDERS, LINES = "SalesOrderHeadersV2", "SalesOrderLinesV3"
HEADER = {"OrderingCustomerAccountNumber": "US-001", "SalesOrderNumber": "HS-1"}
LINE = {"SalesOrderNumber": "HS-1", "ItemNumber": "D0001"}


def part(number: int, method: str, target: str, body: dict[str, Any] | None = None) -> str:
    content = json.dumps(body) if body is not None else ""
    return (
        "Content-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n"
        f"Content-ID: {number}\r\n\r\n{method} {target} HTTP/1.1\r\n"
        f"Content-Type: application/json;odata.metadata=minimal\r\n\r\n{content}\r\n"
    )


def change_set(*parts: str) -> str:
    inner = "".join(f"--changeset_1\r\n{text}" for text in parts)
    return f"Content-Type: multipart/mixed; boundary=changeset_1\r\n\r\n{inner}--changeset_1--\r\n"


def batch(fo: Caller, *blocks: str) -> Answer:
    body = "".join(f"--batch_1\r\n{block}" for block in blocks) + "--batch_1--\r\n"
    content_type = "multipart/mixed; boundary=batch_1"
    return fo.send("POST", "/data/$batch", body.encode(), content_type=content_type)


def statuses(answer: Answer) -> list[int]:
    assert answer.status == 200
    return [
        int(line.split()[1]) for line in answer.body.decode().splitlines() if line.startswith("HTTP/1.1 ")
    ]


def test_a_change_set_writes_header_and_lines_together(starting: Callable[..., Caller]) -> None:
    """[CODE C9] Header and lines in one change set work with manual numbers."""
    fo = starting(order_numbers="manual")
    parts = (
        part(1, "POST", f"/data/{ORDERS}", HEADER),
        part(2, "POST", LINES, LINE),
        part(3, "POST", LINES, LINE),
    )
    answer = batch(fo, change_set(*parts))
    assert statuses(answer) == [201, 201, 201]
    assert answer.written == Written(
        ("usmf:HS-1", "usmf:HS-1:USMF-000001", "usmf:HS-1:USMF-000002"), committed=True
    )
    assert answer.headers["Content-Type"].startswith("multipart/mixed; boundary=batchresponse_")
    assert b"Content-ID: 3" in answer.body
    assert fo.rows(ORDERS)[0]["SalesOrderStatus"] == "Backorder"


def test_a_failed_change_set_changes_nothing_and_answers_one_part_inside_a_200(
    starting: Callable[..., Caller],
) -> None:
    """[MS 1, CODE C9] Atomic; the Content-ID of the single part need not name the culprit."""
    fo = starting(order_numbers="manual")
    bad = LINE | {"ItemNumber": "nope"}
    answer = batch(
        fo, change_set(part(1, "POST", f"/data/{ORDERS}", HEADER), part(2, "POST", f"/data/{LINES}", bad))
    )
    assert statuses(answer) == [400]
    assert b"Content-ID: 1\r\n" in answer.body
    assert answer.written == Written(("usmf:HS-1",), committed=False)
    assert fo.machine.counts()[ORDERS] == 0


def test_change_sets_may_turn_out_not_to_be_atomic(starting: Callable[..., Caller]) -> None:
    """[flows.md 3.8] One batch only where a probe shows that it is atomic."""
    fo = starting(order_numbers="manual", batch_changesets="separate")
    bad = LINE | {"ItemNumber": "nope"}
    answer = batch(
        fo, change_set(part(1, "POST", f"/data/{ORDERS}", HEADER), part(2, "POST", f"/data/{LINES}", bad))
    )
    assert statuses(answer) == [201, 400]
    assert answer.written == Written(("usmf:HS-1",), committed=True)
    assert fo.machine.counts()[ORDERS] == 1


def test_parts_outside_change_sets_stand_alone(fo: Caller) -> None:
    """[2.6] Reads and single writes; absolute or relative addresses."""
    answer = batch(
        fo,
        part(1, "GET", "http://127.0.0.1:8101/data/CustomersV3/$count?cross-company=true"),
        part(2, "GET", "/data/Nothing"),
        part(3, "PATCH", "CustomersV3(dataAreaId='usmf',CustomerAccount='US-001')", {"CreditRating": "A"}),
    )
    assert statuses(answer) == [200, 404, 204]
    assert answer.written == Written(("usmf:US-001",), committed=True)


def test_a_batch_of_reads_writes_nothing(fo: Caller) -> None:
    """A batch without writes carries no written keys."""
    assert batch(fo, part(1, "GET", "/data/Currencies")).written is None


def test_a_malformed_batch_is_refused(fo: Caller) -> None:
    """[INF] No boundary, no batch."""
    assert fo.send("POST", "/data/$batch", b"{}", content_type="application/json").status == 400
    assert batch(fo, "Content-Type: application/http\r\n\r\nGET\r\n\r\n").status == 400
