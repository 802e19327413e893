"""The list of endpoints is true: each of them is answered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ml_connector.twin.dynamics import ENDPOINTS

if TYPE_CHECKING:
    from tests.twin.dynamics.conftest import Caller

    from ml_connector.twin.evidence import Endpoint

PLACES = {
    "{set}": "CustomerGroups",
    "{key}": "dataAreaId='usmf',CustomerGroupId='20'",
    "{navigation}": "DimensionSet",
}
BATCH = b"--b\r\nContent-Type: application/http\r\n\r\nGET CustomerGroups HTTP/1.1\r\n\r\n--b--\r\n"
BODIES: dict[str, Any] = {
    "POST /data/{set}": {"CustomerGroupId": "90"},
    "POST /data/$batch": BATCH,
}


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda found: f"{found.method} {found.path}")
def test_each_endpoint_is_answered(fo: Caller, endpoint: Endpoint) -> None:
    """A request of every kind listed is understood: no 404, no 405, no failure of the twin."""
    path = endpoint.path
    for place, value in PLACES.items():
        path = path.replace(place, value)
    body = BODIES.get(f"{endpoint.method} {endpoint.path}", {})
    if "Microsoft.Dynamics" in endpoint.path:
        fo.create("DataManagementDefinitionGroups", {"Name": "Customers"})
        body = {"definitionGroupId": "Customers", "_attributeNames": [], "_attributeValues": []}
    answer = fo.send(endpoint.method, path, body, content_type='multipart/mixed; boundary="b"')
    assert answer.status in {200, 201, 204}, answer.body
    assert endpoint.service == "dynamics"
    assert endpoint.does


def test_an_export_needs_a_data_project(fo: Caller) -> None:
    """[MS 5] Without one the export is refused, and no execution is known."""
    path = "/data/DataManagementDefinitionGroups/Microsoft.Dynamics.DataEntities."
    status, text = fo.refusal("POST", f"{path}ExportToPackage", {"definitionGroupId": "None"})
    assert (status, "None" in text) == (400, True)
    answer = fo.send("POST", f"{path}GetExecutionSummaryStatus", {"executionId": "x"})
    assert b'"Unknown"' in answer.body
    assert fo.send("POST", f"{path}ExportToPackage", {"definitionGroupId": 5}).status == 400
