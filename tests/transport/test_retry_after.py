"""What a side may ask for in Retry-After, and how long we wait when it asks for nothing sensible."""

from __future__ import annotations

import random
from datetime import UTC, datetime

import pytest

from ml_connector.transport.retry import RetryBudget, RetryPolicy, retry_after_s

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("asked", "seconds"),
    [
        ("7", 7),
        (" 0.5 ", 0.5),
        ("0", 0),
        ("Mon, 02 Mar 2026 12:01:00 GMT", 60),
        ("Monday, 02-Mar-26 12:01:00 GMT", 60),
        ("3601", 3600),
        ("1000000000", 3600),
        ("Tue, 03 Mar 2026 12:00:00 GMT", 3600),
        ("-5", None),
        ("Mon, 02 Mar 2026 11:00:00 GMT", None),
        ("soon", None),
        ("1e9", None),
        ("NaN", None),
        ("٣", None),
        ("", None),
    ],
)
def test_seconds_and_dates_are_obeyed_and_nonsense_is_not(asked: str, seconds: float | None) -> None:
    assert retry_after_s({"retry-after": asked}, NOW) == seconds


def test_backoff_grows_with_full_jitter_up_to_its_cap() -> None:
    policy = RetryPolicy(first_s=1, cap_s=8)
    chance = random.Random(3)  # noqa: S311 - repeatable on purpose
    for attempt, cap in ((1, 1), (2, 2), (3, 4), (4, 8), (5, 8), (500, 8)):
        waits = [policy.backoff_s(attempt, chance) for _ in range(300)]
        assert 0 <= min(waits) < cap * 0.1
        assert cap * 0.9 < max(waits) <= cap


def test_repeats_are_a_tenth_of_the_calls_beyond_a_small_floor() -> None:
    budget = RetryBudget(RetryPolicy(floor=5))
    assert [budget.spend() for _ in range(6)] == [True] * 5 + [False]
    for _ in range(30):
        budget.earn()
    assert [budget.spend() for _ in range(4)] == [True, True, True, False]
