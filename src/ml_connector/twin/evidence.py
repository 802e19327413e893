"""What stands behind each behaviour of the twins: the kinds of evidence, and the endpoints with theirs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Evidence = Literal["MS", "META", "REC", "CODE", "INF", "D", "S", "O", "I"]

MEANING: dict[Evidence, str] = {
    "MS": "Microsoft's documentation",
    "META": "the $metadata of a real environment",
    "REC": "answers recorded from a real environment",
    "CODE": "public integration code and posts by others",
    "INF": "inference about F&O or Entra ID, confirmed by no source",
    "D": "HubSpot's documentation or changelog",
    "S": "HubSpot's API specification",
    "O": "seen on a live portal by others",
    "I": "inference about HubSpot, confirmed by no source",
}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One thing a client can ask of a twin: ``path`` with its variable parts in braces."""

    service: Literal["entra", "dynamics", "hubspot"]
    method: str
    path: str
    does: str
    evidence: Evidence
