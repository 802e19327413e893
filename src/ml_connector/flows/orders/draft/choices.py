"""What a person chose for one deal: an account, an item, an address; never free text, and used for this order only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ml_connector.flows.orders.draft.resolved import Found

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

KEPT = "choices"  # in the result of a deal's process


@dataclass(frozen=True, slots=True)
class Choice:
    """One field, by its name in ``FIELDS``, with who chose it and why."""

    field: str
    value: str
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class Choices:
    """The choices of one deal; the last one of a field counts."""

    made: tuple[Choice, ...] = ()

    def get(self, field: str) -> Found | None:
        """What was chosen, with its author as the rule."""
        chosen = next((choice for choice in reversed(self.made) if choice.field == field), None)
        if chosen is None:
            return None
        return Found(chosen.value, f"chosen by {chosen.by}: {chosen.reason}")

    def named(self, head: str) -> dict[str, Found]:
        """The choices of one kind by what they are for: of ``item.55`` the ``55``."""
        names = dict.fromkeys(
            choice.field.removeprefix(f"{head}.")
            for choice in self.made
            if choice.field.startswith(f"{head}.")
        )
        found = {name: self.get(f"{head}.{name}") for name in names}
        return {name: one for name, one in found.items() if one is not None}


# What a person may choose. A name that ends in a dot takes what it is for: a line's id, a dimension, a field.
FIELDS = (
    "legal_entity",
    "account",
    "open_account",
    "item.",
    "address",
    "dimension.",
    "customer_po",
    "customer.",
)


def choices_of(result: Mapping[str, Any]) -> Choices:
    """The choices kept with a process."""
    kept: Sequence[Mapping[str, str]] = result.get(KEPT, ())
    return Choices(tuple(Choice(**each) for each in kept))
