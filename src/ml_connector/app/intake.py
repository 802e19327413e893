"""The door for events from outside: who may come in, what becomes of what they bring.

Whatever is refused leaves nothing behind but a number: how many, of which connection, on which day, for which reason.
A connection that does not exist is refused like a wrong token, at the same cost and with the same answer.
"""

from __future__ import annotations

import asyncio
import hmac
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ml_connector import telemetry
from ml_connector.app.event_rules import dynamics_rules, event_settings, hubspot_rules
from ml_connector.app.event_secrets import DIGEST_KEY, HOOK_TOKEN, SIGNING_SECRET
from ml_connector.domain.events import UnreadableEventError
from ml_connector.engine.context import Engine
from ml_connector.engine.inbox import Inbox, Policy
from ml_connector.errors import ConnectorError
from ml_connector.store import connections, inbox, rotating
from ml_connector.systems.dynamics import events as dynamics_events
from ml_connector.systems.hubspot import events as hubspot_events
from ml_connector.systems.hubspot.events import Signed
from ml_connector.telemetry import register_secret

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from ml_connector.domain.clock import Surroundings
    from ml_connector.domain.events import Told
    from ml_connector.settings import Settings
    from ml_connector.store.connections import Connection
    from ml_connector.store.database import Store, Tx
    from ml_connector.store.rotating import Rotating
    from ml_connector.store.vault import Vault

    ReadBody = Callable[[], Awaitable[bytes]]

SIGNING_HEADERS = hubspot_events.SIGNING_HEADERS
LOOK_AGAIN_S = 2.0  # how long secrets and connections are used as they were read
COUNT_AFTER_S = 1.0  # how long refused requests are counted before the count is stored
ANSWER_WITHIN_S = 4.0  # HubSpot waits for five seconds, F&O for ten
MOST_AT_ONCE = 100  # requests inside; each may hold a body
NO_CONNECTION = 0
FULL_RETRY_S, DOWN_RETRY_S = 60, 10


class RefusedError(Exception):
    """A request that is not let in."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Answer:
    """What the sender is told: a status, and when to come again."""

    status: int
    message: str
    retry_after_s: int | None = None


_MESSAGES = {
    401: "Not let in.",
    400: "Not an event.",
    408: "The body took too long.",
    413: "Too large.",
    415: "Send it uncompressed.",
    429: "Too many events are open; come again later.",
    503: "Cannot be stored now; come again later.",
}


@dataclass(frozen=True, slots=True)
class _Gate:
    """What is needed to take the events of one connection."""

    inbox: Inbox
    connection_id: int
    environment: str
    tokens: Rotating | None
    secrets: Rotating | None
    of_dynamics: Policy
    of_hubspot: Policy


class Intake:
    """The door of one process; ``close`` waits until everybody has an answer."""

    def __init__(self, settings: Settings, store: Store, vault: Vault, around: Surroundings) -> None:
        self._settings, self._store, self._vault, self._around = settings, store, vault, around
        self._rules = event_settings(settings)
        self._of_dynamics, self._of_hubspot = dynamics_rules(settings), hubspot_rules()
        self._nobody = around.random_bytes(32).hex()  # what strangers are compared with
        self._inboxes: dict[int, Inbox] = {}
        self._digest_keys: dict[int, bytes] = {}
        self._gates: dict[str, _Gate] = {}
        self._looked_at: float | None = None
        self._looking = asyncio.Lock()
        self._refused: Counter[tuple[int, str, str]] = Counter()
        self._counting: asyncio.Task[None] | None = None
        self._closing = asyncio.Event()
        self._inside = 0

    async def dynamics(self, connection: str, token: str, read: ReadBody) -> Answer:
        """A POST to ``/hooks/dynamics/{connection}/{token}``; the body is read only behind a good token."""

        async def take(gate: _Gate | None) -> tuple[_Gate, Sequence[Told], Policy]:
            secret = gate.tokens if gate is not None else None
            if not self._opens(token, secret) or gate is None:
                raise RefusedError(401, "token")
            events = _events(await read(), lambda body: dynamics_events.read_events(body, gate.environment))
            return gate, events, gate.of_dynamics

        return await self._let_in("dynamics", connection, take)

    async def hubspot(
        self, connection: str, target: str, headers: Mapping[str, Sequence[str]], read: ReadBody
    ) -> Answer:
        """A POST to ``/hooks/hubspot/{connection}``.

        Args:
            connection: Its name.
            target: Path and query as they stand in the request; what HubSpot signed is the public URL with these.
            headers: The signing headers that came, each with all its values.
            read: Reads the body.
        """
        public_url = self._settings.public_url.rstrip("/")

        async def take(gate: _Gate | None) -> tuple[_Gate, Sequence[Told], Policy]:
            if not public_url:  # a setting is missing: what is sent now shall come again
                raise RefusedError(503, "public_url_missing")
            signed = Signed("POST", public_url + target, await read(), headers)
            secret = gate.secrets if gate is not None else None
            now = self._around.clock.now()
            good = secret.good(now) if secret is not None else (self._nobody,)
            reason = hubspot_events.distrust(signed, good, now, accept_v1=self._rules.accept_v1)
            if reason or secret is None or gate is None:
                raise RefusedError(401, reason or "signature")
            return gate, _events(signed.body, hubspot_events.read_events), gate.of_hubspot

        return await self._let_in("hubspot", connection, take)

    async def _let_in(
        self,
        source: str,
        connection: str,
        take: Callable[[_Gate | None], Awaitable[tuple[_Gate, Sequence[Told], Policy]]],
    ) -> Answer:
        """Open the gate, take what comes, store it, and answer; storage that is down is never the sender's fault."""
        if self._inside >= MOST_AT_ONCE:
            self._count(NO_CONNECTION, source, "too_many_at_once")
            return _answer(503, retry_after_s=1)
        self._inside += 1
        gate: _Gate | None = None
        try:
            async with asyncio.timeout(ANSWER_WITHIN_S):
                gate = (await self._look()).get(connection)
            gate, events, policy = await take(gate)
            async with asyncio.timeout(ANSWER_WITHIN_S):
                verdict = await gate.inbox.accept(events, policy)
        except RefusedError as refused:
            number = gate.connection_id if gate is not None else NO_CONNECTION
            self._count(number, source, refused.reason)
            return _answer(refused.status, retry_after_s=DOWN_RETRY_S if refused.status == 503 else None)  # noqa: PLR2004
        except (ConnectorError, TimeoutError):
            return _answer(503, retry_after_s=DOWN_RETRY_S)
        finally:
            self._inside -= 1
        if verdict.full:
            self._count(gate.connection_id, source, "too_many_open")
            return _answer(429, retry_after_s=FULL_RETRY_S)
        for outcome in ("accepted", "duplicates", "left_out"):
            if by := getattr(verdict, outcome):
                telemetry.count("mlc_events_total", by, source=source, outcome=outcome)
        return Answer(200, f"{verdict.stored} taken.")

    def _opens(self, token: str, secret: Rotating | None) -> bool:
        """Whether the token is good; a stranger costs as much as a friend."""
        good = secret.good(self._around.clock.now()) if secret is not None else (self._nobody,)
        found = False
        for one in good:
            found |= hmac.compare_digest(token.encode(errors="replace"), one.encode())
        return found

    async def _look(self) -> Mapping[str, _Gate]:
        """The gates by the names of their connections, as they stood a moment ago."""
        async with self._looking:
            now = self._around.clock.elapsed_s()
            if self._looked_at is None or now - self._looked_at >= LOOK_AGAIN_S:
                self._gates = await self._read_gates()
                self._looked_at = now
        return self._gates

    async def _read_gates(self) -> dict[str, _Gate]:
        async with self._store.read() as tx:
            every = await connections.all(tx)
        fresh = [one.connection_id for one in every if one.connection_id not in self._digest_keys]
        if fresh:
            async with self._store.write() as tx:
                drawn = {one: await rotating.drawn(tx, one, DIGEST_KEY, self._vault) for one in fresh}
            self._digest_keys |= drawn  # now that they are stored
        async with self._store.read() as tx:
            return {one.name: await self._gate(tx, one) for one in every}

    async def _gate(self, tx: Tx, connection: Connection) -> _Gate:
        number = connection.connection_id
        dynamics = await connections.side(tx, number, "dynamics")
        hubspot = await connections.side(tx, number, "hubspot")
        entities = {row.legal_entity.lower() for row in await connections.legal_entities(tx, number)}
        tokens = await rotating.load(tx, number, HOOK_TOKEN, self._vault)
        secrets = await rotating.load(tx, number, SIGNING_SECRET, self._vault)
        for secret in (tokens, secrets):
            for value in secret.good(self._around.clock.now()) if secret is not None else ():
                register_secret(value)
        if number not in self._inboxes:
            engine = Engine(self._store, self._vault, number, self._around, "events")
            self._inboxes[number] = Inbox(engine)

        def of_other_entity(told: Told) -> str:
            is_known = not told.legal_entity or told.legal_entity in entities
            return "" if is_known else f"legal entity {told.legal_entity} is not chosen"

        def of_other_portal(told: Told) -> str:
            portal = told.fields["portalId"]
            if hubspot is None or portal != hubspot.identity:
                return f"portal {portal} is not the connected one"
            return "written by this app itself" if hubspot_events.is_own(told) else ""

        key, most = self._digest_keys[number], self._rules.most_open
        return _Gate(
            self._inboxes[number],
            number,
            dynamics.identity if dynamics is not None else "",
            tokens,
            secrets,
            Policy(self._of_dynamics, of_other_entity, most, key, keep_left_out=True),
            Policy(self._of_hubspot, of_other_portal, most, key, keep_left_out=False),
        )

    # --- what was refused

    def _count(self, connection_id: int, source: str, reason: str) -> None:
        self._refused[connection_id, source, reason] += 1
        telemetry.count("mlc_events_total", source=source, outcome="rejected")
        if self._counting is None or self._counting.done():
            self._counting = asyncio.create_task(self._store_counts_later())

    async def _store_counts_later(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(COUNT_AFTER_S):
                await self._closing.wait()
        await self.store_counts()

    async def store_counts(self) -> None:
        """Store how many requests were refused; where that fails, the figures wait for the next time."""
        counts, self._refused = self._refused, Counter()
        if not counts:
            return
        try:
            async with self._store.write() as tx:
                await inbox.reject(tx, counts)
        except ConnectorError:
            self._refused += counts

    async def close(self) -> None:
        """Answer whoever is inside, and store what was counted."""
        for box in self._inboxes.values():
            await box.close()
        self._closing.set()
        if self._counting is not None:
            await self._counting
        await self.store_counts()


def _events(body: bytes, read: Callable[[bytes], Sequence[Told]]) -> Sequence[Told]:
    try:
        return read(body)
    except UnreadableEventError as exc:
        raise RefusedError(400, "unreadable") from exc


def _answer(status: int, *, retry_after_s: int | None = None) -> Answer:
    return Answer(status, _MESSAGES[status], retry_after_s)
