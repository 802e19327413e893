"""What rules may look at in the portal: which facts there are, and which words each can be."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ml_connector.app.mapping_findings import entity_catalog
from ml_connector.app.mappings import property_catalog
from ml_connector.domain.text import nearest
from ml_connector.errors import MissingScopeError
from ml_connector.mapping.rules import is_word

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ml_connector.app.mapping_findings import MappingReport
    from ml_connector.mapping.catalog import FieldCatalog
    from ml_connector.systems.dynamics.client import DynamicsClient
    from ml_connector.systems.hubspot.client import HubSpotClient
    from ml_connector.systems.hubspot.models import Owner

OBJECTS = {"deal": "deals", "company": "companies", "line": "line_items", "product": "products"}
CUSTOMERS = "CustomersV3"
_OF_OWNER = {"email": "e-mail address", "name": "name", "team": "team"}
_JOKERS = frozenset("*?[")


@dataclass(slots=True)
class KnownFacts:
    """The facts of one connection, each asked for once."""

    hubspot: HubSpotClient
    dynamics: DynamicsClient
    legal_entities: Sequence[str]
    currencies: Sequence[str]
    report: MappingReport
    _properties: dict[str, FieldCatalog | None] = field(default_factory=dict)
    _words: dict[str, tuple[str, ...] | None] = field(default_factory=dict)
    _owners: list[Owner] | None = None

    async def problem(self, fact: str) -> tuple[str, str]:
        """Why there is no such fact, and the one that was meant; both empty where there is."""
        head, _, name = fact.partition(".")
        if head == "owner":
            if name in _OF_OWNER:
                return "", ""
            return f"Of an owner rules know {', '.join(_OF_OWNER)}, not {name}.", nearest(name, _OF_OWNER)
        fields: FieldCatalog | None
        if head == "customer":
            fields = await entity_catalog(self.dynamics, CUSTOMERS, [name], self.report)
            missing = f"{CUSTOMERS} has no field {name}."
        elif head in OBJECTS:
            fields = await self.properties(OBJECTS[head])
            missing = f"HubSpot's {OBJECTS[head]} have no property {name}."
        else:
            return "", ""
        if fields is None or fields.get(name) is not None:
            return "", ""
        found = fields.nearest(name)
        return missing, f"{head}.{found}" if found else ""

    async def foreign(self, fact: str, word: str) -> tuple[str, str]:
        """Why a fact can never be this word, and the word that was meant; both empty where it can, or may."""
        words = await self.words(fact)
        if words is None or any(is_word(known, word) for known in words):
            return "", ""
        meant = "" if _JOKERS & set(word) else nearest(word, words)
        return f"{_lacks(fact)} '{word}'.", meant

    async def words(self, fact: str) -> tuple[str, ...] | None:
        """Every word a fact can be; None where it can be any text."""
        if fact not in self._words:
            self._words[fact] = await self._read_words(fact)
        return self._words[fact]

    async def properties(self, object_type: str) -> FieldCatalog | None:
        """What the portal has of one object type; None, and a note, where the token may not look."""
        if object_type not in self._properties:
            try:
                self._properties[object_type] = await property_catalog(self.hubspot, object_type)
            except MissingScopeError as error:
                self.report.note(f"The properties of {object_type} are not checked: {error.message}")
                self._properties[object_type] = None
        return self._properties[object_type]

    async def _read_words(self, fact: str) -> tuple[str, ...] | None:
        head, _, name = fact.partition(".")
        if fact == "pipeline":
            return tuple(one.label for one in await self.hubspot.pipelines("deals"))
        if fact == "legal_entity":
            return tuple(self.legal_entities)
        if fact == "currency":
            return tuple(self.currencies)
        if head == "owner":
            return await self._of_owners(name)
        properties = await self.properties(OBJECTS[head]) if head in OBJECTS else None
        known = properties.get(name) if properties is not None else None
        return known.options if known is not None and known.kind == "enum" and known.options else None

    async def _of_owners(self, name: str) -> tuple[str, ...] | None:
        if self._owners is None:
            self._owners = await self.hubspot.owners()
        if name == "email":
            return tuple(owner.email for owner in self._owners)
        if name == "team":
            return tuple(dict.fromkeys(team for owner in self._owners for team in owner.team_names))
        return tuple(f"{owner.first_name} {owner.last_name}".strip() for owner in self._owners)


def _lacks(fact: str) -> str:
    """Who does not know a word, to be followed by it."""
    head, _, name = fact.partition(".")
    if head == "owner":
        return f"No owner in HubSpot has the {_OF_OWNER.get(name, name)}"
    if head in OBJECTS:
        return f"HubSpot's property {name} of {OBJECTS[head]} has no option"
    return {
        "pipeline": "HubSpot has no deal pipeline",
        "legal_entity": "There is no connected legal entity",
        "currency": "The portal has no currency",
    }[fact]
