"""The F&O twin's answers beside recorded ones: each recorded request is sent again, fitted to the twin's own world.

Compared are the status, the names of the fields, the JSON type of each value, and of created records the values F&O
gave by itself. Every difference stands in a table here with its reason; any other fails.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from tests.reference.dynamics_caller import BASE, start

from ml_connector.twin.dynamics.entities import load_schema

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.reference.dynamics_caller import Twin

pytestmark = pytest.mark.reference

# How a recorded request is fitted to the twin's world.
COMPANY = "usmf"
NAMES = {"IG-CL": "10", "DAT-000042": "US-001", "DAT-000011": "US-001"}
# Sets of a recorded request that the twin does not hold, and the set that is asked in their place.
OTHER_SETS = {"SalesQuotationHeadersV2": "SalesOrderHeadersV2", "SalesQuotationNumber": "SalesOrderNumber"}

STATUS = {
    ("POST", 200): (201, "F&O documents 201 for a create; the recorder shows 200"),
}
# Fields the twin shows and the recording lacks.
MORE_FIELDS = {
    "Contoso": "extension fields of an invented installation, shown by the switch extra_properties",
}
# Fields the recording shows and the twin lacks, by set.
_NEWER = "an enumeration of a newer release: its members are not known, and only one was seen"
FEWER_FIELDS: dict[str, dict[str, str]] = {
    "CustomersV3": {"QMSApprovedCustomerListCheckMethod": _NEWER},
    "ReleasedProductsV2": {"QMSApprovedCustomerListCheckMethod": _NEWER},
    "Warehouses": {
        "CoordinatesRetrievalStrategy": _NEWER,
        "DistanceCalculationStrategy": _NEWER,
        "SpatialLocationSortingStrategy": _NEWER,
    },
}
# JSON types that differ: (set, field).
TYPES: dict[tuple[str, str], str] = {}
# Values of a created record that are its own: numbers, names, moments.
OWN_VALUES: dict[str, dict[str, str]] = {
    "CustomersV3": {
        "dataAreaId": "the twin's own company",
        "CustomerAccount": "drawn from a number sequence",
        "PartyNumber": "drawn from a number sequence",
        "CustomerGroupId": "a group of the twin's world",
    },
    "SalesOrderHeadersV2": {
        "dataAreaId": "the twin's own company",
        "SalesOrderNumber": "drawn from a number sequence",
        "OrderingCustomerAccountNumber": "a customer of the twin's world",
        "InvoiceCustomerAccountNumber": "a customer of the twin's world",
    },
}


def samples() -> range:
    return range(16)


@pytest.fixture(scope="module")
def recorded(dynamics_reference: Path) -> list[dict[str, Any]]:
    text = (dynamics_reference / "recorded-responses.json").read_text(encoding="utf-8")
    found = json.loads(text)["samples"]
    assert isinstance(found, list)
    return found


@pytest.fixture
def twin() -> Twin:
    """An environment of the recording's release, with an order that holds one line."""
    found = start(extra_properties="on")
    customer = {
        "dataAreaId": COMPANY,
        "OrganizationName": "Customer B Equipment LLC",
        "CustomerGroupId": "10",
        "SalesCurrencyCode": "USD",
    }
    answer = found.send("POST", "/data/CustomersV3", customer)
    NAMES["DAT-000004"] = json.loads(answer.body)["CustomerAccount"]
    header = {"dataAreaId": COMPANY, "OrderingCustomerAccountNumber": "US-001"}
    number = json.loads(found.send("POST", "/data/SalesOrderHeadersV2", header).body)["SalesOrderNumber"]
    NAMES["DAT-000001"] = NAMES["DAT-000006"] = number
    item = found.get("/data/ReleasedProductsV2?$filter=SalesPrice gt 0&$top=1".replace(" ", "%20"))["value"][
        0
    ]
    line = {"dataAreaId": COMPANY, "SalesOrderNumber": number, "ItemNumber": item["ItemNumber"]}
    answer = found.send("POST", "/data/SalesOrderLinesV3", {**line, "OrderedSalesQuantity": 10})
    assert answer.status == 201, answer.body
    return found


def fitted(text: str) -> str:
    """A recorded path or filter with keys of the twin's world."""
    for theirs, ours in {**OTHER_SETS, **NAMES}.items():
        text = text.replace(theirs, ours)
    return re.sub(r"(dataAreaId(?:=| eq )')dat'", rf"\g<1>{COMPANY}'", text)


def fitted_body(body: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if body is None:
        return None
    return {
        name: COMPANY if name == "dataAreaId" else NAMES.get(value, value) for name, value in body.items()
    }


def rows_of(body: Any) -> list[dict[str, Any]]:
    if not isinstance(body, dict):
        return []
    rows = body.get("value", [body])
    assert isinstance(rows, list)
    return rows


def kind_of(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    if value is None:
        return "null"
    return "number" if isinstance(value, (int, float)) else type(value).__name__


def shape_of(value: Any) -> str:
    """The JSON type, and for text that is a date or a moment, which of the two."""
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", value):
        return "date" if value.endswith("T12:00:00Z") else "moment"
    return kind_of(value)


def explained(name: str, table: Mapping[str, str]) -> bool:
    return any(name.startswith(start) for start in table)


@pytest.mark.parametrize("place", samples())
def test_a_recorded_request_is_answered_alike(place: int, recorded: list[dict[str, Any]], twin: Twin) -> None:
    """Status, names of fields, types of values, and what F&O fills in by itself."""
    sample = recorded[place]
    assert len(recorded) == len(samples())
    method, path = sample["method"], fitted(sample["path"])
    options = "&".join(
        f"{name}={quote(fitted(value), safe='')}" for name, value in sample.get("query", {}).items()
    )
    answer = twin.send(
        method, f"{path}?{options}" if options else path, fitted_body(sample.get("request_body"))
    )
    theirs = sample["recorded_status"]
    assert answer.status == STATUS.get((method, theirs), (theirs, ""))[0], answer.body
    body: dict[str, Any] = json.loads(answer.body) if answer.body else {}
    assert bool(body) == bool(sample.get("response"))
    if not body:
        return
    set_name = path.removeprefix("/data/").partition("(")[0]
    context = sample["response"]["@odata.context"]
    assert body["@odata.context"] == context.replace("https://contoso.operations.dynamics.com", BASE)
    assert {name for name in body if name.startswith("@")} == {
        name for name in sample["response"] if name.startswith("@")
    }
    compare(set_name, rows_of(sample["response"]), rows_of(body))
    if method == "POST":
        compare_values(set_name, rows_of(sample["response"])[0], rows_of(body)[0], sample["request_body"])


def compare(set_name: str, theirs: list[dict[str, Any]], ours: list[dict[str, Any]]) -> None:
    assert ours, f"the twin has no {set_name} to compare"
    names = set(theirs[0])
    fewer = FEWER_FIELDS.get(set_name, {})
    for row in ours:
        assert {name for name in row if name not in names and not explained(name, MORE_FIELDS)} == set()
        assert {name for name in names if name not in row and not explained(name, fewer)} == set()
    different = {}
    for name in sorted(names & set(ours[0])):
        known = {shape_of(row[name]) for row in theirs}
        found = {shape_of(row[name]) for row in ours}
        if not found & known and (set_name, name) not in TYPES:
            different[name] = (known, found)
    assert different == {}, set_name


def compare_values(
    set_name: str, theirs: Mapping[str, Any], ours: Mapping[str, Any], sent: Mapping[str, Any]
) -> None:
    own = OWN_VALUES[set_name]
    different = {
        name: (value, ours.get(name))
        for name, value in theirs.items()
        if not name.startswith("@")
        and name not in own
        and name not in sent
        and name not in FEWER_FIELDS.get(set_name, {})
        and ours.get(name) != value
    }
    assert different == {}, set_name


def test_every_entry_of_the_tables_is_needed(recorded: list[dict[str, Any]]) -> None:
    """A reason for a difference that is no more would hide the next one."""
    contexts = {sample["path"].removeprefix("/data/").partition("(")[0] for sample in recorded}
    assert {*OWN_VALUES, *FEWER_FIELDS} <= contexts
    assert {set_name for set_name, _ in TYPES} <= contexts
    sets = load_schema(extended=True).sets
    for set_name, fewer in FEWER_FIELDS.items():
        assert fewer.keys() & sets[set_name].properties.keys() == set()
