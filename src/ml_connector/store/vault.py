"""Secrets at rest: AES-256-GCM. A master key outside the database wraps data keys, a data key seals fields.

What is sealed is bound to its connection, its field and its key: copied into another row it does not open.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import sys
from typing import TYPE_CHECKING

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import func, insert, select

from ml_connector.errors import KeyRefusedError
from ml_connector.store import tables

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from ml_connector.store.database import Tx

KEY_BYTES = 32
NONCE_BYTES = 12
FORMAT = 1  # first byte of everything sealed: 1, length of the key id, key id, nonce, ciphertext with tag
WRAPPED_FOR = "mlc_key"


class VaultError(KeyRefusedError):
    """Something sealed does not open: changed, moved from another row, or sealed with a key that is gone."""

    code = "vault.refused"


class Vault:
    """Seals and opens fields. Made by ``open_vault``; never shows a key."""

    def __init__(
        self, keys: Mapping[str, bytes], writes_with: str, random_bytes: Callable[[int], bytes]
    ) -> None:
        self._ciphers = {key_id: AESGCM(data_key) for key_id, data_key in keys.items()}
        self._writes_with = writes_with
        self._random_bytes = random_bytes

    def __repr__(self) -> str:
        return f"Vault({len(self._ciphers)} keys)"

    def seal(self, connection_id: int, field: str, plaintext: bytes) -> bytes:
        """The plaintext, sealed for this field of this connection."""
        key_id = self._writes_with.encode()
        nonce = self._random_bytes(NONCE_BYTES)
        bound_to = _bound_to(connection_id, field, self._writes_with)
        sealed = self._ciphers[self._writes_with].encrypt(nonce, plaintext, bound_to)
        return bytes((FORMAT, len(key_id))) + key_id + nonce + sealed

    def open(self, connection_id: int, field: str, sealed: bytes) -> bytes:
        """The plaintext again.

        Raises:
            VaultError: it was changed, belongs to another field or connection, or its key is not there.
        """
        if len(sealed) < 2 or sealed[0] != FORMAT:  # noqa: PLR2004 - format byte and length byte
            raise VaultError(f"What is stored as {field} is not sealed by this program.")
        end = 2 + sealed[1]
        key_id = sealed[2:end].decode(errors="replace")
        nonce, ciphertext = sealed[end : end + NONCE_BYTES], sealed[end + NONCE_BYTES :]
        cipher = self._ciphers.get(key_id)
        if cipher is None:
            raise VaultError(f"The key that sealed {field} is not in this database.")
        try:
            return cipher.decrypt(nonce, ciphertext, _bound_to(connection_id, field, key_id))
        except (InvalidTag, ValueError) as error:
            raise VaultError(f"What is stored as {field} was changed, or belongs to another row.") from error


async def open_vault(tx: Tx, master_key: bytes) -> Vault:
    """The vault of this database; a database without keys and without secrets gets its first key.

    Raises:
        KeyRefusedError: the master key is not the one the data keys are wrapped with, or they are gone.
    """
    if len(master_key) != KEY_BYTES:
        raise KeyRefusedError(f"The encryption key has {len(master_key)} bytes, not {KEY_BYTES}.")
    rows = (await tx.connection.execute(select(tables.key).order_by(tables.key.c.created_at))).all()
    if not rows:
        return await _first_key(tx, master_key)
    keys = {row.key_id: _unwrap(master_key, row.key_id, row.wrapped, row.check_value) for row in rows}
    writing = [row.key_id for row in rows if row.state == "writes"]
    if len(writing) != 1:
        raise KeyRefusedError(f"{len(writing)} data keys are marked for writing; exactly one must be.")
    return Vault(keys, writing[0], tx.around.random_bytes)


async def _first_key(tx: Tx, master_key: bytes) -> Vault:
    if (await tx.connection.execute(select(func.count()).select_from(tables.secret))).scalar_one():
        raise KeyRefusedError(
            "The database holds sealed secrets but no data key: table mlc_key was emptied.",
            hint="Restore the last backup.",
        )
    key_id, data_key = tx.around.new_id(), tx.around.random_bytes(KEY_BYTES)
    nonce = tx.around.random_bytes(NONCE_BYTES)
    row = {
        "key_id": key_id,
        "wrapped": nonce + AESGCM(master_key).encrypt(nonce, data_key, _bound_to(0, WRAPPED_FOR, key_id)),
        "check_value": _check_value(master_key, key_id),
        "state": "writes",
        "created_at": tx.now,
    }
    await tx.connection.execute(insert(tables.key), row)
    return Vault({key_id: data_key}, key_id, tx.around.random_bytes)


def _unwrap(master_key: bytes, key_id: str, wrapped: bytes, check_value: bytes) -> bytes:
    if not hmac.compare_digest(check_value, _check_value(master_key, key_id)):
        raise KeyRefusedError(
            "The encryption key is not the one this database was sealed with. Nothing was changed.",
            hint="Give the right key (MLC_MASTER_KEY, MLC_MASTER_KEY_FILE, or the key file that init made).",
        )
    try:
        return AESGCM(master_key).decrypt(
            wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], _bound_to(0, WRAPPED_FOR, key_id)
        )
    except (InvalidTag, ValueError) as error:
        raise VaultError(f"Data key {key_id} is damaged.", hint="Restore the last backup.") from error


def _check_value(master_key: bytes, key_id: str) -> bytes:
    """Tells a wrong master key from a damaged row."""
    return hmac.digest(master_key, f"mlc check {key_id}".encode(), hashlib.sha256)


def _bound_to(connection_id: int, field: str, key_id: str) -> bytes:
    return orjson.dumps([connection_id, field, key_id])


def load_master_key(*, env_value: str | None, key_file: Path) -> bytes:
    """The master key: the environment's when given, else the file's; 32 bytes as base64 or hex.

    Raises:
        KeyRefusedError: there is none, it is malformed, or other users may read the file.
    """
    if env_value:
        return _decode(env_value, "MLC_MASTER_KEY")
    try:
        text = key_file.read_text("ascii")
        mode = key_file.stat().st_mode
    except FileNotFoundError:
        raise KeyRefusedError(
            f"There is no encryption key: MLC_MASTER_KEY is not set and {key_file} does not exist.",
            hint="Restore the key file, or run ml-connector init for a new database.",
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise KeyRefusedError(f"The key file {key_file} cannot be read: {error}.") from error
    if sys.platform != "win32" and mode & 0o077:
        raise KeyRefusedError(
            f"Other users may read the key file {key_file}.", hint=f"Run: chmod 600 {key_file}"
        )
    return _decode(text, str(key_file))


def _decode(text: str, origin: str) -> bytes:
    stripped = text.strip()
    readings: tuple[Callable[[str], bytes], ...] = (bytes.fromhex, base64.b64decode, base64.urlsafe_b64decode)
    for read in readings:
        try:
            key = read(stripped)
        except (ValueError, binascii.Error):
            continue
        if len(key) == KEY_BYTES:
            return key
    raise KeyRefusedError(
        f"The encryption key in {origin} is not {KEY_BYTES} bytes written as base64 or hex."
    )


def create_key_file(path: Path) -> bytes:
    """Make a new master key and write it to a file only its owner may read. It is never overwritten.

    The one key whose randomness comes from the operating system directly, whatever the surroundings are.

    Raises:
        KeyRefusedError: the file exists.
    """
    master_key = AESGCM.generate_key(bit_length=KEY_BYTES * 8)
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        raise KeyRefusedError(
            f"The key file {path} exists and is not overwritten.",
            hint="Without it, everything sealed with it is lost. Move it away only for a new database.",
        ) from None
    with os.fdopen(descriptor, "wb") as file:
        file.write(base64.b64encode(master_key) + b"\n")
    return master_key
