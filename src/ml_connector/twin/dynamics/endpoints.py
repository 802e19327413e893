"""Every kind of request the twin of F&O answers, with the evidence behind it."""

from __future__ import annotations

from ml_connector.twin.dynamics.actions import ACTIONS, PREFIX
from ml_connector.twin.evidence import Endpoint, Evidence


def _data(method: str, path: str, does: str, evidence: Evidence) -> Endpoint:
    return Endpoint("dynamics", method, f"/data{path}", does, evidence)


_DOES: dict[str, tuple[str, Evidence]] = {
    "getSetDisplayValue": (
        "The display value of a set of financial dimensions, as the format orders them",
        "CODE",
    ),
    "ExportToPackage": ("Start the export of a data project", "MS"),
    "GetExportedPackageUrl": ("Where an exported package lies", "MS"),
    "GetExecutionSummaryStatus": ("How an execution of a data project stands", "MS"),
}
ENDPOINTS: tuple[Endpoint, ...] = (
    _data("GET", "", "The service document: every entity set", "MS"),
    _data("GET", "/$metadata", "The schema as CSDL 4.0", "MS"),
    _data(
        "GET",
        "/{set}",
        "Records, with $filter, $select, $orderby, $top, $skip, $count, $expand of the first level and "
        "cross-company; a server page ends with @odata.nextLink",
        "MS",
    ),
    _data("GET", "/{set}/$count", "The number of records as text", "INF"),
    _data("GET", "/{set}({key})", "One record by its full key", "MS"),
    _data("GET", "/{set}({key})/{navigation}", "What a navigation property of a record leads to", "INF"),
    _data("POST", "/{set}", "Create a record", "REC"),
    _data("PATCH", "/{set}({key})", "Change properties of a record", "REC"),
    _data("PUT", "/{set}({key})", "Change properties of a record, as PATCH", "CODE"),
    _data("DELETE", "/{set}({key})", "Delete a record", "REC"),
    _data("POST", "/$batch", "Several requests in one, change sets whole or not at all", "MS"),
    *(_data("POST", f"/{action.set}/{PREFIX}{action.name}", *_DOES[action.name]) for action in ACTIONS),
)
