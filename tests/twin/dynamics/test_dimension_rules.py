"""Delimiters, dates and legal entities of financial dimensions (dynamics.md 7)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ml_connector.twin.dynamics.dimensions import DELIMITERS

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.twin.dynamics.conftest import Caller

SET = "/data/SalesOrderHeadersV2"
ACTION = "/data/DimensionSets/Microsoft.Dynamics.DataEntities.getSetDisplayValue"
FIELD = "DefaultLedgerDimensionDisplayValue"


def header(value: str, **changes: Any) -> dict[str, Any]:
    return {"OrderingCustomerAccountNumber": "US-001", FIELD: value, **changes}


@pytest.mark.parametrize(("mark", "member"), DELIMITERS.items())
def test_every_delimiter_joins_and_splits_with_all_positions_kept(
    starting: Callable[..., Caller], mark: str, member: str
) -> None:
    """[META DimensionSegmentDelimiter] The doubled ones exist for values that hold the single character."""
    fo = starting(dimension_delimiter=member)
    assert fo.rows("DimensionParameters")[0]["DimensionSegmentDelimiter"] == member
    assert fo.create("SalesOrderHeadersV2", header(""))[FIELD] == f"001{mark}{mark}"
    sent = f"002{mark}022{mark}"
    assert fo.create("SalesOrderHeadersV2", header(sent))[FIELD] == sent
    for wrong in (f"002{mark}022", f"002{mark}{mark}{mark}"):
        assert "segments" in fo.refusal("POST", SET, header(wrong))[1]
    body = {
        "_attributeNames": ["Department", "Worker", "BusinessUnit"],
        "_attributeValues": ["022", "9", "002"],
    }
    answer = fo.send("POST", ACTION, body)
    assert f'"value":"{sent}"' in answer.body.decode().replace('": "', '":"')


def test_a_doubled_delimiter_leaves_the_single_character_in_values_alone(
    starting: Callable[..., Caller],
) -> None:
    """[META] 7-A needs no escape between double hyphens."""
    fo = starting(dimension_delimiter="DoubleHyphen")
    assert fo.create("SalesOrderHeadersV2", header("002----7-A"))[FIELD] == "002----7-A"


def test_an_escaped_doubled_delimiter_is_part_of_its_value(starting: Callable[..., Caller]) -> None:
    """[CODE] A value that ends in one of its characters does not lend it to the next delimiter."""
    fo = starting(dimension_delimiter="DoubleHyphen")
    body = {"_attributeNames": ["BusinessUnit", "Department"], "_attributeValues": ["7--", "022"]}
    assert b'"7\\\\----022--"' in fo.send("POST", ACTION, body).body
    key = {"FinancialDimension": "BusinessUnit", "DimensionValue": "7--"}
    fo.machine.add("FinancialDimensionValueLegalEntityOverridesV2", {**key, "LegalEntityId": "demf"})
    assert "'7--'" in fo.refusal("POST", SET, header("7\\----022--"))[1]  # one value, which is not known


def test_people_change_the_format_and_make_another_active(fo: Caller) -> None:
    """[CODE C13] Several formats per type, one active; the rules follow it."""
    formats = "DimensionIntegrationFormats"
    fo.machine.edit(
        formats, "Default dimensions:DataEntityDefaultDimensionFormat", {"IsActive": "No"}, fo.now
    )
    assert fo.refusal("POST", SET, header("-022-"))[0] == 400
    former = {"IsActive": "Yes", "FinancialDimensionFormat": "Department-BusinessUnit"}
    fo.machine.edit(formats, "Former default:DataEntityDefaultDimensionFormat", former, fo.now)
    fo.machine.edit("CustomersV3", "usmf:US-001", {"DefaultDimensionDisplayValue": ""}, fo.now)
    assert fo.create("SalesOrderHeadersV2", header("022-"))[FIELD] == "022-"


def test_the_world_keeps_its_own_delimiter_as_built(fo: Caller) -> None:
    """[META] One setting per environment."""
    assert fo.rows("DimensionParameters")[0]["DimensionSegmentDelimiter"] == "Hyphen"


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"IsSuspended": "Yes"}, "suspended"),
        ({"IsBlockedForManualEntry": "Yes"}, "blocked for manual entry"),
        ({"ActiveFrom": "2026-03-03T12:00:00Z"}, "not active"),
        ({"ActiveTo": "2026-03-01T12:00:00Z"}, "not active"),
    ],
)
def test_a_value_that_is_suspended_blocked_or_out_of_date_is_refused(
    fo: Caller, fields: dict[str, str], word: str
) -> None:
    """[7] Value must exist and be active."""
    fo.machine.edit("FinancialDimensionValues", "Department::022", fields, fo.now)
    assert word in fo.refusal("POST", SET, header("-022-"))[1]


def test_a_value_is_active_on_its_first_and_last_day(fo: Caller) -> None:
    """[META ActiveFrom, ActiveTo] 1900-01-01 stands for no limit."""
    today = "2026-03-02T12:00:00Z"
    fields = {"ActiveFrom": today, "ActiveTo": today}
    fo.machine.edit("FinancialDimensionValues", "Department::022", fields, fo.now)
    assert fo.create("SalesOrderHeadersV2", header("-022-"))


def test_a_legal_entity_may_suspend_a_value_for_itself(fo: Caller) -> None:
    """[META FinancialDimensionValueLegalEntityOverridesV2] The others go on using it."""
    row = {
        "FinancialDimension": "Department",
        "DimensionValue": "022",
        "LegalEntityId": "usmf",
        "IsSuspended": "Yes",
    }
    fo.machine.add("FinancialDimensionValueLegalEntityOverridesV2", row)
    assert "suspended" in fo.refusal("POST", SET, header("-022-"))[1]
    other = header("-022-", dataAreaId="demf", OrderingCustomerAccountNumber="DE-001")
    assert fo.create("SalesOrderHeadersV2", other)[FIELD] == "001-022-"


@pytest.mark.parametrize(("value", "status"), [("offered", 200), ("missing", 404)])
def test_values_may_not_be_listed_and_are_checked_all_the_same(
    starting: Callable[..., Caller], value: str, status: int
) -> None:
    """[flows.md 3.6, v] Where a value cannot be listed the connector marks it not checked."""
    fo = starting(dimension_value_list=value)
    assert fo.send("GET", "/data/FinancialDimensionValues").status == status
    assert "'999' is not valid" in fo.refusal("POST", SET, header("-999-"))[1]
