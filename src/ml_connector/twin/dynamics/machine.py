"""The F&O machine: admission, requests, batches, and the ground truth beside them."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, Any

from ml_connector.twin.dynamics import set_up
from ml_connector.twin.dynamics.batch import BATCH_PATH, answer_batch
from ml_connector.twin.dynamics.errors import InfologError
from ml_connector.twin.dynamics.load import load_world
from ml_connector.twin.dynamics.offers import settings
from ml_connector.twin.dynamics.people import People
from ml_connector.twin.dynamics.reads import Reader
from ml_connector.twin.dynamics.routes import Router
from ml_connector.twin.dynamics.throttle import Throttle
from ml_connector.twin.dynamics.writes import Writer
from ml_connector.twin.wire import Answer

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from ml_connector.twin.dynamics.environment import Environment
    from ml_connector.twin.dynamics.tables import Row
    from ml_connector.twin.dynamics.views import View
    from ml_connector.twin.wire import Request
    from ml_connector.twin.world.model import World

_BAD_REQUEST = 400


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
        self._people = People(self._environment)
        self._caller = ""  # the client admitted last, on whose account the parts of its batch are
        self._throttle = Throttle(self._environment.switches)
        self._sorted: dict[str, tuple[int, list[str], dict[str, Row]]] = {}

    def admit(self, request: Request, now: datetime) -> Answer | None:
        """Refuse a caller without a valid token or registration, and one that is over its limit."""
        client = self._verify(request.headers.get("authorization"), now)
        if client is None or self._environment.is_on("app_registered", "no"):
            shown = self._environment.is_on("unauthorized_header", "sent")
            return Answer(401, b"", {"WWW-Authenticate": "Bearer"} if shown else {})
        if self._environment.find("SysAADClients", client) is None:
            row = {"AADClientId": client, "Name": "Integration", "UserId": "integration"}
            self._environment.store.fill("SysAADClients", row)
        self._caller = client
        if request.raw_path == BATCH_PATH and self._counts_parts():
            return None
        return self._throttle.refuse(client, now)

    def handle(self, request: Request, now: datetime) -> Answer:
        """Answer one admitted request; what it changes is changed before this returns."""
        self._environment.store.now = now
        if request.raw_path == BATCH_PATH and request.method == "POST":
            atomic = self._environment.is_on("batch_changesets", "atomic")
            return answer_batch(
                request,
                now,
                self._router,
                new_id=self._new_id,
                atomic=atomic,
                refuse=lambda: self._refuse_part(now),
            )
        return self._router.answer(request, now)

    @property
    def environment(self) -> Environment:
        """The environment, for those that tell others what happens in it."""
        return self._environment

    def counts(self) -> dict[str, int]:
        """Records by entity set."""
        tables = self._environment.store.tables
        return {name: tables.peek(view.table).count() for name, view in self._environment.views.items()}

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
        self._environment.store.now = now
        view = self._environment.views[of]
        row = self._in_key_order(view)[1][key]
        dated = dict(fields)
        if "LastEditDateTime" in view.set.properties and self._environment.is_on(
            "contact_last_edit", "kept_up"
        ):
            dated.setdefault("LastEditDateTime", now.isoformat())
        values = self._writer.read_changes(view, row, dated)
        self._environment.store.begin()
        try:
            self._writer.assign(view, row, values)
        except InfologError as problem:
            raise problem.refusal(view.data_entity, _BAD_REQUEST) from problem

    def act(self, act: str, company: str, order: str, how: Mapping[str, Any], now: datetime) -> str:
        """Let people inside F&O act on an order: confirm, pick, deliver, invoice, cancel, change.

        Raises:
            KeyError: no such order, line or act.
            ValueError: ``how`` holds something that cannot be.
            InfologError: F&O's rules refuse it.
        """
        return self._people.act(act, company, order, how, now)

    def hold(self, company: str, account: str, kind: str, now: datetime) -> None:
        """Put a customer on hold, or with ``No`` take the hold off."""
        self.edit("CustomersV3", f"{company}:{account}", {"OnHoldStatus": kind}, now)

    def stop_item(self, company: str, item: str, now: datetime, *, stopped: bool = True) -> None:
        """Stop the sales of an item, or let them go on."""
        value = {"IsSalesProcessingStopped": "Yes" if stopped else "No"}
        self.edit("ProductDefaultOrderSettings", f"{company}:{item}", value, now)

    def remove(self, of: str, key: str) -> None:
        """Delete a record as a person inside F&O would; the rules hold for people too.

        Raises:
            KeyError: no such set or record.
            RefusalError: F&O's rules refuse it.
        """
        view = self._environment.views[of]
        row = self._in_key_order(view)[1][key]
        self._environment.store.begin()
        self._writer.delete(view, row)

    def add(self, of: str, fields: Mapping[str, Any]) -> None:
        """Add a row of set-up: an agreement, a variant or translation, order settings, a conversion and so on.

        Args:
            of: A table of ``set_up.TABLES``.
            fields: Its properties and their JSON values.

        Raises:
            KeyError: no such table.
        """
        values = set_up.row(of, fields)
        self._environment.store.begin()
        row = self._environment.store.insert(of, values)
        if "RecordId" in set_up.TABLES[of]:
            self._environment.store.update(of, row, {"RecordId": row.record_id})

    def _in_key_order(self, view: View) -> tuple[list[str], dict[str, Row]]:
        """Sorted once for all the changes that leave the keys alone, as far as the table can tell."""
        table = self._environment.store.tables[view.table]
        own = table.is_key(view.set.keys)
        revision = table.keys_changed if own else self._environment.store.revision
        known = self._sorted.get(view.name)
        if known is None or known[0] != revision:
            rows = {view.key_of(row): row for row in table.rows}
            known = self._sorted[view.name] = (revision, sorted(rows), rows)
        return known[1], known[2]

    def _refuse_part(self, now: datetime) -> Answer | None:
        """The 429 that stands inside a batch."""
        return self._throttle.refuse(self._caller, now) if self._counts_parts() else None

    def _counts_parts(self) -> bool:
        return self._environment.is_on("throttle_batch", "parts")
