"""What HubSpot's refusals become: sentences for people, and the right decision about trying again."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from ml_connector.errors import (
    ConnectorError,
    CredentialsError,
    MissingScopeError,
    RejectedError,
    ThrottledError,
    UnavailableError,
)
from ml_connector.systems.hubspot.faults import buckets, fault, limit, verdict
from ml_connector.transport.judge import Again, Final, Limit, Reauthenticate
from ml_connector.transport.request import ReadRequest, Reply, WriteRequest

READ = ReadRequest("hubspot", "GET", "/crm/objects/2026-03/deals", "objects")
SEARCH = ReadRequest("hubspot", "POST", "/crm/objects/2026-03/deals/search", "search")
LINKS = ReadRequest("hubspot", "POST", "/crm/associations/2026-03/deals/companies/batch/read", "associations")
WRITE = WriteRequest("hubspot", "POST", "/x", "companies.upsert", {}, idempotent=True)
HIDDEN = [
    {
        "isValid": False,
        "message": 'Property "x" does not exist',
        "error": "PROPERTY_DOESNT_EXIST",
        "name": "x",
    }
]


def error_of(status: int, data: Any, request: Any = WRITE) -> ConnectorError:
    return fault(Reply(status, data, {}, "corr-1", datetime(2026, 1, 1, tzinfo=UTC)), request)


def listed(code: str, name: str, message: str = "words") -> dict[str, Any]:
    entry = {"code": code, "message": message, "context": {"propertyName": [name]}}
    return {"status": "error", "message": "Bad.", "category": "VALIDATION_ERROR", "errors": [entry]}


@pytest.mark.parametrize(
    ("data", "told", "code"),
    [
        (listed("INVALID_EMAIL", "email"), "email is not a valid e-mail address", "record.rejected"),
        (listed("INVALID_OPTION", "industry"), "industry does not have this option", "record.rejected"),
        (listed("READ_ONLY_VALUE", "hs_x"), "hs_x is read-only", "record.rejected"),
        (listed("PROPERTY_DOESNT_EXIST", "x"), "no property x", "hubspot.property_missing"),
        (
            listed("MISSING_REQUIRED_PROPERTY", "phone"),
            "a rule of this portal requires phone",
            "hubspot.portal_rule",
        ),
        (listed("NEW_CODE", "x", "HubSpot's own words"), "HubSpot's own words", "record.rejected"),
        (
            {
                "message": f"Property values were not valid: {json.dumps(HIDDEN)}",
                "category": "VALIDATION_ERROR",
            },
            "no property x",
            "hubspot.property_missing",
        ),
        ({"message": "Something else", "category": "VALIDATION_ERROR"}, "Something else", "record.rejected"),
        ({"message": "Broken: [{not json]"}, "Broken", "record.rejected"),
    ],
)
def test_a_refusal_names_the_property_and_what_is_wrong_with_it(data: Any, told: str, code: str) -> None:
    assert verdict(400, {}, data) == Final()
    error = error_of(400, data)
    assert isinstance(error, RejectedError)
    assert told in error.message
    assert error.code == code
    assert error.correlation_id == "corr-1"


@pytest.mark.parametrize(
    "data", [None, "", "<html>", [], {}, {"errors": "x"}, {"errors": [None, {"context": 5}]}]
)
def test_any_shape_of_a_refusal_makes_a_sentence(data: Any) -> None:
    assert error_of(400, data).message == "HubSpot refused the write of companies.upsert: status 400."


def test_a_conflict_hands_over_the_id_that_exists() -> None:
    error = error_of(409, {"message": "Contact already exists. Existing ID: 123", "category": "CONFLICT"})
    assert error.code == "hubspot.exists"
    assert error.context["existing_id"] == "123"


def test_a_missing_scope_is_named() -> None:
    data = {"errors": [{"message": "…", "context": {"requiredGranularScopes": ["crm.objects.deals.read"]}}]}
    error = error_of(403, data, READ)
    assert isinstance(error, MissingScopeError)
    assert "crm.objects.deals.read" in error.message
    association = error_of(400, {"message": "Missing 'Edit Associations' permission."})
    assert isinstance(association, MissingScopeError)


def test_a_401_is_a_credential() -> None:
    assert verdict(401, {}, None) == Reauthenticate()
    assert isinstance(error_of(401, {"category": "INVALID_AUTHENTICATION"}), CredentialsError)


@pytest.mark.parametrize(
    ("data", "bucket", "least", "most"),
    [
        ({"policyName": "DAILY"}, "hubspot", 3600, 3600),
        ({"policyName": "TEN_SECONDLY_ROLLING"}, "hubspot", 10, 10),
        ({"policyName": "SECONDLY"}, "hubspot.search", 1, 1),
        ({"message": "You have reached your secondly limit."}, "hubspot.search", 1, 1),
        ({"message": "You have reached your daily limit."}, "hubspot", 3600, 3600),
        ({"category": "RATE_LIMITS"}, "", 1, 1),
        (None, "", 1, 1),
    ],
)
def test_a_429_pauses_the_bucket_its_policy_names(data: Any, bucket: str, least: float, most: float) -> None:
    again = verdict(429, {}, data)
    assert isinstance(again, Again)
    assert again.throttled
    assert again.pause
    assert again.bucket == bucket
    assert least <= (again.after_s or again.least_s) <= most
    assert isinstance(error_of(429, data), ThrottledError)


def test_a_bulk_lock_is_waited_out_for_two_seconds_at_least() -> None:
    again = verdict(423, {}, None)
    assert isinstance(again, Again)
    assert again.least_s >= 2


@pytest.mark.parametrize("status", [477, 500, 502, 503, 504, 521, 523, 524])
def test_passing_trouble_is_tried_again(status: int) -> None:
    assert isinstance(verdict(status, {}, "<html>"), Again)
    assert isinstance(error_of(status, "<html>"), (UnavailableError, ThrottledError))


def test_limits_come_from_headers_of_calls_that_count_against_them() -> None:
    told = {
        "x-hubspot-ratelimit-max": "190",
        "x-hubspot-ratelimit-interval-milliseconds": "10000",
        "x-hubspot-ratelimit-remaining": "180",
    }
    assert limit(READ, told) == Limit("hubspot", 190, 10.0, 180)
    assert limit(LINKS, told) is None
    assert limit(SEARCH, told) is None
    assert limit(READ, {"x-hubspot-ratelimit-max": "many"}) is None
    assert limit(READ, {}) is None


def test_searches_and_associations_have_limits_of_their_own() -> None:
    assert buckets(SEARCH) == ("hubspot", "hubspot.search")
    assert buckets(LINKS) == ("hubspot.associations",)
    assert buckets(READ) == ("hubspot",)
