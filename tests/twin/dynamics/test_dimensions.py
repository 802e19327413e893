"""Financial dimensions (reference: dynamics.md 7; flows.md 3.6)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.twin.dynamics.conftest import Caller

ACTION = "/data/DimensionSets/Microsoft.Dynamics.DataEntities.getSetDisplayValue"
FIELD = "DefaultLedgerDimensionDisplayValue"


def header(value: str) -> dict[str, str]:
    return {"OrderingCustomerAccountNumber": "US-001", FIELD: value}


def test_the_active_default_format_is_readable(fo: Caller) -> None:
    """[META] Several formats, one active per type; the delimiter stands in DimensionParameters."""
    text = "IsActive eq Microsoft.Dynamics.DataEntities.NoYes'Yes'"
    kinds = {row["DimensionFormatType"]: row for row in fo.rows("DimensionIntegrationFormats", filter=text)}
    assert (
        kinds["DataEntityDefaultDimensionFormat"]["FinancialDimensionFormat"]
        == "BusinessUnit-Department-CostCenter"
    )
    assert kinds["DataEntityLedgerDimensionFormat"]["FinancialDimensionFormat"].startswith("MainAccount-")


def test_the_names_may_be_listed_otherwise(starting: Callable[..., Caller]) -> None:
    """[open question 3] The content of FinancialDimensionFormat is not confirmed."""
    rows = starting(dimension_format_text="comma").rows("DimensionIntegrationFormats", top="1")
    assert rows[0]["FinancialDimensionFormat"] == "BusinessUnit,Department,CostCenter"


@pytest.mark.parametrize(
    ("sent", "stored"),
    [("", "001--"), ("-022-", "001-022-"), ("002--", "002--"), ("002-022-7\\-A", "002-022-7\\-A")],
)
def test_a_header_merges_what_was_sent_with_the_customers_default(fo: Caller, sent: str, stored: str) -> None:
    """[flows.md 3.6] All positions kept; a delimiter inside a value is escaped [CODE]."""
    assert fo.create("SalesOrderHeadersV2", header(sent))[FIELD] == stored


def test_a_sent_value_may_replace_the_default_whole(starting: Callable[..., Caller]) -> None:
    """[INF] The other behaviour."""
    assert starting(dimension_post="replace").create("SalesOrderHeadersV2", header("-022-"))[FIELD] == "-022-"


@pytest.mark.parametrize(("value", "stored"), [("replace", "-022-"), ("merge", "001-022-")])
def test_a_patch_replaces_the_whole_set_or_merges(
    starting: Callable[..., Caller], value: str, stored: str
) -> None:
    """[INF] An empty segment of a PATCH clears that dimension."""
    fo = starting(dimension_patch=value)
    fo.create("SalesOrderHeadersV2", header(""))
    path = "/data/SalesOrderHeadersV2(dataAreaId='usmf',SalesOrderNumber='SO-000001')"
    assert fo.send("PATCH", path, {FIELD: "-022-"}).status == 204
    assert fo.get(path)[FIELD] == stored


@pytest.mark.parametrize(
    ("sent", "word"), [("001-022", "2 segments"), ("001-022--", "4 segments"), ("009--", "'009'")]
)
def test_misfitting_and_unknown_values_are_refused(fo: Caller, sent: str, word: str) -> None:
    """[7] Too many or few segments, or unknown values: Write failed."""
    status, text = fo.refusal("POST", "/data/SalesOrderHeadersV2", header(sent))
    assert status == 400
    assert word in text
    assert text.startswith("Write failed for table row of type 'SalesOrderHeaderV2Entity'.")


@pytest.mark.parametrize("name", ["IsSuspended", "IsBlockedForManualEntry"])
def test_suspended_and_blocked_values_are_refused(fo: Caller, name: str) -> None:
    """[7] A value must exist and be active."""
    fo.machine.edit("FinancialDimensionValues", "Department::022", {name: "Yes"}, fo.now)
    assert fo.refusal("POST", "/data/SalesOrderHeadersV2", header("-022-"))[0] == 400


def test_without_an_active_format_display_values_are_empty_and_refused(
    starting: Callable[..., Caller],
) -> None:
    """[CODE C13] Columns stay empty, writes fail."""
    fo = starting(dimension_format="none")
    assert (
        fo.rows("CustomersV3", select="DefaultDimensionDisplayValue")[0]["DefaultDimensionDisplayValue"] == ""
    )
    assert fo.refusal("POST", "/data/SalesOrderHeadersV2", header("001--"))[0] == 400
    assert fo.create("SalesOrderHeadersV2", {"OrderingCustomerAccountNumber": "US-001"})[FIELD] == ""


def test_the_action_builds_a_display_value_in_the_formats_order(fo: Caller) -> None:
    """[CODE C5] Dimensions outside the format are skipped; the action only reads."""
    body = {
        "_attributeNames": ["CostCenter", "Colour", "BusinessUnit"],
        "_attributeValues": ["7-A", "red", "002"],
    }
    answer = fo.send("POST", ACTION, body)
    assert (answer.status, answer.written) == (200, None)
    assert b'"value":"002--7\\\\-A"' in answer.body
    assert b"#Edm.String" in answer.body


def test_the_action_may_refuse_a_delimiter_inside_a_value(starting: Callable[..., Caller]) -> None:
    """[open question 3] The escape rule is not documented."""
    body = {"_attributeNames": ["CostCenter"], "_attributeValues": ["7-A"]}
    assert starting(dimension_escape="refused").refusal("POST", ACTION, body)[0] == 400


def test_malformed_calls_of_the_action_are_refused(fo: Caller) -> None:
    """[INF] Parameters are two lists of equal length; other actions do not exist here."""
    for body in (
        {},
        {"_attributeNames": "A", "_attributeValues": []},
        {"_attributeNames": ["A"], "_attributeValues": []},
    ):
        assert fo.refusal("POST", ACTION, body)[0] == 400
    assert fo.refusal("POST", ACTION.replace("getSetDisplayValue", "postEverything"), {})[0] == 404
    assert fo.send("GET", ACTION).status == 405
