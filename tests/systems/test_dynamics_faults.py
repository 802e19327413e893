"""What F&O's refusals become: sentences for people, and the right decision about trying again."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from ml_connector.errors import (
    ConfigurationError,
    ConnectorError,
    CredentialsError,
    MissingScopeError,
    RejectedError,
    UnavailableError,
)
from ml_connector.systems.dynamics.faults import fault, sentences, verdict
from ml_connector.transport.judge import Again, Final, Reauthenticate
from ml_connector.transport.request import ReadRequest, Reply, WriteRequest

READ = ReadRequest("dynamics", "GET", "/data/CustomersV3", "rows")
ROW = ReadRequest("dynamics", "GET", "/data/CustomersV3(dataAreaId='usmf',CustomerAccount='1')", "row")
WRITE = WriteRequest("dynamics", "POST", "/data/CustomersV3", "CustomersV3", {}, idempotent=False)
WRITTEN = "Write failed for table row of type 'CustCustomerV3Entity'. Infolog: "


def envelope(message: str, kind: str = "") -> dict[str, Any]:
    inner = {"message": message, "type": kind, "stacktrace": "   at Microsoft.Dynamics.Secret.Place()"}
    return {"error": {"code": "", "message": "An error has occurred.", "innererror": inner}}


def error_of(status: int, data: Any, request: Any = WRITE) -> ConnectorError:
    return fault(Reply(status, data, {}, "corr-1", datetime(2026, 1, 1, tzinfo=UTC)), request)


@pytest.mark.parametrize(
    ("message", "told"),
    [
        (
            WRITTEN
            + "Warning: The value 'Local' in field 'Customer group' is not found in the related table "
            "'Customer groups'.; Warning: validateField failed on field 'CustCustomerV3Entity.CustomerGroupId'.",
            [
                "The value 'Local' in field 'Customer group' is not found in the related table 'Customer groups'."
            ],
        ),
        (
            WRITTEN + "Warning: Inventory dimension Site is mandatory and must consequently be specified.; "
            "Error: Update has been canceled..",
            [
                "Inventory dimension Site is mandatory and must consequently be specified.",
                "Update has been canceled.",
            ],
        ),
        (
            WRITTEN
            + "Info: Cannot create a record in Customer groups (CustGroup).\nThe record already exists..",
            ["Cannot create a record in Customer groups (CustGroup).", "The record already exists."],
        ),
        (
            "Item 'L-1' is blocked.; validateWrite failed on data source 'PurchLine (PurchLine)'.",
            ["Item 'L-1' is blocked."],
        ),
        ("Der Wert 'X' ist ungültig.; Der Wert 'X' ist ungültig.", ["Der Wert 'X' ist ungültig."]),
    ],
)
def test_the_infolog_is_told_in_its_own_sentences(message: str, told: list[str]) -> None:
    assert sentences(message) == told


@pytest.mark.parametrize("status", [400, 500])
def test_a_refused_write_is_final_whatever_its_status(status: int) -> None:
    body = envelope(WRITTEN + "Warning: No.", "Microsoft.Dynamics.Platform.AxODataWriteException")
    assert verdict(status, {}, body) == Final()
    error = error_of(status, body)
    assert isinstance(error, RejectedError)
    assert error.message == "Dynamics refused the write to CustomersV3: No."
    assert error.correlation_id == "corr-1"
    assert "Secret.Place" not in f"{error} {vars(error)}"


@pytest.mark.parametrize(
    "words",
    [
        "An update conflict occurred due to another user process deleting the record.",
        "The transaction was chosen as the deadlock victim.",
    ],
)
def test_a_collision_with_another_process_is_tried_again(words: str) -> None:
    assert isinstance(verdict(500, {}, envelope(WRITTEN + words)), Again)
    assert isinstance(error_of(500, envelope(WRITTEN + words)), UnavailableError)


@pytest.mark.parametrize(("status", "data"), [(500, None), (502, "<html>"), (503, {"error": {}}), (504, "")])
def test_a_server_in_trouble_is_unavailable(status: int, data: Any) -> None:
    assert isinstance(verdict(status, {}, data), Again)
    assert isinstance(error_of(status, data, READ), UnavailableError)


def test_a_401_explains_the_row_that_is_missing_in_dynamics() -> None:
    assert verdict(401, {}, None) == Reauthenticate()
    error = error_of(401, None, READ)
    assert isinstance(error, CredentialsError)
    assert "Microsoft Entra ID applications" in error.hint


def test_a_403_names_the_data_entity() -> None:
    error = error_of(403, None, READ)
    assert isinstance(error, MissingScopeError)
    assert "CustomersV3" in error.message


def test_a_missing_set_is_configuration_and_a_missing_row_is_a_record() -> None:
    assert isinstance(error_of(404, None, READ), ConfigurationError)
    missing = error_of(404, None, ROW)
    assert isinstance(missing, RejectedError)
    assert missing.code == "dynamics.not_found"


def test_an_unknown_field_is_configuration_only_where_the_mapping_chose_it() -> None:
    outer = {"error": {"message": "Could not find a property named 'X' on type 'Microsoft.Dynamics.C'."}}
    assert isinstance(error_of(400, outer, READ), ConfigurationError)
    assert isinstance(error_of(400, outer, WRITE), RejectedError)


def test_a_429_pauses_everybody() -> None:
    again = verdict(429, {}, "This request could not be processed at this time.")
    assert isinstance(again, Again)
    assert again.throttled
    assert again.pause


@pytest.mark.parametrize(
    "data", [None, "", [], {}, {"error": None}, {"error": "x"}, {"error": {"innererror": 7}}]
)
def test_any_shape_of_a_refusal_makes_a_sentence(data: Any) -> None:
    error = error_of(400, data)
    assert error.message == "Dynamics refused the write to CustomersV3: status 400, without a reason"
