"""Links: which record of the source is which object of the target, and what was last written there."""

from __future__ import annotations

from dataclasses import dataclass, replace
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import bindparam, func, or_, select, text, update

from ml_connector.store import tables
from ml_connector.store.columns import RowInsert, TextList, among, upsert

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ml_connector.store.database import Tx


LinkState = Literal[
    "live",
    "gone",  # two full crawls did not see it, or it left the scope: marked in the target
    "deleted",  # a person archived it in the target: it waits for one
    "erased",  # deleted there for privacy: never sent again
]
LinkRole = Literal[
    "owner",  # its fields are this key's
    "adopted",  # the same, and the record stood in the target before us
    "follower",  # a further key of a record whose fields another key owns
]


@dataclass(frozen=True, slots=True)
class Link:
    """A stored pair of ids. ``written`` is a JSON object: the property values we last wrote."""

    flow: str
    key: str
    object_type: str
    target_id: str
    fingerprint: bytes
    source_digest: bytes
    fingerprint_version: int
    mapping_version: int
    written: bytes
    subject_id: str | None = None
    state: LinkState = "live"
    identity: str | None = None
    role: LinkRole = "owner"
    missed: int = 0

    @property
    def owns(self) -> bool:
        """Whether the fields of a record that stands in the target are this key's."""
        return self.role != "follower" and self.state in ("live", "gone")


@dataclass(frozen=True, slots=True)
class LinkHead:
    """The part of a link a crawl compares."""

    key: str
    target_id: str
    fingerprint: bytes
    source_digest: bytes
    fingerprint_version: int
    mapping_version: int
    state: LinkState = "live"
    role: LinkRole = "owner"
    identity: str | None = None


_c = tables.link.c
_FIELDS = list(Link.__slots__)
_COLUMNS = [_c[name] for name in _FIELDS]
_OF_FLOW = (
    _c.connection_id == bindparam("connection_id"),
    _c.flow == bindparam("flow"),
    among(_c.key, bindparam("keys", type_=TextList())),
)
_HEADS = select(*(_c[name] for name in LinkHead.__slots__)).where(*_OF_FLOW)
_MANY = select(*_COLUMNS).where(*_OF_FLOW)
_ASIDE = text("mlc_link.state <> 'live'")  # as the partial index says it, so that it is the one used
_PUT = RowInsert(
    upsert(
        tables.link,
        key=["connection_id", "key", "flow"],
        change=[name for name in _FIELDS if name not in ("flow", "key")],
    )
)
_TOUCH = (
    update(tables.link)
    .where(
        _c.connection_id == bindparam("of"), _c.flow == bindparam("in_flow"), _c.key == bindparam("at_key")
    )
    .values(source_digest=bindparam("digest"), mapping_version=bindparam("version"))
)

_MARK = (
    update(tables.link)
    .where(
        _c.connection_id == bindparam("of"), _c.flow == bindparam("in_flow"), _c.key == bindparam("at_key")
    )
    .values(
        target_id=bindparam("at"),
        written=bindparam("text"),
        state="gone",
        missed=0,
        fingerprint=b"",
        source_digest=b"",
    )
)


async def heads(tx: Tx, connection_id: int, flow: str, keys: Sequence[str]) -> dict[str, LinkHead]:
    """What a crawl compares, by key; keys without a link are not in it."""
    bound = {"connection_id": connection_id, "flow": flow, "keys": keys}
    rows = (await tx.connection.execute(_HEADS, bound)).all()
    return {row[0]: LinkHead(*row) for row in rows}


async def many(tx: Tx, connection_id: int, flow: str, keys: Sequence[str]) -> dict[str, Link]:
    """The whole links, by key; keys without a link are not in it."""
    bound = {"connection_id": connection_id, "flow": flow, "keys": keys}
    rows = (await tx.connection.execute(_MANY, bound)).all()
    return {row[1]: Link(*row) for row in rows}


async def put(tx: Tx, connection_id: int, rows: Sequence[Link]) -> None:
    """Store links as given, in the order of their keys: two writers never wait for each other in a ring."""
    values = [
        (
            connection_id, row.key, row.flow, row.object_type, row.target_id, row.fingerprint,
            row.source_digest, row.fingerprint_version, row.mapping_version, row.written, row.subject_id,
            row.state, row.identity, row.role, row.missed,
        )
        for row in sorted(rows, key=attrgetter("key", "flow"))
    ]  # fmt: skip
    if values:
        await _PUT.execute(tx.connection, values)


async def touch(
    tx: Tx, connection_id: int, flow: str, rows: Sequence[tuple[str, bytes]], *, mapping_version: int
) -> None:
    """Store new source digests of records that this mapping maps to what stands already."""
    values = [
        {"of": connection_id, "in_flow": flow, "at_key": key, "digest": digest, "version": mapping_version}
        for key, digest in sorted(rows)
    ]
    if values:
        await tx.connection.execute(_TOUCH, values)


async def by_identity(tx: Tx, connection_id: int, flow: str, identities: Sequence[str]) -> list[Link]:
    """Links whose record has one of these identities, by their hashes."""
    query = select(*_COLUMNS).where(
        _c.connection_id == connection_id,
        _c.flow == flow,
        among(_c.identity, bindparam("identities", value=list(identities), type_=TextList())),
    )
    return [Link(*row) for row in await tx.connection.execute(query)] if identities else []


async def page(
    tx: Tx, connection_id: int, flow: str, *, after: str = "", limit: int = 5_000
) -> list[tuple[str, int, LinkState]]:
    """Key, first crawl that missed it (0: none) and state of the flow's links, in the order of their keys."""
    query = (
        select(_c.key, _c.missed, _c.state)
        .where(_c.connection_id == connection_id, _c.flow == flow, _c.key > after)
        .order_by(_c.key)
        .limit(limit)
    )
    return [(row[0], row[1], row[2]) for row in await tx.connection.execute(query)]


async def set_missed(tx: Tx, connection_id: int, flow: str, keys: Sequence[str], missed: int) -> None:
    """Note the number of the first full crawl in a row that did not see these records; 0: they are there."""
    change = update(tables.link).where(
        _c.connection_id == connection_id,
        _c.flow == flow,
        among(_c.key, bindparam("keys", value=list(keys), type_=TextList())),
    )
    if keys:
        await tx.connection.execute(change.values(missed=missed))


async def mark(tx: Tx, connection_id: int, flow: str, rows: Sequence[tuple[str, str, bytes]]) -> None:
    """Records are marked in the target: key, id and what is written there now. They differ from every source record."""
    values = [
        {"of": connection_id, "in_flow": flow, "at_key": key, "at": target_id, "text": written}
        for key, target_id, written in sorted(rows)
    ]
    if values:
        await tx.connection.execute(_MARK, values)


async def set_state(tx: Tx, connection_id: int, flow: str, keys: Sequence[str], state: LinkState) -> None:
    """Put links aside, or back; a gone one is no longer missed, an erased one forgets what was written."""
    change = update(tables.link).where(
        _c.connection_id == connection_id,
        _c.flow == flow,
        among(_c.key, bindparam("keys", value=list(keys), type_=TextList())),
    )
    values: dict[str, Any] = {"state": state}
    if state == "gone":
        values |= {"missed": 0, "source_digest": b"", "fingerprint": b""}
    if state == "erased":
        values |= {"written": b"{}", "identity": None, "source_digest": b"", "fingerprint": b""}
    if keys:
        await tx.connection.execute(change.values(**values))


async def send_again(tx: Tx, connection_id: int, flow: str, keys: Sequence[str]) -> None:
    """Let the next crawl write these records once more, whatever the source says."""
    change = update(tables.link).where(
        _c.connection_id == connection_id,
        _c.flow == flow,
        among(_c.key, bindparam("keys", value=list(keys), type_=TextList())),
    )
    if keys:
        await tx.connection.execute(change.values(fingerprint=b"", source_digest=b""))


async def hand_over(tx: Tx, connection_id: int, flow: str, pairs: Sequence[tuple[str, str]]) -> None:
    """Owners leave their records to other keys, which write them anew at the next crawl; pairs of old and new owner."""
    for old, new in pairs:
        rows = await many(tx, connection_id, flow, [old, new])
        heir = replace(
            rows[new], role=rows[old].role, written=rows[old].written, fingerprint=b"", source_digest=b""
        )
        await put(tx, connection_id, [heir, replace(rows[old], role="follower", state="gone", missed=0)])


async def in_state(
    tx: Tx, connection_id: int, flow: str, state: LinkState, *, after: str = "", limit: int = 1_000
) -> list[Link]:
    """A page of links in one state, in the order of their keys; ``after`` is the last one's."""
    query = select(*_COLUMNS).where(
        _c.connection_id == connection_id, _c.flow == flow, _c.state == state, _c.key > after, _ASIDE
    )
    return [Link(*row) for row in await tx.connection.execute(query.order_by(_c.key).limit(limit))]


async def due(tx: Tx, connection_id: int, flow: str, *, limit: int) -> list[str]:
    """Keys of live links that the next pass must compare, whether their source has moved or not."""
    query = select(_c.key).where(
        _c.connection_id == connection_id, _c.flow == flow, _c.state == "live", _c.source_digest == b""
    )
    return [str(key) for key in (await tx.connection.execute(query.order_by(_c.key).limit(limit))).scalars()]


async def by_target(tx: Tx, connection_id: int, object_type: str, target_id: str) -> list[Link]:
    """Every link to one object of the target: several after a merge there."""
    query = select(*_COLUMNS).where(
        _c.connection_id == connection_id, _c.target_id == target_id, _c.object_type == object_type
    )
    rows = [Link(*row) for row in await tx.connection.execute(query)]
    return sorted(
        rows, key=attrgetter("key", "flow")
    )  # here: SQLite would walk all links in that order instead


async def search(tx: Tx, connection_id: int, text: str, limit: int = 20) -> list[Link]:
    """Links whose key begins with the text, or whose key or target id is the text; exact ones first."""
    if not text:
        return []
    begins = _c.key.between(text, text + "\U0010ffff")
    query = select(*_COLUMNS).where(_c.connection_id == connection_id, or_(begins, _c.target_id == text))
    exact = (or_(_c.key == text, _c.target_id == text)).desc()
    return [
        Link(*row) for row in await tx.connection.execute(query.order_by(exact, _c.key, _c.flow).limit(limit))
    ]


async def count(tx: Tx, connection_id: int, flow: str) -> int:
    """How many links the flow has."""
    query = select(func.count()).where(_c.connection_id == connection_id, _c.flow == flow)
    return int((await tx.connection.execute(query)).scalar_one())
