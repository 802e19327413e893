"""Answers as F&O writes them: JSON with plain numbers, contexts, row annotations, error envelopes."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import orjson

from ml_connector.twin.dynamics.entities import NAMESPACE
from ml_connector.twin.wire import Answer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ml_connector.twin.dynamics.errors import RefusalError
    from ml_connector.twin.dynamics.query import Expand, Query
    from ml_connector.twin.dynamics.tables import Row
    from ml_connector.twin.dynamics.views import View
    from ml_connector.twin.wire import Written

LEVELS = ("minimal", "none", "full")


def dumps(body: Any) -> bytes:
    """JSON; a Decimal becomes a plain number with its own digits."""
    return orjson.dumps(body, default=_plain)


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return orjson.Fragment(format(value, "f"))
    raise TypeError(type(value).__name__)


def json_body(status: int, body: Any, *, level: str = "minimal", written: Written | None = None) -> Answer:
    """An OData answer with a JSON body."""
    headers = {"Content-Type": f"application/json; odata.metadata={level}", "OData-Version": "4.0"}
    return Answer(status, dumps(body), headers, written)


def refusal(problem: RefusalError, *, written: Written | None = None) -> Answer:
    """An error in F&O's envelope."""
    return json_body(problem.status, problem.envelope(), written=written)


def metadata_level(headers: Mapping[str, str]) -> str:
    """How many annotations the client accepts: minimal, none or full."""
    accept = headers.get("accept", "")
    return next((level for level in LEVELS if f"odata.metadata={level}" in accept), "minimal")


def context_url(root: str, view: View, query: Query, *, single: bool = False) -> str:
    """The ``@odata.context`` of an answer."""
    parts = [*query.select, *(f"{expand.name}({','.join(expand.select)})" for expand in query.expand)]
    shape = f"({','.join(parts)})" if query.select else ""
    return f"{root}/$metadata#{view.name}{shape}{'/$entity' if single else ''}"


def row_writer(
    root: str, view: View, query: Query, views: Mapping[str, View], *, level: str, tags: bool = True
) -> Callable[[Row], dict[str, Any]]:
    """A function that turns a row into the JSON object an answer shows."""
    read, tag = view.reader(query.select), view.tag

    def plain(row: Row) -> dict[str, Any]:
        return {"@odata.etag": tag(row), **read(row)} if tags else read(row)

    write = plain
    if level == "full":

        def annotated(row: Row) -> dict[str, Any]:
            return {**_links(root, view, row), **plain(row)}

        write = annotated
    if not query.expand:
        return write

    expanders = [_expander(root, view, expand, views, level=level, tags=tags) for expand in query.expand]

    def expanded(row: Row) -> dict[str, Any]:
        out = write(row)
        for name, make in expanders:
            out[name] = make(row)
        return out

    return expanded


def _expander(
    root: str, view: View, expand: Expand, views: Mapping[str, View], *, level: str, tags: bool
) -> tuple[str, Callable[[Row], Any]]:
    from ml_connector.twin.dynamics.query import Query

    navigation = view.navigations[expand.name]
    write = row_writer(
        root, views[navigation.target], Query(select=expand.select), views, level=level, tags=tags
    )

    def make(row: Row) -> Any:
        found: Sequence[Row] = navigation.find(row)
        if navigation.many:
            return [write(item) for item in found]
        return write(found[0]) if found else None

    return expand.name, make


def entity_path(view: View, row: Row) -> str:
    """The path of a record below the service root."""
    parts = []
    for name in view.set.keys:
        value, found = row.values.get(name, ""), view.set.properties[name]
        if found.kind == "enum":
            parts.append(f"{name}={NAMESPACE}.{found.enum}'{value}'")
        elif found.kind == "string":
            parts.append(f"{name}='{str(value).replace(chr(39), chr(39) * 2)}'")
        else:
            parts.append(f"{name}={value}")
    return f"{view.name}({','.join(parts)})"


def _links(root: str, view: View, row: Row) -> dict[str, Any]:
    path = entity_path(view, row)
    links = {
        "@odata.type": f"#{NAMESPACE}.{view.set.type}",
        "@odata.id": f"{root}/{path}",
        "@odata.editLink": path,
    }
    return links | {f"{name}@odata.navigationLink": f"{root}/{path}/{name}" for name in view.navigations}
