"""Opening an account: a new customer is created once per company and legal entity, then known to both systems.

F&O gives the number and keeps nothing unique of ours, so the creation is an operation like an order's header: intent,
send, outcome, and a look-up after a lost answer. It belongs to the company, not to the deal: two deals that are won at
once for one new company make one customer.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import orjson

from ml_connector.domain.keys import external_key
from ml_connector.domain.text import fold
from ml_connector.engine.at_once import Turns
from ml_connector.engine.once import Landed, NotYet, RemoteWrite, write_once
from ml_connector.errors import RecordError
from ml_connector.flows.orders.customer.form import ACCOUNT, ADDRESS, COUNTRY, NAME, PARTY, sent, still_open
from ml_connector.store import leases, operations
from ml_connector.systems.dynamics.odata import all_of, any_of, equals
from ml_connector.transport.strict_json import dumps

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence

    from ml_connector.engine.context import Engine
    from ml_connector.engine.once import Patience
    from ml_connector.flows.orders.customer.known import Acquaintance
    from ml_connector.flows.orders.customer.match import Matcher
    from ml_connector.flows.orders.draft.order_draft import OrderDraft
    from ml_connector.flows.orders.draft.resolved import CustomerForm
    from ml_connector.flows.orders.settings import OrderSettings
    from ml_connector.store.leases import Lease
    from ml_connector.store.operations import Operation
    from ml_connector.store.processes import Process
    from ml_connector.systems.dynamics.client import DynamicsClient

DATA_ENTITY = "CustomersV3"
LEASE_S = 120.0
BUSY = timedelta(seconds=5)  # until another look, while a worker creates the same customer
COMPARED = (NAME, *ADDRESS, COUNTRY)  # what a customer is recognised by that carries no reference of ours
FOUND = ("dataAreaId", ACCOUNT, PARTY, *COMPARED)
BEFORE = "before"  # accounts like the new one that stood there before the first attempt


def operation_id(company_id: str, legal_entity: str) -> str:
    """The name of a creation, of its lease, and under which its result is found again."""
    return f"customer:{company_id}:{legal_entity}"


def company_reference(portal_id: int, company_id: str) -> str:
    """Our mark on a new customer, where a field of the customer is set aside for it."""
    return f"HS-{portal_id}-{company_id}"


@dataclass(frozen=True, slots=True)
class Standing:
    """A draft whose customer stands in F&O, and what is worth saying about it."""

    draft: OrderDraft
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CustomerDesk:
    """Makes sure that the customer of a draft stands, and that both systems know it."""

    dynamics: DynamicsClient
    engine: Engine
    matcher: Matcher
    acquaintance: Acquaintance
    settings: OrderSettings
    patience: Patience
    portal_id: int
    turns: Turns = field(default_factory=Turns)  # of deals that open the same account

    async def stands(self, process: Process, draft: OrderDraft) -> Standing | NotYet:
        """The draft with the account of its customer, which is created first where it is new.

        Raises:
            RecordError: it cannot be created, or it is not certain which customer it is.
            RetryableError: the company could not be told; the customer stands and is not made again.
        """
        form = draft.customer_form
        if form is None:
            if not draft.adopted_by:
                return Standing(draft)
            key = external_key(draft.legal_entity, draft.customer_account)
            return Standing(draft, await self.acquaintance.make(process, draft.adopted_by, key))
        opening = _Opening(self, process, draft, form)
        landed = await opening.carry_out()
        if isinstance(landed, NotYet):
            return landed
        key = external_key(draft.legal_entity, landed.external_id)
        notes = await self.acquaintance.make(process, form.company_id, key)
        said = f"Customer {landed.external_id} was created in {draft.legal_entity}."
        return Standing(draft.with_account(landed.external_id), (said, *opening.about_party(landed), *notes))


@dataclass(frozen=True, slots=True)
class _Opening:
    """One creation, on behalf of one deal."""

    desk: CustomerDesk
    process: Process
    draft: OrderDraft
    form: CustomerForm

    @property
    def name(self) -> str:
        return operation_id(self.form.company_id, self.draft.legal_entity)

    @property
    def subject(self) -> str:
        return f"deals/{self.draft.deal_id} ({self.draft.deal_name})"

    async def carry_out(self) -> Landed | NotYet:
        """Create the customer exactly once; only the holder of its lease does."""
        lacking = still_open(self.form.fields)
        if lacking:
            raise RecordError(
                f"{self.subject}: the new customer lacks {', '.join(each.name for each in lacking)}.",
                code="order.new_customer_incomplete",
            )
        engine = self.desk.engine
        async with self.desk.turns.at(self.name), self._held() as lease:
            if lease is None:
                until = engine.around.clock.now() + BUSY
                return NotYet(until, "Another deal's order creates this customer.")
            async with engine.store.read() as tx:
                known = await operations.get(tx, engine.connection_id, self.name, engine.vault)
            landed = await write_once(await self._write(known), engine, lease, self.desk.patience)
            if isinstance(landed, Landed):
                self.desk.matcher.forget(self.draft.legal_entity)
                if known is not None:
                    await self._require(landed)
            return landed

    @asynccontextmanager
    async def _held(self) -> AsyncIterator[Lease | None]:
        engine = self.desk.engine
        cid, holder = engine.connection_id, engine.around.new_id()
        async with engine.store.write() as tx:
            lease = await leases.acquire(tx, cid, self.name, holder, LEASE_S)
        try:
            yield lease
        finally:
            if lease is not None:
                async with engine.store.write() as tx:
                    await leases.release(tx, cid, lease)

    async def _write(self, known: Operation | None) -> RemoteWrite:
        """The creation; one that may have been sent already goes on with what was sent then."""
        under_way = known is not None and known.state != "refused"
        body = orjson.loads(known.payload) if known is not None and under_way else sent(self.form.fields)
        remembered = known.detail.get(BEFORE, ()) if known is not None and under_way else None
        before = list(remembered) if remembered is not None else await self._before(body)

        async def send(content: bytes, call_id: str, last_check: Callable[[], None]) -> Landed:
            row = await self.desk.dynamics.create(
                DATA_ENTITY, content, call_id=call_id, last_check=last_check
            )
            return _landed(row)

        return RemoteWrite(
            operation_id=self.name,
            process_id=self.name,
            subject=f"{self.process.flow}/{self.process.subject}",
            kind="customer",
            side="dynamics",
            resource=DATA_ENTITY,
            reference=company_reference(self.desk.portal_id, self.form.company_id),
            legal_entity=self.draft.legal_entity,
            body=dumps(body),
            look_up=lambda: self._look_up(body, before),
            send=send,
            remembers={BEFORE: before},
        )

    async def _before(self, body: Mapping[str, Any]) -> list[str]:
        """The accounts like the new one that stood there before the first attempt.

        Raises:
            RecordError: the person who saw the form did not see one of them.
        """
        if self.desk.settings.customer_reference_field:
            return []
        there = await self._rows(body)
        shown = {each.account for each in self.form.candidates}
        unseen = [f"{row[ACCOUNT]} ({row[NAME]})" for row in there if row[ACCOUNT] not in shown]
        if unseen:
            raise RecordError(
                f"{self.subject}: since the draft was made, {self.draft.legal_entity} has a customer like the new "
                f"one: {', '.join(unseen)}. Look at the draft again.",
                code="order.customer_doubtful",
            )
        return [row[ACCOUNT] for row in there]

    async def _look_up(self, body: Mapping[str, Any], before: Sequence[str]) -> Landed | None:
        """The customer that an attempt has left, if there is one."""
        found = [row for row in await self._rows(body) if row[ACCOUNT] not in before]
        if len(found) > 1:
            accounts = ", ".join(row[ACCOUNT] for row in found)
            raise RecordError(
                f"{self.subject}: the new customer was sent, its answer was lost, and {accounts} in "
                f"{self.draft.legal_entity} could each be it. Choose the account; the others are not ours.",
                code="order.customer_twice",
            )
        return _landed(found[0]) if found else None

    async def _rows(self, body: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The customers that carry our reference; without a field for it those with this number, party or address."""
        mark = self.desk.settings.customer_reference_field
        mark = mark if mark in body else ""
        names = [mark] if mark else [name for name in (ACCOUNT, PARTY, NAME) if body.get(name)]
        wanted = any_of(equals(name, str(body[name])) for name in names)
        rows: list[dict[str, Any]] = []
        async for page in self.desk.dynamics.pages(
            DATA_ENTITY,
            select=(*FOUND, mark) if mark else FOUND,
            filter=all_of([equals("dataAreaId", self.draft.legal_entity), wanted]),
        ):
            rows += page.rows
        if mark:
            return [row for row in rows if row[mark] == body[mark]]
        return [row for row in rows if _is_like(row, body)]

    async def _require(self, landed: Landed) -> None:
        """A customer that was created earlier stands there still."""
        key = {"dataAreaId": self.draft.legal_entity, ACCOUNT: landed.external_id}
        if await self.desk.dynamics.row(DATA_ENTITY, key, select=FOUND) is None:
            raise RecordError(
                f"{self.subject}: customer {landed.external_id}, which was created for the company, is not in "
                f"{self.draft.legal_entity} any more. Name the account on the deal (d365_customer_account).",
                code="order.customer_unknown",
            )

    def about_party(self, landed: Landed) -> tuple[str, ...]:
        """Whether F&O joined the customer to the party that was sent."""
        party, stands = sent(self.form.fields).get(PARTY, ""), str(landed.detail.get(PARTY, ""))
        if not party or not stands:
            return ()
        if party == stands:
            return (f"Customer {landed.external_id} belongs to the company's party {party}.",)
        return (
            f"Dynamics gave customer {landed.external_id} a party of its own, {stands}, although {party} was sent.",
        )


def _landed(row: Mapping[str, Any]) -> Landed:
    return Landed(str(row[ACCOUNT]), {PARTY: str(row.get(PARTY, ""))})


def _is_like(row: Mapping[str, Any], body: Mapping[str, Any]) -> bool:
    """Whether a customer could be what these fields made: the same number or party, or name and address."""
    for name in (ACCOUNT, PARTY):
        if body.get(name) and fold(str(row[name])) == fold(str(body[name])):
            return True
    given = [name for name in COMPARED if body.get(name)]
    return all(fold(str(row[name])) == fold(str(body[name])) for name in given)
