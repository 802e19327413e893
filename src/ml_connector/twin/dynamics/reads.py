"""Reading: lists with server paging, single records, counts.

A read sees the caller's default company unless ``cross-company=true``.
https://learn.microsoft.com/dynamics365/fin-ops-core/dev-itpro/data-entities/odata
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from ml_connector.twin.dynamics.errors import bad_query, not_found
from ml_connector.twin.dynamics.filters import Filter, FilterCompiler
from ml_connector.twin.dynamics.query import Query, parse_query
from ml_connector.twin.dynamics.render import context_url, entity_path, json_body, metadata_level, row_writer
from ml_connector.twin.dynamics.tables import fold
from ml_connector.twin.wire import Answer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ml_connector.twin.dynamics.environment import Environment
    from ml_connector.twin.dynamics.tables import Row
    from ml_connector.twin.dynamics.views import Navigation, View
    from ml_connector.twin.wire import Request

_KEPT_FILTERS = 512
_KEPT_RESULTS = 4
_PAGE_SIZE = re.compile(r"odata\.maxpagesize=(\d+)")


class Reader:
    """Answers reads; keeps compiled filters and the last results while nothing changes."""

    def __init__(self, environment: Environment, base_url: Callable[[], str], page_size: int) -> None:
        self._environment = environment
        self._base_url = base_url
        self._page_size = page_size
        self._filter = lru_cache(_KEPT_FILTERS)(self._compile)
        self._results: dict[tuple[Any, ...], tuple[int, Sequence[Row]]] = {}

    @property
    def root(self) -> str:
        """The service root of absolute links."""
        return f"{self._base_url()}/data"

    def query(self, request: Request, view: View) -> Query:
        """The request's options."""
        environment = self._environment
        unknown = environment.switches["unknown_options"]
        return parse_query(request.query, view, environment.views, unknown=unknown)

    def listing(self, request: Request, view: View) -> Answer:
        """A page of a set."""
        query = self.query(request, view)
        rows = self._rows(view, query)
        page_size = self._page_size_of(request)
        start = self._start(query, rows)
        wanted = len(rows) - start if query.top is None else min(query.top, len(rows) - start)
        page = rows[start : start + max(0, min(wanted, page_size))]
        level = metadata_level(request.headers)
        body: dict[str, Any] = {}
        if level != "none":
            body["@odata.context"] = context_url(self.root, view, query)
        if query.count:
            body["@odata.count"] = len(rows)
        write = self._writer(view, query, level)
        body["value"] = [write(row) for row in page]
        if wanted > len(page):
            body["@odata.nextLink"] = self._next_link(request, query, page, start + len(page))
        return json_body(200, body, level=level)

    def single(self, request: Request, view: View, row: Row) -> Answer:
        """One record."""
        query = self.query(request, view)
        level = metadata_level(request.headers)
        return json_body(200, self.entity(view, row, query, level), level=level)

    def entity(self, view: View, row: Row, query: Query, level: str) -> dict[str, Any]:
        """One record as an answer's body."""
        shown = self._writer(view, query, level)(row)
        if level == "none":
            return shown
        return {"@odata.context": context_url(self.root, view, query, single=True), **shown}

    def related(self, request: Request, target: View, navigation: Navigation, row: Row) -> Answer:
        """What a navigation property of a record leads to: a list, or one record or nothing.

        Raises:
            RefusalError: a malformed option.
        """
        query, level = self.query(request, target), metadata_level(request.headers)
        rows = navigation.find(row)
        if not navigation.many:
            if not rows:
                return Answer(204, b"", {"OData-Version": "4.0"})
            return json_body(200, self.entity(target, rows[0], query, level), level=level)
        write = self._writer(target, query, level)
        body: dict[str, Any] = {}
        if level != "none":
            body["@odata.context"] = context_url(self.root, target, query)
        body["value"] = [write(item) for item in rows]
        return json_body(200, body, level=level)

    def location(self, view: View, row: Row) -> str:
        """The absolute address of a record."""
        path = quote(entity_path(view, row), safe="()=,'")
        return f"{self.root}/{path}"

    def count(self, request: Request, view: View) -> Answer:
        """The number of records as plain text."""
        number = len(self._rows(view, self.query(request, view)))
        return Answer(200, str(number).encode(), {"Content-Type": "text/plain", "OData-Version": "4.0"})

    def by_key(self, request: Request, view: View, key: tuple[Any, ...]) -> Row:
        """The record of a key, within the companies this request may see.

        Raises:
            RefusalError: 404.
        """
        row = self._environment.find(view.name, *key)
        if row is not None and view.set.per_company and not self._sees(request, row):
            row = None
        if row is None:
            raise not_found(f"No {view.set.type} with that key was found.")
        return row

    def _sees(self, request: Request, row: Row) -> bool:
        environment = self._environment
        flag = (request.param("cross-company") or "").lower() == "true"
        anywhere = flag or environment.is_on("key_in_other_company", "found")
        return anywhere or row.values["dataAreaId"] == environment.default_company

    def _writer(self, view: View, query: Query, level: str) -> Callable[[Row], dict[str, Any]]:
        tags = level != "none" or self._environment.is_on("etag_without_metadata", "kept")
        return row_writer(self.root, view, query, self._environment.views, level=level, tags=tags)

    def _compile(self, view_name: str, text: str) -> Filter:
        environment = self._environment
        compiler = FilterCompiler(
            environment.views[view_name],
            environment.schema,
            functions=environment.is_on("contains", "supported"),
            sensitive=environment.is_on("string_compare", "sensitive"),
        )
        return compiler.compile(text)

    def _rows(self, view: View, query: Query) -> Sequence[Row]:
        """All rows a query selects, in its order; remembered until something changes."""
        revision = self._environment.store.revision
        wanted = (view.name, query.filter, query.orderby, query.cross_company)
        known = self._results.get(wanted)
        if known is not None and known[0] == revision:
            return known[1]
        rows = self._ordered(view, query, self._selected(view, query))
        if len(self._results) >= _KEPT_RESULTS:
            self._results.pop(next(iter(self._results)))
        self._results[wanted] = (revision, rows)
        return rows

    def _selected(self, view: View, query: Query) -> Sequence[Row]:
        table = self._environment.store.tables[view.table]
        company = self._environment.default_company
        limited = view.set.per_company and not query.cross_company
        if query.filter is None:
            return tuple(table.by_company.get(company, ()) if limited else table.rows)
        compiled = self._filter(view.name, query.filter)
        keys = [key for key in compiled.keys if key[0] != "dataAreaId"]
        if keys:
            rows = table.where(*keys[0])
            if limited:
                rows = [row for row in rows if row.values["dataAreaId"] == company]
        else:
            rows = table.by_company.get(company, []) if limited else table.rows
        return [row for row in rows if compiled.matches(row)]

    def _ordered(self, view: View, query: Query, rows: Sequence[Row]) -> Sequence[Row]:
        for name, descending in reversed(query.orderby):
            rows = sorted(rows, key=self._sort_key(view, name), reverse=descending)
        return rows

    def _sort_key(self, view: View, name: str) -> Callable[[Row], Any]:
        get, found = view.getter(name), view.set.properties[name]
        if found.kind == "enum":
            members = self._environment.schema.enums[found.enum]
            return lambda row: members.get(get(row), -1)
        if found.kind == "string":
            return lambda row: fold(get(row))
        return get

    def _page_size_of(self, request: Request) -> int:
        asked = _PAGE_SIZE.search(request.headers.get("prefer", ""))
        if asked and self._environment.is_on("maxpagesize", "honoured"):
            return max(1, min(self._page_size, int(asked[1])))
        return self._page_size

    def _start(self, query: Query, rows: Sequence[Row]) -> int:
        """Where the page begins; a token for an unsorted list names the last record seen."""
        token = query.skiptoken
        if token is None:
            return min(query.skip, len(rows))
        kind, number = token[:1], token[1:]
        if kind not in {"r", "n"} or not number.isdigit():
            raise bad_query(f"Invalid value '{token}' for $skiptoken query option found.")
        if kind == "n":
            return min(int(number), len(rows))
        return next((place for place, row in enumerate(rows) if row.record_id > int(number)), len(rows))

    def _next_link(self, request: Request, query: Query, page: Sequence[Row], place: int) -> str:
        pairs = [(k, v) for k, v in request.query if k not in {"$skip", "$skiptoken", "$top"}]
        if query.top is not None:
            pairs.append(("$top", str(query.top - len(page))))
        if self._environment.is_on("nextlink", "skip"):
            pairs.append(("$skip", str(place)))
        else:
            pairs.append(("$skiptoken", f"n{place}" if query.orderby else f"r{page[-1].record_id}"))
        text = "&".join(f"{quote(name, safe='$-')}={quote(value, safe='')}" for name, value in pairs)
        return f"{self._base_url()}{request.raw_path}?{text}"
