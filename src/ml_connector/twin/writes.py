"""The log of writes: what every mutating request did, in the order it happened, both sides in one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from ml_connector.twin.wire import Request


@dataclass(frozen=True, slots=True)
class WriteRow:
    """One mutating request; ``status`` is what the machine answered, whether or not the client heard it."""

    seq: int
    at: datetime
    side: str
    method: str
    path: str
    keys: tuple[str, ...]
    status: int
    committed: bool
    raw: bytes  # the body as sent: decoded only when read, so that logging a big load costs nothing

    @property
    def body(self) -> Any:
        """The decoded JSON, else the text, None when empty."""
        if not self.raw:
            return None
        try:
            return orjson.loads(self.raw)
        except orjson.JSONDecodeError:
            return self.raw.decode("utf-8", errors="replace")

    def as_json(self) -> dict[str, Any]:
        """The row as the control API shows it; ``key`` is one key, a list of several, or None."""
        return {
            "seq": self.seq,
            "at": self.at,
            "side": self.side,
            "method": self.method,
            "path": self.path,
            "key": list(self.keys) if len(self.keys) > 1 else next(iter(self.keys), None),
            "status": self.status,
            "committed": self.committed,
            "body": self.body,
        }


class WriteLog:
    """Rows numbered from 1; ``listeners`` are called in the same instant in which a row is added."""

    def __init__(self) -> None:
        self.rows: list[WriteRow] = []
        self.listeners: list[Callable[[WriteRow], None]] = []

    def add(  # one keyword per column
        self,
        request: Request,
        *,
        at: datetime,
        side: str,
        keys: tuple[str, ...],
        status: int,
        committed: bool,
    ) -> None:
        """Append one row and tell the listeners."""
        row = WriteRow(
            len(self.rows) + 1, at, side, request.method, request.path, keys, status, committed, request.body
        )
        self.rows.append(row)
        for listener in self.listeners:
            listener(row)

    def after(self, seq: int) -> list[WriteRow]:
        """The rows with a number above ``seq``."""
        return self.rows[max(seq, 0) :]

    def clear(self) -> None:
        """Start again at 1; listeners stay."""
        self.rows.clear()
