"""Secrets at rest: what is sealed opens only with the right key, in its own place; a wrong key changes nothing."""

from __future__ import annotations

import base64
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import delete, select, text, update

from ml_connector.errors import KeyRefusedError
from ml_connector.store import connections, operations, processes, tables
from ml_connector.store.database import Store
from ml_connector.store.vault import Vault, VaultError, create_key_file, load_master_key

if TYPE_CHECKING:
    from ml_connector.domain.clock import Surroundings

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
MASTER_KEY = bytes(range(32))
OTHER_KEY = bytes(32)
CANARY = "canary-3f9a61c2-secret"
SIDE = connections.SideRow("dynamics", {"url": "https://a"}, "tenant", {}, NOON)
ROOT_ONLY_POSIX = pytest.mark.skipif(sys.platform == "win32", reason="Windows knows no file modes")


async def keys_and_secrets(store: Store) -> list[Any]:
    async with store.read() as tx:
        keys = (await tx.connection.execute(select(tables.key))).all()
        secrets = (await tx.connection.execute(select(tables.secret))).all()
    return [*map(tuple, keys), *map(tuple, secrets)]


async def test_a_secret_opens_again_after_the_store_was_reopened(
    store: Store, store_url: str, around: Surroundings, cid: int, vault: Vault
) -> None:
    async with store.write() as tx:
        await connections.put_side(tx, cid, SIDE, {"dynamics.client_secret": "pässword"}, vault)
    reopened = await Store.open(store_url, around=around)
    assert reopened.vault is None
    opened = await reopened.unlock(MASTER_KEY)
    assert opened is reopened.vault
    async with reopened.read() as tx:
        assert await connections.secret(tx, cid, "dynamics.client_secret", opened) == "pässword"
    await reopened.close()


async def test_a_wrong_key_is_refused_and_nothing_is_changed(
    store: Store, store_url: str, around: Surroundings, cid: int, vault: Vault
) -> None:
    async with store.write() as tx:
        await connections.put_side(tx, cid, SIDE, {"dynamics.client_secret": CANARY}, vault)
    before = await keys_and_secrets(store)
    reopened = await Store.open(store_url, around=around)
    with pytest.raises(KeyRefusedError, match="not the one this database was sealed with"):
        await reopened.unlock(OTHER_KEY)
    with pytest.raises(KeyRefusedError, match="16 bytes"):
        await reopened.unlock(MASTER_KEY[:16])
    assert reopened.vault is None
    assert await keys_and_secrets(reopened) == before
    await reopened.close()


async def test_an_emptied_key_table_does_not_get_a_new_key_beside_old_secrets(
    store: Store, cid: int, vault: Vault
) -> None:
    async with store.write() as tx:
        await connections.put_side(tx, cid, SIDE, {"dynamics.client_secret": CANARY}, vault)
        await tx.connection.execute(delete(tables.key))
    with pytest.raises(KeyRefusedError, match="mlc_key was emptied"):
        await store.unlock(MASTER_KEY)
    assert len(await keys_and_secrets(store)) == 1


async def test_a_damaged_data_key_is_told_from_a_wrong_master_key(store: Store) -> None:
    async with store.write() as tx:
        await tx.connection.execute(update(tables.key).values(wrapped=bytes(60)))
    with pytest.raises(VaultError, match="is damaged"):
        await store.unlock(MASTER_KEY)


def test_a_sealed_value_opens_only_in_its_own_place(vault: Vault) -> None:
    sealed = vault.seal(1, "dynamics.client_secret", b"secret")
    assert vault.open(1, "dynamics.client_secret", sealed) == b"secret"
    for connection_id, field in ((2, "dynamics.client_secret"), (1, "hubspot.token"), (1, "")):
        with pytest.raises(VaultError, match="belongs to another row"):
            vault.open(connection_id, field, sealed)


def test_any_changed_byte_of_a_sealed_value_is_refused(vault: Vault) -> None:
    sealed = vault.seal(1, "f", b"secret")
    for place in range(len(sealed)):
        changed = bytearray(sealed)
        changed[place] ^= 1
        with pytest.raises(VaultError):
            vault.open(1, "f", bytes(changed))
    for length in range(len(sealed)):
        with pytest.raises(VaultError):
            vault.open(1, "f", sealed[:length])


def test_the_same_plaintext_never_seals_the_same(vault: Vault) -> None:
    assert vault.seal(1, "f", b"secret") != vault.seal(1, "f", b"secret")


async def test_swapped_rows_do_not_open(store: Store, cid: int, vault: Vault) -> None:
    """Two secrets of one connection, and one secret of two connections, exchanged in the table."""
    async with store.write() as tx:
        second = (await connections.get_or_create(tx, "second")).connection_id
        for number in (cid, second):
            secrets = {"dynamics.a": f"a of {number}", "dynamics.b": f"b of {number}"}
            await connections.put_side(tx, number, SIDE, secrets, vault)
    c = tables.secret.c
    for mine, theirs in (
        ((cid, "dynamics.a"), (cid, "dynamics.b")),
        ((cid, "dynamics.a"), (second, "dynamics.a")),
    ):
        async with store.write() as tx:
            stolen = select(c.sealed).where(c.connection_id == theirs[0], c.field == theirs[1])
            sealed = (await tx.connection.execute(stolen)).scalar_one()
            change = update(tables.secret).where(c.connection_id == mine[0], c.field == mine[1])
            await tx.connection.execute(change.values(sealed=sealed))
            with pytest.raises(VaultError):
                await connections.secret(tx, *mine, vault)


async def test_no_secret_stands_in_the_bytes_of_the_database(
    store: Store, store_url: str, cid: int, vault: Vault
) -> None:
    text_of = CANARY.encode()
    operation = operations.Operation(
        "o1", "p1", "header", "HS-1-1", "usmf", 1, text_of, b"hash", "intended", 1, NOON
    )
    process = processes.Process(
        "p1", "orders", "deals/1", 1, "waiting", "gather", "none", NOON, NOON, snapshot=text_of, draft=text_of
    )
    for _ in range(2):  # the second round frees the pages of the first
        async with store.write() as tx:
            await connections.put_side(tx, cid, SIDE, {"dynamics.client_secret": CANARY}, vault)
            await operations.put(tx, cid, operation, vault)
            await processes.put(tx, cid, process, vault)
    for number, content in enumerate(await everything(store, store_url)):
        assert text_of not in content, number
        assert text_of.hex().encode() not in content, number
        assert MASTER_KEY not in content
        assert MASTER_KEY.hex().encode() not in content
    assert CANARY not in repr(vault)


async def everything(store: Store, store_url: str) -> list[bytes]:
    """The files of a SQLite database; every row of a PostgreSQL database as text (bytes show as hex)."""
    if store_url.startswith("sqlite"):
        path = Path(store_url.removeprefix("sqlite:///"))
        return [file.read_bytes() for file in path.parent.glob(f"{path.name}*")]
    async with store.read() as tx:
        rows = [
            await tx.connection.execute(text(f"SELECT t::text FROM {table} t"))  # noqa: S608 - our own names
            for table in tables.metadata.tables
        ]
    return [str(row[0]).encode() for result in rows for row in result]


def test_a_key_file_is_made_once_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "key"
    made = create_key_file(path)
    assert len(made) == 32
    assert load_master_key(env_value=None, key_file=path) == made
    with pytest.raises(KeyRefusedError, match="is not overwritten"):
        create_key_file(path)
    assert load_master_key(env_value=None, key_file=path) == made
    if sys.platform != "win32":
        assert path.stat().st_mode & 0o777 == 0o600


@ROOT_ONLY_POSIX
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666])
def test_a_key_file_others_may_read_is_refused_with_the_fix(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "key"
    create_key_file(path)
    path.chmod(mode)
    with pytest.raises(KeyRefusedError, match="Other users may read") as refused:
        load_master_key(env_value=None, key_file=path)
    assert refused.value.hint == f"Run: chmod 600 {path}"


@pytest.mark.parametrize(
    "written",
    [
        MASTER_KEY.hex(),
        base64.b64encode(MASTER_KEY).decode(),
        base64.urlsafe_b64encode(MASTER_KEY).decode() + "\n",
    ],
)
def test_the_environment_goes_before_the_key_file(tmp_path: Path, written: str) -> None:
    create_key_file(tmp_path / "key")
    assert load_master_key(env_value=written, key_file=tmp_path / "key") == MASTER_KEY


@pytest.mark.parametrize("written", ["short", "zz" * 32, MASTER_KEY.hex()[:-2], "ü" * 43])
def test_a_malformed_key_is_refused_and_not_repeated(tmp_path: Path, written: str) -> None:
    with pytest.raises(KeyRefusedError) as refused:
        load_master_key(env_value=written, key_file=tmp_path / "key")
    assert written not in str(refused.value)


def test_a_missing_key_is_refused_with_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(KeyRefusedError, match="There is no encryption key"):
        load_master_key(env_value=None, key_file=tmp_path / "key")
