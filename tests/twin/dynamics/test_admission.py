"""Who may call, and how often (reference: dynamics.md 1, 3)."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

from ml_connector.twin.wire import Answer, Request

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.twin.dynamics.conftest import Caller


def admit(fo: Caller, *, header: str = "Bearer good", after_s: float = 0) -> Answer | None:
    request = Request("GET", "/data/LegalEntities", {"authorization": header})
    return fo.machine.admit(request, fo.now + timedelta(seconds=after_s))


def test_a_bad_token_is_refused_with_401(fo: Caller) -> None:
    """[MS 2] A valid token of Entra ID is required."""
    answer = admit(fo, header="Bearer bad")
    assert answer is not None
    assert (answer.status, answer.written) == (401, None)
    assert admit(fo) is None


def test_an_app_that_is_not_listed_is_refused_although_its_token_is_good(
    starting: Callable[..., Caller],
) -> None:
    """[MS 2, CODE] Second gate: Microsoft Entra ID applications inside F&O; 401 on /data."""
    answer = admit(starting(app_registered="no"))
    assert answer is not None
    assert answer.status == 401


def test_an_admitted_app_is_listed_as_entra_application(fo: Caller) -> None:
    """[META] SysAADClients is keyed by the client id."""
    admit(fo)
    assert [row["AADClientId"] for row in fo.rows("SysAADClients")] == ["client-1"]


def test_the_user_limit_answers_429_until_the_window_has_passed(starting: Callable[..., Caller]) -> None:
    """[MS 3] N requests in 300 seconds, their sentence (and spelling), Retry-After."""
    fo = starting(throttle="user", throttle_requests="3")
    assert [admit(fo, after_s=second) for second in (0, 100, 200)] == [None, None, None]
    answer = admit(fo, after_s=250)
    assert answer is not None
    assert (answer.status, answer.headers["Retry-After"], answer.throttled) == (429, "50", True)
    sentence = "Number of requests exeeded the limit of 3 over the time window of 300 seconds."
    assert json.loads(answer.body)["error"]["message"] == sentence
    assert admit(fo, after_s=301) is None


def test_retry_after_may_be_absent(starting: Callable[..., Caller]) -> None:
    """[MS 4] Microsoft's own sample falls back to 30 s without the header."""
    answer = admit(starting(throttle="user", throttle_requests="0", retry_after="absent"))
    assert answer is not None
    assert "Retry-After" not in answer.headers


def test_nothing_is_throttled_by_default(fo: Caller) -> None:
    """[MS 3] User-based limits were never mandatory and are removed."""
    assert {admit(fo) for _ in range(6001)} == {None}
