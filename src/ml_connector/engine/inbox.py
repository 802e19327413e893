"""What becomes of an event: is it new, which record does it hint at, is that record to be read already.

An event is never believed. It names a record at most, which is then read through the same door as ever; so an event
that is lost, forged, late or doubled costs a read at worst. Everything is decided in the transaction that stores it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from hashlib import blake2b
from typing import TYPE_CHECKING

from ml_connector.engine.gathering import Gathering
from ml_connector.store import flows, inbox, links
from ml_connector.store.inbox import Event, Known

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from datetime import datetime

    from ml_connector.domain.events import Told
    from ml_connector.engine.context import Engine
    from ml_connector.store.database import Tx

    Find = Callable[[Tx, int, Sequence[str]], Awaitable[Mapping[str, Sequence[str]]]]

COMMIT_AFTER_S = 0.02  # so long the first event of a transaction waits for company
COMMIT_AT = 50  # events that are enough company
COUNT_EVERY_S = 1.0  # how long the number of open events is carried on by adding
LAPSE = timedelta(minutes=15)  # so long whoever has taken records may read them
WHOLE_FLOW = ""  # the key of a hint that names no record


@dataclass(frozen=True, slots=True)
class Rule:
    """What events of one type hint at.

    Args:
        flow: The flow whose records may have changed.
        names: The records an event names; none: the whole flow is to be looked through. None in place of names: it
            concerns no record of the flow.
        find: Turns such names into keys of the flow, where they are not keys themselves; names it leaves out are of
            no record of ours.
        afresh: What changed is the target's record (somebody deleted it): it is to be compared and written again
            although its source has not moved.
    """

    flow: str
    names: Callable[[Told], Sequence[str] | None]
    find: Find | None = None
    afresh: bool = False


@dataclass(frozen=True, slots=True)
class Policy:
    """How the events of one connection are taken, as the settings and its sides stand now."""

    rules: Mapping[str, Rule]  # by the type of an event, whose case does not count
    left_out: Callable[[Told], str]  # the filter that leaves an event out, "" when none does
    most_open: int
    digest_key: bytes
    keep_left_out: bool  # bodies of what is left out: of use to whoever writes rules, or none of our business


@dataclass(slots=True)
class Verdict:
    """What became of the events of one request; ``full``: there are too many open ones, and none was stored."""

    stored: int = 0
    accepted: int = 0
    duplicates: int = 0
    left_out: int = 0
    full: bool = False


@dataclass(frozen=True, slots=True)
class Taken:
    """Records of one flow that were told to have changed, marked as being read.

    ``keys`` are distinct, and empty when there is nothing to do; ``whole``: something has changed that nobody named,
    so that a pass is due which looks for itself.
    """

    flow: str
    take_id: str
    keys: tuple[str, ...]
    whole: bool

    def __bool__(self) -> bool:
        return self.whole or bool(self.keys)


# --- for whoever reads the records ---------------------------------------------------------------------------------


async def take(engine: Engine, flow: str, most: int) -> Taken:
    """The open hints of a flow, as the keys of at most so many records, the longest due first.

    What was taken is given to nobody else until ``done`` or ``put_back``, or until its time has lapsed (15 minutes:
    whoever took it is taken for dead). An event that comes meanwhile is a new hint: the read may have been too early.
    """
    take_id = engine.around.new_id()
    async with engine.store.write() as tx:
        keys = await inbox.take(tx, engine.connection_id, flow, take_id, most, tx.now - LAPSE)
    named = tuple(key for key in keys if key != WHOLE_FLOW)
    return Taken(flow, take_id, named, whole=WHOLE_FLOW in keys)


async def done(engine: Engine, taken: Taken) -> None:
    """The records were read: their hints are closed. Parked records count, they wait for a person."""
    async with engine.store.write() as tx:
        await inbox.done(tx, engine.connection_id, taken.take_id)


async def put_back(engine: Engine, taken: Taken, *, after: timedelta) -> None:
    """The records could not be read (a side was down, the flow is held): they are due again after a while."""
    async with engine.store.write() as tx:
        await inbox.put_back(tx, engine.connection_id, taken.take_id, tx.now + after)


async def open_hints(engine: Engine) -> dict[str, int]:
    """How many hints are open, by flow; a flow without any is left out."""
    async with engine.store.read() as tx:
        return await inbox.open_by_flow(tx, engine.connection_id)


async def prune(engine: Engine, keep: timedelta) -> int:
    """Forget events older than this that are not open; how many went. A copy that comes even later is a new event."""
    async with engine.store.write() as tx:
        return await inbox.prune(tx, engine.connection_id, tx.now - keep)


# --- for the door ----------------------------------------------------------------------------------------------------


class Inbox:
    """Takes the events of one connection; many requests share a commit."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._open, self._counted_at = 0, float("-inf")
        self._commits: Gathering[tuple[Sequence[Told], Policy], Verdict] = Gathering(
            engine.store, self._put, wait_s=COMMIT_AFTER_S, most=COMMIT_AT
        )

    async def accept(self, events: Sequence[Told], policy: Policy) -> Verdict:
        """Store the events of one request, all or none; what became of them, once that is committed.

        Raises:
            UnavailableError: the database does not answer, or the writer was stopped; nothing is stored.
        """
        return await self._commits.add((events, policy), weight=len(events))

    async def close(self) -> None:
        """Wait until every request has its answer."""
        await self._commits.close()

    async def _put(self, tx: Tx, requests: Sequence[tuple[Sequence[Told], Policy]]) -> list[Verdict]:
        policy, told = requests[-1][1], [told for events, _ in requests for told in events]
        await self._count(tx, policy.most_open - len(told))
        desk = _Desk(self._engine, tx, policy, policy.most_open - self._open)
        await desk.open(told)
        verdicts = [desk.judge(events) for events, _ in requests]
        await desk.store()
        self._open = policy.most_open - desk.room
        return verdicts

    async def _count(self, tx: Tx, least_room: int) -> None:
        """Count the open events now and then, and always where they might become too many."""
        now = self._engine.around.clock.elapsed_s()
        if now - self._counted_at >= COUNT_EVERY_S or self._open > least_room:
            self._open = await inbox.count_open(tx, self._engine.connection_id)
            self._counted_at = now


@dataclass(frozen=True, slots=True)
class _Paper:
    """An event with its digests, and what it hints at: keys of a flow, or why it hints at nothing."""

    told: Told
    identity: str
    content: str
    identifier: str
    flow: str
    keys: tuple[str, ...]
    note: str
    afresh: bool = False


class _Desk:
    """The decisions of one transaction: first everything is looked up, then judged in order, then stored."""

    def __init__(self, engine: Engine, tx: Tx, policy: Policy, room: int) -> None:
        self._engine, self._tx, self._policy = engine, tx, policy
        self.room = room  # open events that may still be added
        self._papers: dict[int, _Paper] = {}
        self._rows: list[Event] = []
        # by identity, and by flow and key: numbers of stored rows, or negative ones of rows still to be stored
        self._known: dict[str, list[Known]] = {}
        self._waiting: dict[tuple[str, str], list[tuple[int, datetime]]] = {}
        self._superseded: list[tuple[int, int]] = []
        self._afresh: dict[str, set[str]] = {}

    async def open(self, events: Sequence[Told]) -> None:
        """Look up what the judgement needs: a few statements, however many events."""
        cid, tx = self._engine.connection_id, self._tx
        rows = await flows.all(tx, cid)
        on = {row.flow for row in rows if row.is_on}
        named = {id(told): self._named(told, on) for told in events}
        keys = await self._found([(rule, names) for rule, names, _, _ in named.values() if rule is not None])
        for told in events:
            self._papers[id(told)] = self._paper(told, *named[id(told)], keys)
        papers = list(self._papers.values())
        self._known = await inbox.known(tx, cid, sorted({paper.identity for paper in papers}))
        for flow in sorted({paper.flow for paper in papers} - {""}):
            wanted = sorted({key for paper in papers if paper.flow == flow for key in paper.keys})
            for key, numbers in (await inbox.waiting(tx, cid, flow, wanted)).items():
                self._waiting[flow, key] = numbers

    def _named(self, told: Told, on: set[str]) -> tuple[Rule | None, tuple[str, ...], str, str]:
        """The rule, the names, the identifier, and the filter that leaves the event out."""
        rule = self._policy.rules.get(told.type.casefold())
        if rule is None:
            return None, (), told.identifier, f"no rule for {told.type}"
        named = rule.names(told)
        names = tuple(dict.fromkeys(named or ()))
        identifier = told.identifier or ", ".join(names)
        reason = self._policy.left_out(told) or ("" if named is not None else f"nothing of {rule.flow}")
        if not reason and rule.flow not in on:
            reason = f"flow {rule.flow} is off"
        return (None if reason else rule), names, identifier, reason

    async def _found(
        self, wanted: Sequence[tuple[Rule, tuple[str, ...]]]
    ) -> dict[tuple[int, str], Sequence[str]]:
        """The keys of names that are not keys themselves, by rule."""
        asked: dict[int, tuple[Find, set[str]]] = {}
        for rule, names in wanted:
            if rule.find is not None and names:
                asked.setdefault(id(rule), (rule.find, set()))[1].update(names)
        keys: dict[tuple[int, str], Sequence[str]] = {}
        for number, (find, names_of_rule) in asked.items():
            answer = await find(self._tx, self._engine.connection_id, sorted(names_of_rule))
            keys |= {(number, name): found for name, found in answer.items()}
        return keys

    def _paper(  # noqa: PLR0917 - what _named found, and the keys
        self,
        told: Told,
        rule: Rule | None,
        names: tuple[str, ...],
        identifier: str,
        reason: str,
        found: Mapping[tuple[int, str], Sequence[str]],
    ) -> _Paper:
        identity, content = (self._digest(part) for part in (told.identity, told.content))
        if rule is None:
            return _Paper(told, identity, content, identifier, "", (), reason)
        keys = names or (WHOLE_FLOW,)
        if rule.find is not None and names:
            keys = tuple(dict.fromkeys(key for name in names for key in found.get((id(rule), name), ())))
        if not keys:
            return _Paper(told, identity, content, identifier, "", (), f"not linked in {rule.flow}")
        return _Paper(told, identity, content, identifier, rule.flow, keys, "", rule.afresh)

    def judge(self, events: Sequence[Told]) -> Verdict:
        """Decide on the events of one request; when they find no room, none of them counts."""
        before = len(self._rows), len(self._superseded)
        kept_known, kept_waiting, room = dict(self._known), dict(self._waiting), self.room
        verdict = Verdict()
        for told in events:
            self._judge(self._papers[id(told)], verdict)
        if self.room < 0 and room > self.room:
            del self._rows[before[0] :], self._superseded[before[1] :]
            self._known, self._waiting, self.room = kept_known, kept_waiting, room
            return Verdict(full=True)
        return verdict

    def _judge(self, paper: _Paper, verdict: Verdict) -> None:
        verdict.stored += 1
        earlier = self._known.get(paper.identity, [])
        same = next((one for one in earlier if one.content == paper.content), None)
        if same is not None:
            verdict.duplicates += 1
            self._row(paper, "duplicate", other_no=same.event_no)
        elif paper.told.is_test:
            self._row(paper, "test")
        elif not paper.flow:
            verdict.left_out += 1
            self._row(paper, "out_of_scope", note=paper.note)
        else:
            verdict.accepted += 1
            note = f"{paper.told.number} came before with other content" if earlier else ""
            for key in paper.keys:
                number = self._row(paper, "accepted", note=note, key=key)
                self._supersede(paper.flow, key, number)
            if paper.afresh:
                self._afresh.setdefault(paper.flow, set()).update(paper.keys)
            self._known[paper.identity] = [*earlier, Known(number, paper.content)]

    def _supersede(self, flow: str, key: str, number: int) -> None:
        """One open event for a record is enough: the newest, due when the oldest was."""
        older = self._waiting.get((flow, key), [])
        due_at = min([self._tx.now, *(due for _, due in older)])
        self._superseded += [(old, number) for old, _ in older]
        self.room -= 0 if older else 1
        self._waiting[flow, key] = [(number, due_at)]
        place = -number - 1
        self._rows[place] = replace(self._rows[place], due_at=due_at)

    def _row(
        self,
        paper: _Paper,
        outcome: inbox.EventOutcome,
        *,
        other_no: int | None = None,
        note: str = "",
        key: str = "",
    ) -> int:
        """Note a row to be stored; a number that stands for it until it has its own."""
        told = paper.told
        kept = outcome in {"accepted", "test"} or (outcome == "out_of_scope" and self._policy.keep_left_out)
        self._rows.append(
            Event(
                source=told.source,
                type=told.type,
                legal_entity=told.legal_entity,
                identifier=paper.identifier,
                number=told.number,
                identity=paper.identity,
                content=paper.content,
                body=told.content if kept else None,
                received_at=self._tx.now,
                outcome=outcome,
                other_no=other_no,
                note=note,
                flow=paper.flow if outcome == "accepted" else "",
                key=key,
            )
        )
        return -len(self._rows)

    async def store(self) -> None:
        """Store what was decided; stand-in numbers become real ones."""
        cid, tx = self._engine.connection_id, self._tx
        firsts = [replace(row, other_no=None) if (row.other_no or 0) < 0 else row for row in self._rows]
        numbers = await inbox.add(tx, cid, firsts, self._engine.vault)

        def real(number: int) -> int:
            return numbers[-number - 1] if number < 0 else number

        await inbox.supersede(tx, cid, [(real(old), real(new)) for old, new in self._superseded])
        repeats = [
            (number, real(row.other_no))
            for number, row in zip(numbers, self._rows, strict=True)
            if row.other_no is not None and row.other_no < 0
        ]
        await inbox.repeats(tx, cid, repeats)
        for flow, keys in sorted(self._afresh.items()):
            await links.send_again(tx, cid, flow, sorted(keys))

    def _digest(self, part: bytes) -> str:
        """Keyed, so that nobody can try addresses and names against what is stored."""
        return blake2b(part, key=self._policy.digest_key, digest_size=16).hexdigest()
