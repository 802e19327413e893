"""Which record is associated with which, by type id, both directions kept together.

Facts: https://developers.hubspot.com/docs/api-reference/latest/crm/associations/associate-records/guide
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ml_connector.twin.hubspot.errors import ApiError, invalid_input

if TYPE_CHECKING:
    from ml_connector.twin.hubspot.happenings import Happenings

OWN_TYPES = 30_000  # the portal's own labels are numbered from here


@dataclass(frozen=True, slots=True)
class AssociationType:
    """One association type, from one object type to another."""

    id: int
    source: str
    target: str
    inverse: int
    label: str | None = None
    primary: bool = False
    category: str = "HUBSPOT_DEFINED"
    name: str = ""  # the portal's own types have one

    def wire(self) -> dict[str, Any]:
        """As HubSpot prints it."""
        return {"category": self.category, "typeId": self.id, "label": self.label}


def _pair(
    source: str, target: str, ids: tuple[int, int], label: str | None = None, *, primary: bool = False
) -> tuple[AssociationType, AssociationType]:
    there, back = ids
    return (
        AssociationType(there, source, target, back, label, primary),
        AssociationType(back, target, source, there, label, primary),
    )


TYPES: dict[int, AssociationType] = {
    kind.id: kind
    for pair in (
        _pair("contacts", "companies", (279, 280)),
        _pair("contacts", "companies", (1, 2), "Primary", primary=True),
        _pair("contacts", "companies", (931, 930), "Billing contact"),
        _pair("deals", "companies", (341, 342)),
        _pair("deals", "companies", (5, 6), "Primary", primary=True),
        _pair("deals", "contacts", (3, 4)),
        _pair("deals", "line_items", (19, 20)),
        _pair("quotes", "line_items", (67, 68)),
        _pair("deals", "quotes", (63, 64)),
        (
            AssociationType(13, "companies", "companies", 14, "Child Company"),
            AssociationType(14, "companies", "companies", 13, "Parent Company"),
        ),
        (AssociationType(450, "companies", "companies", 450),),
        (AssociationType(451, "deals", "deals", 451),),
        (AssociationType(449, "contacts", "contacts", 449),),
    )
    for kind in pair
}

_PLAIN: dict[tuple[str, str], AssociationType] = {
    (kind.source, kind.target): kind for kind in TYPES.values() if kind.label is None
}
# A company side may hold many primaries; the record that HAS one primary company is the source here.
_PRIMARY = frozenset(kind.id for kind in TYPES.values() if kind.primary)
_ONE_PRIMARY = frozenset(kind.id for kind in TYPES.values() if kind.primary and kind.target == "companies")


def plain_type(source: str, target: str) -> AssociationType:
    """The unlabelled type between two object types; 400 when they cannot be associated."""
    found = _PLAIN.get((source, target))
    if found is None:
        raise invalid_input(f"No association type exists from {source} to {target}")
    return found


class Links:
    """All associations of the portal: (from type, to type) -> from id -> to id -> type ids."""

    def __init__(self, happenings: Happenings) -> None:
        self._happenings = happenings
        self._rows: dict[tuple[str, str], dict[int, dict[int, frozenset[int]]]] = {}
        self.types: dict[int, AssociationType] = dict(TYPES)
        self.most: dict[int, int] = {}  # type id -> how many records one record may have of it

    def defined(self, source: str, target: str, type_id: int) -> AssociationType:
        """A type by id, checked against its direction."""
        found = self.types.get(type_id)
        if found is None or (found.source, found.target) != (source, target):
            raise ApiError(
                400,
                f"Association type {type_id} is not valid from {source} to {target}",
                context={"type": [str(type_id)], "fromObjectType": [source], "toObjectType": [target]},
            )
        return found

    def between(self, source: str, target: str) -> list[AssociationType]:
        """Every type from one object type to another."""
        return [kind for kind in self.types.values() if (kind.source, kind.target) == (source, target)]

    def define(self, source: str, target: str, name: str, label: str, inverse: str) -> list[AssociationType]:
        """A label of the portal's own, with the one for the way back."""
        first = max([OWN_TYPES, *self.types]) + 1
        same = source == target and inverse == label
        back = first if same else first + 1
        there = AssociationType(first, source, target, back, label, category="USER_DEFINED", name=name)
        made = [there]
        if not same:
            made.append(replace(there, id=back, source=target, target=source, inverse=first, label=inverse))
        self.types |= {kind.id: kind for kind in made}
        return made

    def undefine(self, kind: AssociationType) -> None:
        """Forget a label of the portal's own and every use of it."""
        for one in (kind, self.types[kind.inverse]):
            for source_id, found in list(self._rows.get((one.source, one.target), {}).items()):
                for target_id, types in list(found.items()):
                    if one.id in types:
                        self._put(one.source, source_id, one.target, target_id, types - {one.id})
        for type_id in {kind.id, kind.inverse}:
            del self.types[type_id]

    def printed_name(self, kind: AssociationType, source: str, target: str) -> str:
        """The ``type`` word of a row: plain rows say so where a labelled one exists."""
        name = f"{source}_to_{target}"
        if kind.primary or len(self.between(kind.source, kind.target)) == 1:
            return name
        if kind.label is None:
            return f"{name}_unlabeled"
        return f"{name}_{kind.label.lower().replace(' ', '_')}"

    def of(self, source: str, source_id: int, target: str) -> dict[int, frozenset[int]]:
        """The associated records of one type: id -> type ids."""
        return self._rows.get((source, target), {}).get(source_id, {})

    def add(self, source: str, source_id: int, target: str, target_id: int, types: frozenset[int]) -> None:
        """Add types to a pair; the plain one comes with any label, a primary takes over from the former."""
        plain = _PLAIN.get((source, target))
        wanted = types | {plain.id} if plain else types
        for type_id in wanted:
            kind = self.types[type_id]
            if kind.id in _ONE_PRIMARY:
                self._demote(source, source_id, target, kind.id)
            elif kind.inverse in _ONE_PRIMARY:
                self._demote(target, target_id, source, kind.inverse)
        current = self.of(source, source_id, target).get(target_id, frozenset())
        self._put(source, source_id, target, target_id, current | wanted)

    def set(self, source: str, source_id: int, target: str, target_id: int, types: frozenset[int]) -> None:
        """Replace the labels of a pair."""
        if self.of(source, source_id, target).get(target_id) is not None:
            with self._happenings.quietly():  # told as the new labels only
                self._put(source, source_id, target, target_id, frozenset())
        self.add(source, source_id, target, target_id, types)

    def remove(
        self, source: str, source_id: int, target: str, target_id: int, types: frozenset[int] | None = None
    ) -> bool:
        """Take types off a pair; without types, or with the plain one, the pair is gone. True: it changed."""
        current = self.of(source, source_id, target).get(target_id)
        if current is None:
            return False
        plain = _PLAIN.get((source, target))
        whole = types is None or (plain is not None and plain.id in types)
        left = frozenset() if whole or types is None else current - types
        self._put(source, source_id, target, target_id, left)
        return left != current

    def drop(self, source: str, source_id: int) -> None:
        """Forget every association of a record."""
        for first, second in list(self._rows):
            if first == source:
                for target_id in list(self.of(source, source_id, second)):
                    self.remove(source, source_id, second, target_id)

    def primary_of(self, source: str, source_id: int) -> int | None:
        """The primary company of a contact or a deal."""
        for target_id, types in self.of(source, source_id, "companies").items():
            if types & _ONE_PRIMARY:
                return target_id
        return None

    def _demote(self, source: str, source_id: int, target: str, primary: int) -> None:
        for target_id, types in list(self.of(source, source_id, target).items()):
            if primary in types:
                self._put(source, source_id, target, target_id, types - {primary})

    def _put(self, source: str, source_id: int, target: str, target_id: int, types: frozenset[int]) -> None:
        before = self.of(source, source_id, target).get(target_id, frozenset())
        self._half(source, source_id, target, target_id, types)
        inverse = frozenset(self.types[type_id].inverse for type_id in types)
        self._half(target, target_id, source, source_id, inverse)
        self._happenings.linked(((source, source_id), (target, target_id)), before, types, _PRIMARY)

    def _half(self, source: str, source_id: int, target: str, target_id: int, types: frozenset[int]) -> None:
        rows = self._rows.setdefault((source, target), {})
        if types:
            rows.setdefault(source_id, {})[target_id] = types
            return
        found = rows.get(source_id)
        if found is not None:
            found.pop(target_id, None)
            if not found:
                del rows[source_id]
