"""What a side tells by itself: a hint that something may have changed, never the change."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

LONGEST_WORD = 200  # signs of a name or number in an event; whatever is longer is none of ours

Outcome = Literal["accepted", "duplicate", "superseded", "out_of_scope", "test"]


class UnreadableEventError(ValueError):
    """The body is not an event as its side writes them; the message never quotes it."""


@dataclass(frozen=True, slots=True)
class Told:
    """One event, as the room of its side has read it.

    ``identity`` and ``content`` are bytes that two copies share: of what makes it this event, and of all it says. Where
    they differ although the identity is the same, the event is taken as another one. ``is_test`` marks what a side
    sends to try the way only.
    """

    source: str
    type: str
    legal_entity: str
    identifier: str
    number: str
    identity: bytes
    content: bytes
    fields: Mapping[str, Any] = field(default_factory=dict)
    is_test: bool = False


def word(value: Any, what: str, *, empty: bool = False) -> str:
    """A name or number in an event, as text that can be stored and shown.

    Raises:
        UnreadableEventError: it is neither, or too long, or holds signs that no name has.
    """
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise UnreadableEventError(f"{what} is neither a text nor a whole number")
    text = str(value)
    if len(text) > LONGEST_WORD or not text.isprintable() or not (text or empty):
        raise UnreadableEventError(f"{what} is empty, too long or not plain text")
    return text
