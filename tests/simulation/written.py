"""What a mutating request would change, in the words of the journal; a ``$batch`` is one call of several parts."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from ml_connector.twin.wire import Request

BATCH = "/data/$batch"
REFERENCE, POSITION = "CustomersOrderReference", "CustomersLineNumber"
_PART = re.compile(rb"\r\n\r\n([A-Z]+) (\S+) HTTP/1\.1\r\n.*?\r\n\r\n(.*?)\r\n--", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Part:
    """One write: alone in its request, or one of a batch."""

    method: str
    path: str
    body: Any

    @property
    def data_entity(self) -> str:
        """The set in F&O that it goes to."""
        return self.path.removeprefix("/data/").partition("(")[0]


def parts_of(request: Request) -> list[Part]:
    """The writes in a request, in their order."""
    if request.path != BATCH:
        return [Part(request.method, request.path, orjson.loads(request.body) if request.body else {})]
    return [
        Part(method.decode(), path.decode(), orjson.loads(body))
        for method, path, body in _PART.findall(request.body)
    ]


def in_hubspot(part: Part) -> tuple[str, set[str]]:
    """The journal's name of a call to HubSpot, and the records in it: by their keys, or of an update by their ids."""
    words = part.path.strip("/").split("/")
    if words[-2:] == ["batch", "create"]:
        pairs = {f"{entry['from']['id']}>{entry['to']['id']}" for entry in part.body["inputs"]}
        return "associations.create", pairs
    if words[-2] == "batch":
        return f"{words[-3]}.{words[-1]}", {entry["id"] for entry in part.body["inputs"]}
    return f"{words[-2]}.update", {words[-1]}
