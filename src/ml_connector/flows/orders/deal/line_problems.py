"""What is wrong with the lines of a deal, told in one go: a rep mends all of them at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ml_connector.errors import RecordError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ml_connector.flows.orders.deal.snapshot import DealLine, DealSnapshot


@dataclass(frozen=True, slots=True)
class LineProblem:
    """Why one line cannot be ordered; ``words`` follow the line's name."""

    line: DealLine
    code: str
    words: str


def park_if_any(snapshot: DealSnapshot, problems: Sequence[LineProblem]) -> None:
    """Stop the deal for its lines' problems, a sentence each; the first one's cause counts.

    Raises:
        RecordError: there is a problem; its context lists the lines.
    """
    if not problems:
        return
    sentences = " ".join(f"Line '{problem.line.name}' {problem.words}" for problem in problems)
    raise RecordError(
        f"{snapshot.subject}: {sentences}",
        code=problems[0].code,
        lines=list(dict.fromkeys(problem.line.id for problem in problems)),
    )
