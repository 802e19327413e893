"""Contact persons and contacts: the same when their e-mail address is, on both sides once."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ml_connector.domain.matching.deciding import OWN_KEY, Proposal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


@dataclass(frozen=True, slots=True)
class Person:
    """What can be compared of a person; ``emails`` in lower case, secondary addresses too."""

    id: str
    name: str = ""
    key: str = ""
    emails: frozenset[str] = frozenset()


def person_pairs(sources: Iterable[Person], targets: Iterable[Person]) -> Iterator[Proposal]:
    """Every pair with an address in common."""
    own_keys: dict[str, Person] = {}
    of_address: dict[str, list[Person]] = defaultdict(list)
    for target in targets:
        if target.key:
            own_keys[target.key] = target
            continue
        for email in target.emails:
            of_address[email].append(target)
    for source in sources:
        if (own := own_keys.get(source.id)) is not None:
            yield Proposal(source.id, own.id, OWN_KEY, 1000, certain=True, reasons=(f"carries {source.id}",))
            continue
        fitting = {
            target.id: email for email in sorted(source.emails) for target in of_address.get(email, ())
        }
        for target_id, email in fitting.items():
            yield Proposal(source.id, target_id, "e-mail", 950, certain=True, reasons=(f"e-mail {email}",))
