"""Changes as they are kept between the reading of a crawl and its pushing, or in the file of a plan."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from ml_connector.domain.diff import Change
from ml_connector.domain.records import Related, TargetRecord
from ml_connector.store import crawls
from ml_connector.store.crawls import Staged

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ml_connector.engine.context import Engine


def seal(engine: Engine, seq: int, changes: Sequence[Change]) -> Staged:
    """Changes that will go out together, sealed."""
    packed = orjson.dumps([as_plain(change) for change in changes])
    return Staged(seq, changes[0].key, engine.vault.seal(engine.connection_id, crawls.FIELD, packed))


def unseal(engine: Engine, row: Staged) -> list[Change]:
    """The changes again.

    Raises:
        VaultError: they were tampered with.
    """
    opened = engine.vault.open(engine.connection_id, crawls.FIELD, row.change)
    return [from_plain(one) for one in orjson.loads(opened)]


def as_plain(change: Change) -> dict[str, Any]:
    """A change as plain data."""
    record = change.record
    return {
        "key": record.key,
        "kind": change.kind,
        "target_id": change.target_id,
        "changed": {name: list(values) for name, values in change.before_after.items()},
        "send": dict(change.send),
        "if_empty": dict(change.if_empty),
        "written": dict(change.written),
        "properties": dict(record.properties),
        "first_write": sorted(record.first_write),
        "notes": list(record.notes),
        "identity": record.identity,
        "related": [list(one) for one in record.related],
        "fingerprint": record.fingerprint.hex(),
        "source_digest": record.source_digest.hex(),
        "base": change.base.hex(),
        "adopted": change.adopted,
    }


def from_plain(data: dict[str, Any]) -> Change:
    """The change of plain data."""
    record = TargetRecord(
        key=data["key"],
        properties=data["properties"],
        fingerprint=bytes.fromhex(data["fingerprint"]),
        source_digest=bytes.fromhex(data["source_digest"]),
        first_write=frozenset(data["first_write"]),
        notes=tuple(data["notes"]),
        identity=data["identity"],
        related=tuple(Related(*one) for one in data["related"]),
    )
    return Change(
        record=record,
        send=data["send"],
        before_after={name: (before, after) for name, (before, after) in data["changed"].items()},
        target_id=data["target_id"],
        written=data["written"],
        kind=data["kind"],
        if_empty=data["if_empty"],
        base=bytes.fromhex(data["base"]),
        adopted=data["adopted"],
    )
