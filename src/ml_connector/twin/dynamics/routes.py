"""From a request to its answer: which set, which key, which verb. One request is one transaction."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from ml_connector.twin.dynamics import actions
from ml_connector.twin.dynamics.errors import RefusalError, not_found
from ml_connector.twin.dynamics.keys import parse_key
from ml_connector.twin.dynamics.metadata import metadata_document, service_document
from ml_connector.twin.dynamics.offers import is_offered
from ml_connector.twin.dynamics.query import Query
from ml_connector.twin.dynamics.render import json_body, metadata_level, refusal
from ml_connector.twin.dynamics.values import read_body
from ml_connector.twin.wire import Answer, Written

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from ml_connector.twin.dynamics.environment import Environment
    from ml_connector.twin.dynamics.reads import Reader
    from ml_connector.twin.dynamics.tables import Row
    from ml_connector.twin.dynamics.views import View
    from ml_connector.twin.dynamics.writes import Writer
    from ml_connector.twin.wire import Request

_ADDRESS = re.compile(r"(?P<name>\w+)(?:\((?P<key>.*)\))?", re.DOTALL)
_MUTATING = {"POST", "PATCH", "PUT", "DELETE"}
_BAD = 400
_NOT_FOUND = 404
_LONGEST_PATH = 3  # data, set, action or $count


class Router:
    """Answers single requests."""

    def __init__(self, environment: Environment, reader: Reader, writer: Writer) -> None:
        self._environment = environment
        self._reader = reader
        self._writer = writer
        self._changes = 0
        self._views = {
            name: view for name, view in environment.views.items() if is_offered(name, environment.switches)
        }

    def answer(self, request: Request, now: datetime) -> Answer:
        """One request, whole or not at all."""
        self._environment.store.begin()
        answer = self._step(request, now)
        if answer.status >= _BAD:
            self._environment.store.roll_back()
        return answer

    def together(
        self, requests: list[Request], now: datetime, content_ids: Sequence[str] = ()
    ) -> list[Answer]:
        """Several requests as one; after the first refusal nothing of any is kept. The last answer tells.

        With ``content_ids``, one for each request, ``/data/$1`` may mean what the part with that id created.
        """
        self._environment.store.begin()
        answers: list[Answer] = []
        created: dict[str, str] = {}
        for place, request in enumerate(requests):
            answers.append(self._step(self._resolved(request, created), now))
            if place < len(content_ids) and "Location" in answers[-1].headers:
                created[content_ids[place]] = urlsplit(answers[-1].headers["Location"]).path
            if answers[-1].status >= _BAD:
                self._environment.store.roll_back()
                break
        return answers

    def _resolved(self, request: Request, created: Mapping[str, str]) -> Request:
        """A request whose address is ``$`` and a Content-ID, sent to the record that part created."""
        wanted = unquote(request.raw_path).removeprefix("/data/$")
        if wanted not in created or self._environment.is_on("content_id_references", "refused"):
            return request
        return replace(request, target=f"{created[wanted]}?cross-company=true")

    def _step(self, request: Request, now: datetime) -> Answer:
        try:
            return self._route(request, now)
        except RefusalError as problem:
            answer = refusal(problem)
            if problem.status == _NOT_FOUND and self._environment.is_on("not_found_body", "empty"):
                answer.body = b""
            if request.method in _MUTATING:
                answer.written = Written(self._attempted(request), committed=False)
            return answer

    def _route(self, request: Request, now: datetime) -> Answer:
        segments = [unquote(part) for part in request.raw_path.strip("/").split("/")]
        if segments[0] != "data" or len(segments) > _LONGEST_PATH:
            raise not_found(f"No resource was found at '{request.path}'.")
        if len(segments) == 1:
            return json_body(200, service_document(self._reader.root, self._views))
        if segments[1] == "$metadata":
            document = metadata_document(self._environment.schema, self._views)
            return Answer(200, document, {"Content-Type": "application/xml", "OData-Version": "4.0"})
        if len(segments) == _LONGEST_PATH and segments[2].startswith(actions.PREFIX):
            return self._action(request, segments[1], segments[2].removeprefix(actions.PREFIX))
        view, key = self._addressed(segments[1])
        if len(segments) == _LONGEST_PATH:
            if key is not None:
                return self._related(request, view, key, segments[2])
            if segments[2] != "$count" or request.method != "GET":
                raise not_found(f"No resource was found at '{request.path}'.")
            return self._reader.count(request, view)
        return self._on_set(request, view, now) if key is None else self._on_key(request, view, key, now)

    def _addressed(self, segment: str) -> tuple[View, tuple[Any, ...] | None]:
        match = _ADDRESS.fullmatch(segment)
        view = self._views.get(match["name"]) if match else None
        if match is None or view is None:
            raise not_found(f"No resource was found for the segment '{segment}'.")
        key = match["key"]
        return view, None if key is None else parse_key(view.set, self._environment.schema, key)

    def _on_set(self, request: Request, view: View, now: datetime) -> Answer:
        if request.method == "GET":
            return self._reader.listing(request, view)
        if request.method != "POST":
            raise _not_allowed(request)
        row = self._writer.create(view, request.body, now)
        written = Written((self._writer.written_key(view, row),), committed=True)
        level = metadata_level(request.headers)
        body = self._reader.entity(view, row, Query(), level)
        status = int(self._environment.switches["post_status"])
        answer = json_body(status, body, level=level, written=written)
        answer.headers["Location"] = self._reader.location(view, row)
        return answer

    def _on_key(self, request: Request, view: View, key: tuple[Any, ...], now: datetime) -> Answer:
        row = self._reader.by_key(request, view, key)
        if request.method == "GET":
            return self._reader.single(request, view, row)
        if request.method not in _MUTATING - {"POST"}:
            raise _not_allowed(request)
        self._check_tag(request, view, row)
        written = Written((self._writer.written_key(view, row),), committed=True)
        if request.method == "DELETE":
            self._writer.delete(view, row)
        else:
            self._writer.update(view, row, request.body, now)
        return Answer(204, b"", {"OData-Version": "4.0"}, written)

    def _check_tag(self, request: Request, view: View, row: Row) -> None:
        wanted = request.headers.get("if-match", "*")
        stale = wanted not in {"*", view.tag(row)}
        if stale and self._environment.is_on("stale_etag", "refused"):
            raise RefusalError(412, f"The record of type '{view.set.type}' has changed since it was read.")
        every = int(self._environment.switches["update_conflicts"])
        self._changes += 1
        conflict = stale and self._environment.is_on("stale_etag", "conflict")
        if conflict or (every and self._changes % every == 0):
            raise self._writer.conflict(view)

    def _action(self, request: Request, segment: str, name: str) -> Answer:
        action = actions.find(segment, name) if segment in self._views else None
        if action is None:
            raise not_found(f"No action '{name}' was found on '{segment}'.")
        if request.method != "POST":
            raise _not_allowed(request)
        given = actions.read_parameters(action, read_body(request.body))
        value = action.run(self._environment, given)
        return json_body(200, {"@odata.context": f"{self._reader.root}/$metadata#Edm.String", "value": value})

    def _related(self, request: Request, view: View, key: tuple[Any, ...], name: str) -> Answer:
        navigation = view.navigations.get(name)
        if navigation is None:
            raise not_found(f"No resource was found at '{request.path}'.")
        if request.method != "GET":
            raise _not_allowed(request)
        row = self._reader.by_key(request, view, key)
        return self._reader.related(request, self._views[navigation.target], navigation, row)

    def _attempted(self, request: Request) -> tuple[str, ...]:
        """The key a refused write was about, as far as the request names it."""
        try:
            view, key = self._addressed(unquote(request.raw_path.rstrip("/").rsplit("/", 1)[-1]))
        except RefusalError:
            return ()
        if key is None:
            return self._writer.key_sent(view, request.body)
        row = self._environment.find(view.name, *key)
        if row is not None:
            return (self._writer.written_key(view, row),)
        return (":".join(str(part) for part in key),)


def _not_allowed(request: Request) -> RefusalError:
    return RefusalError(405, f"The method {request.method} is not allowed here.")
