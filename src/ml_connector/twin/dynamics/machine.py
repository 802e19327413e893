"""The F&O machine: admission, requests, batches, and the ground truth beside them."""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from datetime import datetime, timedelta
from math import ceil
from typing import TYPE_CHECKING, Any

from ml_connector.twin.dynamics.batch import BATCH_PATH, answer_batch
from ml_connector.twin.dynamics.behaviour import settings
from ml_connector.twin.dynamics.errors import RefusalError
from ml_connector.twin.dynamics.load import load_world
from ml_connector.twin.dynamics.reads import Reader
from ml_connector.twin.dynamics.render import refusal
from ml_connector.twin.dynamics.routes import Router
from ml_connector.twin.dynamics.writes import Writer
from ml_connector.twin.wire import Answer

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Mapping

    from ml_connector.twin.dynamics.environment import Environment
    from ml_connector.twin.dynamics.tables import Row
    from ml_connector.twin.dynamics.views import View
    from ml_connector.twin.wire import Request
    from ml_connector.twin.world.model import World

THROTTLE_WINDOW = timedelta(seconds=300)


class DynamicsMachine:
    """Dynamics 365 Finance & Operations' ``/data`` service over an invented world.

    Args:
        world: What the environment starts with.
        verify: The client id of a valid Authorization header, else None.
        rng: Source of record versions.
        new_id: Source of the boundaries of batch answers.
        base_url: Scheme, host and port for absolute links.
        switches: Chosen behaviours by name; the rest stand at their defaults.
        page_size: Rows of a server page.
        now: The moment the world's records were made.
    """

    side = "dynamics"

    def __init__(
        self,
        world: World,
        *,
        verify: Callable[[str | None, datetime], str | None],
        rng: random.Random,
        new_id: Callable[[], str],
        base_url: Callable[[], str],
        switches: Mapping[str, str],
        page_size: int,
        now: datetime,
    ) -> None:
        self._verify = verify
        self._new_id = new_id
        self._environment = load_world(world, settings(switches), rng, now)
        self._writer = Writer(self._environment)
        self._router = Router(self._environment, Reader(self._environment, base_url, page_size), self._writer)
        self._arrivals: dict[str, deque[datetime]] = {}
        self._sorted: dict[str, tuple[int, list[str], dict[str, Row]]] = {}

    def admit(self, request: Request, now: datetime) -> Answer | None:
        """Refuse a caller without a valid token or registration, and one that is over its limit."""
        client = self._verify(request.headers.get("authorization"), now)
        if client is None or self._environment.is_on("app_registered", "no"):
            return Answer(401, b"", {"WWW-Authenticate": "Bearer"})
        if self._environment.find("SysAADClients", client) is None:
            row = {"AADClientId": client, "Name": "Integration", "UserId": "integration"}
            self._environment.store.fill("SysAADClients", row)
        if self._environment.is_on("throttle", "user"):
            return self._throttled(client, now)
        return None

    def handle(self, request: Request, now: datetime) -> Answer:
        """Answer one admitted request; what it changes is changed before this returns."""
        if request.raw_path == BATCH_PATH and request.method == "POST":
            atomic = self._environment.is_on("batch_changesets", "atomic")
            return answer_batch(request, now, self._router, new_id=self._new_id, atomic=atomic)
        return self._router.answer(request, now)

    @property
    def environment(self) -> Environment:
        """The environment, for those that tell others what happens in it."""
        return self._environment

    def counts(self) -> dict[str, int]:
        """Records by entity set."""
        tables = self._environment.store.tables
        return {name: len(tables[view.table].rows) for name, view in self._environment.views.items()}

    def records(self, of: str, *, after: str | None, limit: int) -> tuple[list[dict[str, Any]], str | None]:
        """Records of one entity set with every property, in the order of their keys joined by colons.

        Returns:
            Up to ``limit`` records, and the key to go on after (None at the end).

        Raises:
            KeyError: no such entity set.
        """
        view = self._environment.views[of]
        keys, rows = self._in_key_order(view)
        start = 0 if after is None else bisect_right(keys, after)
        chosen = keys[start : start + limit]
        more = bool(chosen) and start + limit < len(keys)
        read = view.reader()
        return [read(rows[key]) for key in chosen], chosen[-1] if more else None

    def edit(self, of: str, key: str, fields: Mapping[str, Any], now: datetime) -> None:
        """Change a record as a person inside F&O would, past the rules of the web service.

        Args:
            of: Entity set.
            key: Key values joined by colons, for example ``usmf:US-001``.
            fields: Properties and their JSON values.
            now: The moment of the change.

        Raises:
            KeyError: no such set or record.
            RefusalError: a property or value the type does not have.
        """
        view = self._environment.views[of]
        row = self._in_key_order(view)[1][key]
        dated = dict(fields)
        if "LastEditDateTime" in view.set.properties:
            dated.setdefault("LastEditDateTime", now.isoformat())
        values = self._writer.read_changes(view, row, dated)
        self._environment.store.begin()
        self._writer.assign(view, row, values)

    def _in_key_order(self, view: View) -> tuple[list[str], dict[str, Row]]:
        revision = self._environment.store.revision
        known = self._sorted.get(view.name)
        if known is None or known[0] != revision:
            rows = {view.key_of(row): row for row in self._environment.store.tables[view.table].rows}
            known = self._sorted[view.name] = (revision, sorted(rows), rows)
        return known[1], known[2]

    def _throttled(self, client: str, now: datetime) -> Answer | None:
        """The retired user-based limit: so many requests in a sliding window of 300 seconds."""
        limit = int(self._environment.switches["throttle_requests"])
        arrivals = self._arrivals.setdefault(client, deque())
        while arrivals and arrivals[0] <= now - THROTTLE_WINDOW:
            arrivals.popleft()
        if len(arrivals) < limit:
            arrivals.append(now)
            return None
        window = int(THROTTLE_WINDOW.total_seconds())
        sentence = (
            f"Number of requests exeeded the limit of {limit} over the time window of {window} seconds."
        )
        answer = refusal(RefusalError(429, sentence, outer=sentence))
        answer.throttled = True
        if self._environment.is_on("retry_after", "sent"):
            wait = arrivals[0] + THROTTLE_WINDOW - now if arrivals else THROTTLE_WINDOW
            answer.headers["Retry-After"] = str(max(1, ceil(wait.total_seconds())))
        return answer
