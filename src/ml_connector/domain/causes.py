"""Why a record is parked: one list of causes. Screens, the command line and the docs read it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Turn(StrEnum):
    """Whose turn it is."""

    SALES = "sales"
    FINANCE = "finance"
    IT = "it"


@dataclass(frozen=True, slots=True)
class Cause:
    """One cause: a stable code, a title, a plain explanation, whose turn it is and the next action."""

    code: str
    title: str
    explanation: str
    turn: Turn
    next_action: str


CAUSES: dict[str, Cause] = {
    cause.code: cause
    for cause in (
        Cause(
            "record.rejected",
            "The other system refused the record",
            "The record was sent and the other system said no; its own words stand in the detail.",
            Turn.IT,
            "Correct the value in the system that owns it, or the rule that refuses it, then replay.",
        ),
        Cause(
            "mapping.value",
            "A value cannot be mapped",
            "A value of this record does not fit the rule of its field in the mapping.",
            Turn.FINANCE,
            "Correct the value in Dynamics, or the field's rule in the mapping file, then replay.",
        ),
        Cause(
            "record.duplicate_key",
            "Two records share one key",
            "Two records of one read carry the same key; the first was used, this one was stopped.",
            Turn.FINANCE,
            "Give each record its own number in Dynamics, then replay.",
        ),
    )
}


def cause_of(code: str) -> Cause:
    """The cause of a code; a code without an entry of its own falls back to its family's."""
    return CAUSES.get(code) or CAUSES["record.rejected"]
