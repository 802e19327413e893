"""The object types of the portal: their names, ids and what a listing returns unasked.

Facts: https://developers.hubspot.com/docs/guides/crm/using-object-apis
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ObjectType:
    """One CRM object type; ``name`` is the plural used everywhere inside the twin."""

    name: str
    singular: str
    type_id: str
    modified: str  # the property that holds the time of the last change
    defaults: tuple[str, ...]  # returned when a reader names no properties
    searched: tuple[str, ...]  # what a free-text ``query`` looks at
    plain_key: str = ""  # its key inside a record's ``associations``, when not the plural name
    scopes: tuple[str, ...] = ()  # broader scopes that also open it

    @property
    def association_key(self) -> str:
        """The key HubSpot uses for this type inside a record's ``associations``."""
        return self.plain_key or self.name

    def read_scopes(self) -> tuple[str, ...]:
        """Any of these lets a token read records."""
        return (f"crm.objects.{self.name}.read", *self.scopes)

    def write_scopes(self) -> tuple[str, ...]:
        """Any of these lets a token write records."""
        return (f"crm.objects.{self.name}.write", *self.scopes)

    def schema_write_scopes(self) -> tuple[str, ...]:
        """Any of these lets a token change property definitions."""
        return self.scopes or (f"crm.schemas.{self.name}.write",)


_SYSTEM = ("createdate", "hs_lastmodifieddate", "hs_object_id")

TYPES: tuple[ObjectType, ...] = (
    ObjectType(
        "companies",
        "company",
        "0-2",
        "hs_lastmodifieddate",
        ("name", "domain", *_SYSTEM),
        ("name", "domain", "phone", "website"),
    ),
    ObjectType(
        "contacts",
        "contact",
        "0-1",
        "lastmodifieddate",
        ("firstname", "lastname", "email", "createdate", "lastmodifieddate", "hs_object_id"),
        ("firstname", "lastname", "email", "phone", "company"),
    ),
    ObjectType(
        "deals",
        "deal",
        "0-3",
        "hs_lastmodifieddate",
        ("dealname", "amount", "closedate", "pipeline", "dealstage", *_SYSTEM),
        ("dealname", "description", "dealtype"),
    ),
    ObjectType(
        "products",
        "product",
        "0-7",
        "hs_lastmodifieddate",
        ("name", "description", "price", *_SYSTEM),
        ("name", "description", "price", "hs_sku"),
        scopes=("e-commerce",),
    ),
    ObjectType(
        "line_items",
        "line_item",
        "0-8",
        "hs_lastmodifieddate",
        ("quantity", "amount", "price", *_SYSTEM),
        ("name", "description", "hs_sku"),
        plain_key="line items",
        scopes=("e-commerce",),
    ),
    ObjectType(
        "quotes",
        "quote",
        "0-14",
        "hs_lastmodifieddate",
        ("hs_title", "hs_expiration_date", "hs_status", *_SYSTEM),
        ("hs_title", "hs_quote_number"),
    ),
)

BY_NAME: dict[str, ObjectType] = {kind.name: kind for kind in TYPES}

_ALIASES: dict[str, ObjectType] = {
    alias: kind for kind in TYPES for alias in (kind.name, kind.singular, kind.type_id)
}


def object_type(word: str) -> ObjectType | None:
    """The type a path names: plural, singular or type id; None when there is no such type."""
    return _ALIASES.get(word) or _ALIASES.get(word.lower())
