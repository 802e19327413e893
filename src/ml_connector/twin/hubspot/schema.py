"""Property definitions of one object type, and the checks compiled from them that every write runs."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from ml_connector.twin.hubspot.errors import Problem
from ml_connector.twin.hubspot.standard import GROUPS, OPTIONS, STANDARD
from ml_connector.twin.hubspot.values import (
    DATES,
    Invalid,
    as_text,
    check_for,
    milliseconds,
    nearest_date,
    plain_date,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

MOST_UNIQUE = 10  # https://developers.hubspot.com/docs/api-reference/latest/crm/properties/guide
MOST_CHARACTERS = 65_536  # the same page
NAME = re.compile(r"[a-z][a-z0-9_]{0,99}\Z")  # of a property or a group


@dataclass(frozen=True, slots=True)
class Option:
    """One choice of an enumeration."""

    value: str
    label: str
    display_order: int = -1
    hidden: bool = False
    description: str = ""

    def wire(self) -> dict[str, Any]:
        """As HubSpot prints it."""
        return {
            "label": self.label,
            "value": self.value,
            "displayOrder": self.display_order,
            "hidden": self.hidden,
            "description": self.description,
        }


@dataclass(frozen=True, slots=True)
class Property:
    """One property definition."""

    name: str
    label: str
    type: str
    field_type: str
    group: str
    description: str = ""
    options: tuple[Option, ...] = ()
    unique: bool = False
    hidden: bool = False
    form_field: bool = False
    display_order: int = -1
    read_only: bool = False
    calculated: bool = False
    hubspot_defined: bool = False
    external_options: bool = False
    created_at: str = ""
    updated_at: str = ""
    archived_at: str = ""
    extras: Mapping[str, Any] = field(default_factory=dict)  # display hints, kept as sent

    def wire(self) -> dict[str, Any]:
        """As HubSpot prints it."""
        body: dict[str, Any] = {
            "name": self.name,
            "label": self.label,
            "type": self.type,
            "fieldType": self.field_type,
            "description": self.description,
            "groupName": self.group,
            "options": [option.wire() for option in self.options],
            "displayOrder": self.display_order,
            "calculated": self.calculated,
            "externalOptions": self.external_options,
            "hasUniqueValue": self.unique,
            "hidden": self.hidden,
            "hubspotDefined": self.hubspot_defined,
            "formField": self.form_field,
            "dataSensitivity": "non_sensitive",
            "archived": bool(self.archived_at),
            "modificationMetadata": {
                "archivable": not self.hubspot_defined,
                "readOnlyDefinition": self.hubspot_defined,
                "readOnlyOptions": self.hubspot_defined and self.external_options,
                "readOnlyValue": self.read_only,
            },
            **self.extras,
        }
        if self.created_at:
            body |= {"createdAt": self.created_at, "updatedAt": self.updated_at}
        if self.archived_at:
            body["archivedAt"] = self.archived_at
        return body


@dataclass(frozen=True, slots=True)
class Group:
    """A property group."""

    name: str
    label: str
    display_order: int = -1

    def wire(self) -> dict[str, Any]:
        """As HubSpot prints it."""
        return {
            "name": self.name,
            "label": self.label,
            "displayOrder": self.display_order,
            "archived": False,
        }


@dataclass(frozen=True, slots=True)
class Note:
    """A value that was put right."""

    name: str
    raw: str
    normalized: str

    def wire(self) -> dict[str, Any]:
        """As HubSpot prints it."""
        return {
            "category": "PROPERTY_VALUE_NORMALIZED",
            "message": f"{self.name} was normalized",
            "context": {"propertyName": self.name, "rawValue": self.raw, "normalizedValue": self.normalized},
        }


def labelled(values: Iterable[tuple[str, str]]) -> tuple[Option, ...]:
    """Options from (value, label) pairs, in order."""
    return tuple(Option(value, label, order) for order, (value, label) in enumerate(values))


def standard_properties(kind: str, supplied: Mapping[str, tuple[Option, ...]]) -> dict[str, Property]:
    """HubSpot's own properties of one object type; ``supplied`` holds the portal's own option lists."""
    found = {}
    for line in filter(None, STANDARD[kind].splitlines()):
        name, type_, field_type, *rest = line.split()
        flags = {word for word in rest if word in {"ro", "calc", "unique"}}
        lists = [word[1:] for word in rest if word.startswith("#")]
        label = " ".join(word for word in rest if word not in flags and not word.startswith("#"))
        options: tuple[Option, ...] = ()
        if lists:
            own = lists[0].startswith("@")
            options = supplied[lists[0][1:]] if own else labelled((v, _title(v)) for v in OPTIONS[lists[0]])
        elif type_ == "bool":
            options = labelled((("true", "True"), ("false", "False")))
        found[name] = Property(
            name,
            label,
            type_,
            field_type,
            GROUPS[kind][0],
            options=options,
            unique="unique" in flags,
            read_only="ro" in flags,
            calculated="calc" in flags,
            hubspot_defined=True,
            external_options=bool(lists) and lists[0].startswith("@"),
        )
    return found


def _title(value: str) -> str:
    return value.replace("_", " ").capitalize()


class Schema:
    """The live and archived definitions of one object type; every change recompiles the write checks."""

    def __init__(self, kind: str, properties: dict[str, Property]) -> None:
        self.kind = kind
        self.properties = properties
        self.archived: dict[str, Property] = {}
        name, label = GROUPS[kind]
        self.groups: dict[str, Group] = {name: Group(name, label, 0)}
        self.revision = 0
        self._checks: dict[str, Callable[[str], str] | None] = {}
        self.unique: tuple[str, ...] = ()
        self._compile()

    def define(self, prop: Property) -> None:
        """Add or replace a definition; an archived one of that name is gone."""
        self.properties[prop.name] = prop
        self.archived.pop(prop.name, None)
        self._compile()

    def archive(self, name: str, at: str) -> None:
        """Move a definition to the archived ones; the values stay on the records."""
        self.archived[name] = replace(self.properties.pop(name), archived_at=at)
        self._compile()

    def custom_unique(self) -> list[str]:
        """The names of the portal's own unique properties."""
        return [p.name for p in self.properties.values() if p.unique and not p.hubspot_defined]

    def clean(
        self, given: Mapping[str, Any], problems: list[Problem], notes: list[Note] | None = None
    ) -> dict[str, str]:
        """Values as they will be stored ("" clears); what is wrong is added to ``problems``.

        With ``notes``, dates that are not quite right are put right and noted there.
        """
        checks = self._checks
        cleaned: dict[str, str] = {}
        for name, raw in given.items():
            if name not in checks:
                problems.append(self._refused(name, raw))
                continue
            check = checks[name]
            if check is None and type(raw) is str and len(raw) <= MOST_CHARACTERS:
                cleaned[name] = raw  # most values: any text will do
            else:
                problem: Problem | None = None
                try:
                    cleaned[name] = _checked(raw, check)
                except Invalid as wrong:
                    problem = Problem(name, wrong.code, wrong.message)
                if notes is not None and self.properties[name].type in DATES:
                    problem = self._put_right(name, raw, cleaned, notes, problem)
                if problem is not None:
                    problems.append(problem)
        return cleaned

    def _put_right(
        self, name: str, raw: Any, cleaned: dict[str, str], notes: list[Note], problem: Problem | None
    ) -> Problem | None:
        """Store the nearest date and note it; the problem stays when there is none."""
        type_, text = self.properties[name].type, as_text(raw)
        if not text or isinstance(raw, dict | list) or (problem is None and plain_date(type_, text)):
            return problem
        right = nearest_date(type_, text)
        if right is None:
            return problem
        cleaned[name] = right
        notes.append(Note(name, text, milliseconds(right)))
        return None

    def _refused(self, name: str, value: Any) -> Problem:
        if name in self.properties:
            message = f'"{as_text(value)}" cannot be set: "{name}" is a read only property'
            return Problem(name, "READ_ONLY_VALUE", message)
        return Problem(name, "PROPERTY_DOESNT_EXIST", f'Property "{name}" does not exist')

    def _compile(self) -> None:
        self.revision += 1
        self._checks = {
            prop.name: check_for(prop.type, prop.field_type, prop.name, [o.value for o in prop.options])
            for prop in self.properties.values()
            if not prop.read_only
        }
        self.unique = tuple(prop.name for prop in self.properties.values() if prop.unique)


def _checked(raw: Any, check: Callable[[str], str] | None) -> str:
    value = as_text(raw)
    if isinstance(raw, dict | list):
        raise Invalid("INVALID_VALUE", f"{value} is not text, a number or a boolean")
    if len(value) > MOST_CHARACTERS:
        raise Invalid("PROPERTY_VALUE_TOO_LONG", f"The value is longer than {MOST_CHARACTERS} characters")
    return check(value) if check is not None and value else value
