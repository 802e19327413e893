"""Connections (an F&O environment paired with a HubSpot portal), their sides, secrets and legal entities."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, insert, select, update

from ml_connector.errors import ConfigurationError
from ml_connector.store import tables
from ml_connector.store.audit import FIRST_HASH
from ml_connector.store.columns import insert_if_new, upsert
from ml_connector.store.database import StoreError, Tx

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from ml_connector.store.vault import Vault


@dataclass(frozen=True, slots=True)
class Connection:
    """A pairing, by number (in keys) and by name (on screens)."""

    connection_id: int
    name: str


@dataclass(frozen=True, slots=True)
class SideRow:
    """How one side is reached. ``identity`` is the environment or portal that answered when it was saved."""

    side: str
    settings: dict[str, Any]
    identity: str
    capabilities: dict[str, Any]
    verified_at: datetime


@dataclass(frozen=True, slots=True)
class LegalEntityRow:
    """A chosen legal entity; its time zone (IANA name) decides its days."""

    legal_entity: str
    name: str
    currency: str
    time_zone: str


_NEW = insert_if_new(tables.connection, key=["name"])
_NEW_HEAD = insert_if_new(tables.audit_head, key=["connection_id"])
_PUT_SIDE = upsert(
    tables.side,
    key=["connection_id", "side"],
    change=["settings", "identity", "capabilities", "verified_at"],
)


async def get(tx: Tx, name: str) -> Connection | None:
    """The connection of this name."""
    c = tables.connection.c
    row = (await tx.connection.execute(select(c.connection_id, c.name).where(c.name == name))).first()
    return Connection(*row) if row else None


async def get_or_create(tx: Tx, name: str) -> Connection:
    """The connection of this name, made when it is new; two processes may ask at once."""
    await tx.connection.execute(_NEW[tx.dialect], {"name": name, "created_at": tx.now})
    found = await get(tx, name)
    if found is None:
        raise StoreError(f"The connection '{name}' was just made and is not there.")
    head = {"connection_id": found.connection_id, "seq": 0, "hash": FIRST_HASH}
    await tx.connection.execute(_NEW_HEAD[tx.dialect], head)
    return found


async def all(tx: Tx) -> list[Connection]:  # noqa: A001 - read as connections.all
    """Every connection, in the order they were made."""
    c = tables.connection.c
    rows = await tx.connection.execute(select(c.connection_id, c.name).order_by(c.connection_id))
    return [Connection(*row) for row in rows]


async def put_side(
    tx: Tx, connection_id: int, row: SideRow, secrets: Mapping[str, str], vault: Vault
) -> None:
    """Replace a side's settings and all its secrets together; fields are named ``dynamics.client_secret``."""
    strange = [field for field in secrets if not field.startswith(f"{row.side}.")]
    if strange:
        raise StoreError(f"{', '.join(strange)}: a secret of this side is named {row.side}.NAME.")
    await tx.connection.execute(_PUT_SIDE[tx.dialect], {"connection_id": connection_id, **asdict(row)})
    c = tables.secret.c
    of_side = c.field.between(f"{row.side}.", f"{row.side}/")  # "/" follows "." in the alphabet
    await tx.connection.execute(delete(tables.secret).where(c.connection_id == connection_id, of_side))
    sealed = [
        {
            "connection_id": connection_id,
            "field": field,
            "sealed": vault.seal(connection_id, field, text.encode()),
            "updated_at": tx.now,
        }
        for field, text in secrets.items()
    ]
    if sealed:
        await tx.connection.execute(insert(tables.secret), sealed)


async def side(tx: Tx, connection_id: int, side: str) -> SideRow | None:
    """One side's settings, without its secrets."""
    c = tables.side.c
    query = select(c.side, c.settings, c.identity, c.capabilities, c.verified_at)
    row = (await tx.connection.execute(query.where(c.connection_id == connection_id, c.side == side))).first()
    return SideRow(*row) if row else None


async def secret(tx: Tx, connection_id: int, field: str, vault: Vault) -> str:
    """One secret in clear.

    Raises:
        ConfigurationError: it was never stored.
        VaultError: it does not open.
    """
    c = tables.secret.c
    query = select(c.sealed).where(c.connection_id == connection_id, c.field == field)
    sealed = (await tx.connection.execute(query)).scalar()
    if sealed is None:
        side_name = field.partition(".")[0]
        raise ConfigurationError(
            f"No {field} is stored for this connection.", hint=f"Run: ml-connector connect {side_name}"
        )
    return vault.open(connection_id, field, sealed).decode()


async def replace_secret(tx: Tx, connection_id: int, field: str, vault: Vault, *, old: str, new: str) -> None:
    """A secret that another one follows; one that has been replaced otherwise meanwhile stays."""
    if await secret(tx, connection_id, field, vault) != old:
        return
    c = tables.secret.c
    change = update(tables.secret).where(c.connection_id == connection_id, c.field == field)
    sealed = vault.seal(connection_id, field, new.encode())
    await tx.connection.execute(change.values(sealed=sealed, updated_at=tx.now))


async def put_capabilities(tx: Tx, connection_id: int, side: str, capabilities: dict[str, Any]) -> None:
    """What a probe found out about a side."""
    c = tables.side.c
    change = update(tables.side).where(c.connection_id == connection_id, c.side == side)
    if (await tx.connection.execute(change.values(capabilities=capabilities))).rowcount != 1:
        raise StoreError(f"The side {side} of this connection is not stored.")


async def put_legal_entities(tx: Tx, connection_id: int, rows: Sequence[LegalEntityRow]) -> None:
    """Replace the chosen legal entities."""
    table = tables.legal_entity
    await tx.connection.execute(delete(table).where(table.c.connection_id == connection_id))
    if rows:
        values = [{"connection_id": connection_id, **asdict(row)} for row in rows]
        await tx.connection.execute(insert(table), values)


async def legal_entities(tx: Tx, connection_id: int) -> list[LegalEntityRow]:
    """The chosen legal entities, by code."""
    c = tables.legal_entity.c
    query = select(c.legal_entity, c.name, c.currency, c.time_zone).where(c.connection_id == connection_id)
    return [LegalEntityRow(*row) for row in await tx.connection.execute(query.order_by(c.legal_entity))]
