"""The actions of F&O's service that the twin answers, each bound to the rows of one entity set.

Exports by package need a data project, which an administrator sets up inside F&O; a project without entities
exports nothing, so an execution of one that a client made fails.
https://learn.microsoft.com/dynamics365/fin-ops-core/dev-itpro/data-entities/data-management-api
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ml_connector.twin.dynamics import dimensions
from ml_connector.twin.dynamics.errors import WRITE_ERROR, RefusalError, bad_body

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ml_connector.twin.dynamics.environment import Environment

PREFIX = "Microsoft.Dynamics.DataEntities."
_KINDS: dict[str, type] = {"Edm.String": str, "Edm.Boolean": bool}
_LIST = "Collection(Edm.String)"


@dataclass(frozen=True, slots=True)
class Action:
    """One action: its set, its name, its parameters by EDM type, and what it returns."""

    set: str
    name: str
    parameters: Mapping[str, str]
    run: Callable[[Environment, Mapping[str, Any]], str]


def _set_display_value(environment: Environment, given: Mapping[str, Any]) -> str:
    return dimensions.set_display_value(environment, given["_attributeNames"], given["_attributeValues"])


def _export(environment: Environment, given: Mapping[str, Any]) -> str:
    project = given["definitionGroupId"]
    if environment.find("DataManagementDefinitionGroups", project) is None:
        sentence = f"The data project '{project}' does not exist."
        raise RefusalError(400, sentence, kind=WRITE_ERROR)
    number = environment.store.draw("executions", "")
    return given["executionId"] or f"{project}-{number:06d}"


def _status(environment: Environment, given: Mapping[str, Any]) -> str:
    project = str(given["executionId"]).rpartition("-")[0]
    known = environment.find("DataManagementDefinitionGroups", project)
    return "Unknown" if known is None else "Failed"


def _url(_environment: Environment, _given: Mapping[str, Any]) -> str:
    return ""


_PROJECTS = "DataManagementDefinitionGroups"
_EXPORT = {
    "definitionGroupId": "Edm.String",
    "packageName": "Edm.String",
    "executionId": "Edm.String",
    "reExecute": "Edm.Boolean",
    "legalEntityId": "Edm.String",
}
_EXECUTION = {"executionId": "Edm.String"}
ACTIONS = (
    Action(
        "DimensionSets",
        "getSetDisplayValue",
        {"_attributeNames": _LIST, "_attributeValues": _LIST},
        _set_display_value,
    ),
    Action(_PROJECTS, "ExportToPackage", _EXPORT, _export),
    Action(_PROJECTS, "GetExportedPackageUrl", _EXECUTION, _url),
    Action(_PROJECTS, "GetExecutionSummaryStatus", _EXECUTION, _status),
)


def find(set_name: str, name: str) -> Action | None:
    """The action of that set and name."""
    return next((action for action in ACTIONS if (action.set, action.name) == (set_name, name)), None)


def read_parameters(action: Action, body: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of a call; one that is left out is empty, a list must be there.

    Raises:
        RefusalError: 400, a parameter of the wrong kind.
    """
    return {name: _parameter(name, kind, body) for name, kind in action.parameters.items()}


def _parameter(name: str, kind: str, body: Mapping[str, Any]) -> Any:
    value = body.get(name)
    if kind == _LIST:
        if isinstance(value, list) and all(isinstance(item, str) for item in value):
            return value
        raise bad_body(f"The parameter '{name}' is a list of text.")
    if value is None:
        return _KINDS[kind]()
    if not isinstance(value, _KINDS[kind]):
        raise bad_body(f"The parameter '{name}' is of type '{kind}'.")
    return value
