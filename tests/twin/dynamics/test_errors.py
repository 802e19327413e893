"""Error envelopes and texts (reference: dynamics.md 2.5)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.twin.dynamics.conftest import Caller


def test_a_refused_write_carries_the_infolog_in_the_inner_error(fo: Caller) -> None:
    """[CODE C11] The outer message says nothing; the inner one names record, cause and field."""
    body = {"OrganizationName": "New", "CustomerGroupId": "Local", "SalesCurrencyCode": "USD"}
    answer = fo.send("POST", "/data/CustomersV3", body)
    error = json.loads(answer.body)["error"]
    assert (answer.status, error["code"], error["message"]) == (400, "", "An error has occurred.")
    assert error["innererror"]["message"] == (
        "Write failed for table row of type 'CustCustomerV3Entity'. Infolog: Warning: The value 'Local' in field "
        "'Customer group' is not found in the related table 'Customer groups'.; Warning: validateField failed on "
        "field 'CustCustomerV3Entity.CustomerGroupId'."
    )
    assert error["innererror"]["type"].endswith("AxODataWriteException")
    assert error["innererror"]["stacktrace"]


def test_a_refused_write_may_answer_500(starting: Callable[..., Caller]) -> None:
    """[2.5] The status of a rejection differs by release; malformed bodies stay 400."""
    fo = starting(write_refusal_status="500")
    assert fo.refusal("POST", "/data/CustomersV3", {"OrganizationName": "New"})[0] == 500
    assert fo.refusal("POST", "/data/CustomersV3", {"Nope": 1})[0] == 400


def test_an_unknown_property_in_a_body_is_an_invalid_request(fo: Caller) -> None:
    """[INF] "The request is invalid." with the property's name inside."""
    answer = fo.send("POST", "/data/CustomersV3", {"Nickname": "x"})
    error = json.loads(answer.body)["error"]
    assert (answer.status, error["message"]) == (400, "The request is invalid.")
    assert "'Nickname'" in error["innererror"]["message"]


def test_a_duplicate_key_says_that_the_record_exists(fo: Caller) -> None:
    """[CODE C9] The duplicate-key sentence ends with "The record already exists.."."""
    status, text = fo.refusal("POST", "/data/CustomerGroups", {"CustomerGroupId": "10"})
    assert status == 400
    assert text.startswith(
        "Write failed for table row of type 'CustCustomerGroupEntity'. Infolog: Info: Cannot create"
    )
    assert text.endswith("\nThe record already exists..")


@pytest.mark.parametrize(("value", "empty"), [("envelope", False), ("empty", True)])
def test_the_body_of_a_404_is_a_switch(starting: Callable[..., Caller], value: str, empty: bool) -> None:  # noqa: FBT001 - a case
    """[open question 2] The body of a 404 is not confirmed."""
    answer = starting(not_found_body=value).send("GET", "/data/Nothing")
    assert (answer.status, answer.body == b"") == (404, empty)


def test_other_verbs_are_not_allowed(fo: Caller) -> None:
    """[MS 1] Sets take GET and POST, keys GET, PATCH, PUT and DELETE."""
    assert fo.refusal("PATCH", "/data/CustomersV3", {})[0] == 405
    assert fo.refusal("POST", "/data/CustomersV3(dataAreaId='usmf',CustomerAccount='US-001')", {})[0] == 405


def test_refused_writes_change_nothing_and_are_logged_as_not_committed(fo: Caller) -> None:
    """A refused write leaves every table as it was and draws no number."""
    before = fo.machine.counts()
    order = {"dataAreaId": "usmf", "OrderingCustomerAccountNumber": "US-002"}
    answer = fo.send("POST", "/data/SalesOrderHeadersV2", order)
    assert answer.written is not None
    assert not answer.written.committed
    assert fo.machine.counts() == before
    order["OrderingCustomerAccountNumber"] = "US-001"
    assert fo.create("SalesOrderHeadersV2", order)["SalesOrderNumber"] == "SO-000001"


def test_reads_are_not_writes(fo: Caller) -> None:
    """Only mutating requests carry what they wrote."""
    assert fo.send("GET", "/data/CustomersV3").written is None
    assert fo.send("GET", "/data/Nothing").written is None
