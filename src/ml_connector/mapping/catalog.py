"""What one side offers: its fields, their kinds and limits, as read from the live system."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from ml_connector.domain.text import nearest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Kind = Literal["text", "number", "decimal", "date", "datetime", "enum", "bool"]


@dataclass(frozen=True, slots=True)
class CatalogField:
    """One field; ``options`` are the members of an enumeration as the wire spells them, if known."""

    name: str
    kind: Kind = "text"
    writable: bool = True
    max_length: int | None = None
    options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FieldCatalog:
    """The fields of one data entity or object type."""

    name: str  # as people know it: "CustomersV3", "companies"
    fields: Mapping[str, CatalogField] = field(default_factory=dict)

    def get(self, name: str) -> CatalogField | None:
        """The field of this exact name."""
        return self.fields.get(name)

    def nearest(self, name: str) -> str:
        """The name most like a mistyped one, or ``""``."""
        return nearest(name, self.fields)

    def with_fields(self, extra: Iterable[CatalogField]) -> FieldCatalog:
        """The same catalog and some fields more, for example those a flow derives itself."""
        return FieldCatalog(self.name, {**self.fields, **{one.name: one for one in extra}})
