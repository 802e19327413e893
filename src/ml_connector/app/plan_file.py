"""The file of a plan: what ``plan --out`` writes and ``sync --plan`` reads.

JSON lines: a header, then one change a line. The header is sealed over the whole file with the connection's own key:
what was not written by this connection, or was changed since, is refused. Both ends hold one line at a time.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

import orjson

from ml_connector.domain.causes import cause_of
from ml_connector.engine.foresight import Foreseen
from ml_connector.engine.staging import as_plain, from_plain
from ml_connector.errors import ConfigurationError
from ml_connector.store.vault import VaultError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from ml_connector.app.workplace import Workplace
    from ml_connector.domain.diff import Change
    from ml_connector.engine.plan import Line

SCHEMA = "plan.file/1"
FIELD = "plan.file"  # what a file's digest is sealed for
OTHERS_MAY_WRITE = stat.S_IWGRP | stat.S_IWOTH
SIGNS = 12  # of a file's digest that the audit shows


class PlanWriter:
    """Keeps the lines apart until the header is known, which comes first and is known last."""

    def __init__(self, path: Path, body: IO[bytes]) -> None:
        self.path = path
        self.lines = 0
        self._body = body
        self._digest = hashlib.sha256()

    def add(self, lines: Iterable[Line]) -> None:
        """Keep these lines."""
        for line in lines:
            written = orjson.dumps(_plain(line), option=orjson.OPT_APPEND_NEWLINE)
            self._digest.update(written)
            self._body.write(written)
            self.lines += 1

    def finish(self, place: Workplace, header: dict[str, Any]) -> None:
        """Put the sealed header and the lines into the file, which appears whole or not at all."""
        plain = {"schema": SCHEMA, **header, "lines": self.lines}
        digest = _file_digest(plain, self._digest.digest())
        seal = place.vault.seal(place.connection.connection_id, FIELD, digest).hex()
        part = self.path.with_name(f"{self.path.name}.part")
        part.unlink(missing_ok=True)
        with os.fdopen(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
            file.write(orjson.dumps({**plain, "seal": seal}, option=orjson.OPT_APPEND_NEWLINE))
            self._body.seek(0)
            shutil.copyfileobj(self._body, file)
            file.flush()
            os.fsync(file.fileno())
        part.replace(self.path)


@contextmanager
def writing(path: Path, *, force: bool) -> Iterator[PlanWriter]:
    """A file to be written; one that is there already stays unless ``force``.

    Raises:
        ConfigurationError: it exists, or cannot be written.
    """
    if path.exists() and not force:
        raise ConfigurationError(
            f"The file {path} exists already.",
            code="usage.plan_file",
            hint="Give another name, or --force to replace it.",
        )
    try:
        with tempfile.TemporaryFile(dir=path.parent) as body:
            yield PlanWriter(path, body)
    except OSError as exc:
        raise _unusable(f"The plan cannot be written to {path}: {exc.strerror or exc}.") from exc


@dataclass(frozen=True, slots=True)
class KeptPlan:
    """A plan's file, checked and held open."""

    file: IO[bytes]
    header: dict[str, Any]
    digest: str

    def portions(self, size: int) -> Iterator[list[Change]]:
        """The changes as they were judged, so many at a time; records that would be parked carry none."""
        self.file.seek(0)
        self.file.readline()
        portion: list[Change] = []
        for line in self.file:
            data = orjson.loads(line)
            if data["kind"] == "park":
                continue
            portion.append(from_plain(data))
            if len(portion) == size:
                yield portion
                portion = []
        if portion:
            yield portion


@contextmanager
def reading(place: Workplace, path: Path) -> Iterator[KeptPlan]:
    """A plan's file, proven to be what this connection wrote.

    Raises:
        ConfigurationError: it cannot be read, others may write to it, or it was not written like this.
    """
    try:
        file = path.open("rb")
    except OSError as exc:
        raise _unusable(f"The plan {path} cannot be read: {exc.strerror or exc}.") from exc
    with file:
        _refuse_unsafe(path, file)
        yield _checked(place, path, file)


def _refuse_unsafe(path: Path, file: IO[bytes]) -> None:
    """What others can write to may have become another plan between the look at it and the writing."""
    if os.name == "posix" and os.fstat(file.fileno()).st_mode & OTHERS_MAY_WRITE:
        raise _unusable(f"Others than you may write to {path}; it is not used.", f"Run: chmod 600 {path}")


def _checked(place: Workplace, path: Path, file: IO[bytes]) -> KeptPlan:
    """The header, once the seal has proven every line."""
    try:
        header = orjson.loads(file.readline())
        seal = bytes.fromhex(header.pop("seal"))
        schema, connection, sides = header["schema"], header["connection"], header["sides"]
    except (ValueError, KeyError, TypeError, AttributeError) as exc:
        raise _unusable(f"{path} is not the file of a plan.") from exc
    if schema != SCHEMA:
        raise _unusable(f"{path} was written by another version of the connector ({schema}).")
    if connection != place.connection.name:
        raise _unusable(
            f"{path} is a plan of the connection '{connection}', not of '{place.connection.name}'."
        )
    lines = hashlib.sha256()
    for line in file:
        lines.update(line)
    digest = _file_digest(header, lines.digest())
    try:
        sealed = place.vault.open(place.connection.connection_id, FIELD, seal)
    except VaultError as exc:
        raise _unusable(f"{path} was not written by this connection.") from exc
    if sealed != digest:
        raise _unusable(f"{path} was changed after it was written; it is not used.")
    assert isinstance(sides, dict)
    return KeptPlan(file, header, digest.hex()[:SIGNS])


def _file_digest(header: dict[str, Any], lines: bytes) -> bytes:
    return hashlib.sha256(orjson.dumps(header) + lines).digest()


def _plain(line: Line) -> dict[str, Any]:
    """A line as plain data: the change as judged, and what would come of it."""
    if not isinstance(line, Foreseen):
        cause = cause_of(line.error.code)
        return {
            "key": line.key,
            "kind": "park",
            "cause": line.error.code,
            "message": line.error.message,
            "turn": cause.turn.value,
            "next_action": line.error.hint or cause.next_action,
        }
    return {
        **as_plain(line.change),
        "foreseen": {
            "what": line.what,
            "target_id": line.target_id,
            "send": dict(line.send),
            "changed": {name: list(values) for name, values in line.changed.items()},
        },
    }


def _unusable(message: str, hint: str = "Make a new one with: ml-connector plan") -> ConfigurationError:
    return ConfigurationError(message, code="usage.plan_file", hint=hint)
