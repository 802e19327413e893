"""Number sequences: automatic numbers per company, and what happens to numbers clients supply."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_connector.twin.dynamics.errors import InfologError, invalid_write

if TYPE_CHECKING:
    from ml_connector.twin.dynamics.environment import Change, Environment

FORMATS = {
    "customer_numbers": "{company}-{number:06d}",
    "order_numbers": "SO-{number:06d}",
    "lots": "{company}-{number:06d}",
}
_GROUP_FORMAT = "{sequence}-{number:06d}"  # of a sequence that a customer group has of its own
_FIRST_PARTY = 500000


def draw(
    environment: Environment, sequence: str, company: str, *, taken: tuple[str, str] | None = None
) -> str:
    """The next free number; ``taken`` is (set, key property) whose numbers are skipped."""
    while True:
        number = environment.store.draw(sequence, company)
        text = FORMATS.get(sequence, _GROUP_FORMAT).format(
            company=company.upper(), number=number, sequence=sequence
        )
        if taken is None or environment.find(taken[0], company, text) is None:
            return text


def draw_party(environment: Environment) -> str:
    """The next free party number, shared by all companies."""
    while True:
        text = f"{_FIRST_PARTY + environment.store.draw('party', ''):09d}"
        if environment.store.tables["parties"].find(("PartyNumber",), [text]) is None:
            return text


def check_supplied(environment: Environment, change: Change, sequence: str, key: str, code: str = "") -> None:
    """Check the number a client supplied; whether it counts depends on the sequence.

    ``code`` is a sequence that stands in for the company's usual one.

    Raises:
        InfologError: a manual number is missing or taken, or an automatic one may not be supplied.
    """
    supplied = change.fields.get(key, "")
    if not _is_manual(environment, change.company, sequence, code):
        if supplied and environment.is_on("supplied_number", "refused"):
            raise invalid_write(f"Number {supplied} cannot be entered: the number sequence is not manual.")
    elif not supplied:
        raise invalid_write(f"Field '{key}' must be filled in.")
    elif environment.find(change.view.name, change.company, supplied) is not None:
        raise duplicate(change.view.set.type, key, supplied)


def duplicate(record: str, label: str, value: str) -> InfologError:
    """The duplicate-key sentence."""
    return InfologError(
        ("Info", f"Cannot create a record in {record}. {label}: {value}.\nThe record already exists.")
    )


def number_for(environment: Environment, change: Change, sequence: str, key: str, code: str = "") -> str:
    """The number of a new record, after ``check_supplied``."""
    if _is_manual(environment, change.company, sequence, code):
        return str(change.fields[key])
    return draw(environment, code or sequence, change.company, taken=(change.view.name, key))


def _is_manual(environment: Environment, company: str, sequence: str, code: str) -> bool:
    """Whether people choose the numbers: as the switch says, or the sequence with that code."""
    if not code:
        return environment.is_on(sequence, "manual")
    key = ("NumberSequenceCode", "ScopeType", "ScopeValue")
    row = environment.store.tables["SequenceV2Tables"].find(key, [code, "DataArea", company])
    return row is not None and row.values.get("Manual") == "Yes"
