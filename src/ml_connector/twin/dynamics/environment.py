"""The state the rules work on: tables, views, switches, and the look-ups every rule needs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ml_connector.twin.dynamics.errors import InfologError, invalid_field
from ml_connector.twin.dynamics.tables import fold

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from ml_connector.twin.dynamics.entities import Schema
    from ml_connector.twin.dynamics.tables import Row, Store
    from ml_connector.twin.dynamics.views import View


DEFAULT_FORMAT = "DataEntityDefaultDimensionFormat"
DELIMITERS = {  # member of DimensionSegmentDelimiter -> what it puts between two segments
    "Hyphen": "-",
    "Period": ".",
    "Underscore": "_",
    "Bar": "|",
    "Tilde": "~",
    "DoubleHyphen": "--",
    "DoublePeriod": "..",
    "DoubleUnderscore": "__",
    "DoubleBar": "||",
    "DoubleTilde": "~~",
}


@dataclass(slots=True)
class Environment:
    """One F&O environment."""

    schema: Schema
    store: Store
    views: dict[str, View]
    switches: Mapping[str, str]
    default_company: str
    companies: dict[str, Mapping[str, str]] = field(default_factory=dict)  # dataAreaId -> currency, language

    @property
    def delimiter(self) -> str:
        """What stands between the segments of a display value."""
        row = self.store.tables["DimensionParameters"].rows[0]
        return DELIMITERS[row.values["DimensionSegmentDelimiter"]]

    @property
    def dimensions(self) -> tuple[str, ...]:
        """The names in the active default dimension format; none without one."""
        for row in self.store.tables["DimensionIntegrationFormats"].rows:
            own = row.values
            if own["DimensionFormatType"] == DEFAULT_FORMAT and own["IsActive"] == "Yes":
                text = str(own["FinancialDimensionFormat"])
                return tuple(text.split("," if "," in text else self.delimiter))
        return ()

    def is_on(self, switch: str, value: str) -> bool:
        """Whether a switch stands at a value."""
        return self.switches[switch] == value

    def find(self, view_name: str, *key: Any) -> Row | None:
        """The record of a set with that full key."""
        view = self.views[view_name]
        return self.store.tables[view.table].find(view.set.keys, key)


@dataclass(frozen=True, slots=True)
class Change:
    """One write on its way: the set it came through, the company, the fields sent, the moment."""

    view: View
    company: str
    fields: dict[str, Any]
    now: datetime

    def field_name(self, name: str) -> str:
        """A property as the Infolog names it."""
        return f"{self.view.data_entity}.{name}"


@dataclass(frozen=True, slots=True)
class Reference:
    """A property that must name an existing record; labels as the Infolog shows them."""

    property: str
    label: str
    table_label: str
    view: str
    per_company: bool = True


def check_references(
    environment: Environment, change: Change, references: tuple[Reference, ...], values: Mapping[str, Any]
) -> None:
    """Refuse the first non-empty value that names nothing.

    Raises:
        InfologError: the value is not in the related table.
    """
    for reference in references:
        value = values.get(reference.property, "")
        key = (change.company, value) if reference.per_company else (value,)
        if value and environment.find(reference.view, *key) is None:
            raise unknown_reference(change, reference, value)


def unknown_reference(change: Change, reference: Reference, value: str) -> InfologError:
    """The sentence for a value that is not in the related table."""
    text = (
        f"The value '{value}' in field '{reference.label}' is not found in the related table "
        f"'{reference.table_label}'."
    )
    return invalid_field(text, change.field_name(reference.property))


# Lengths are not in $metadata; these two are the ones integrations run into.
LENGTHS = {"CustomersOrderReference": 60, "CustomerRequisitionNumber": 20}


def check_lengths(environment: Environment, change: Change) -> None:
    """Refuse over-long text.

    Raises:
        InfologError: longer than the field.
    """
    if environment.is_on("field_lengths", "unchecked"):
        return
    for name, limit in LENGTHS.items():
        if len(change.fields.get(name, "")) > limit:
            raise invalid_field(
                f"The value in field '{name}' is longer than {limit} characters.", change.field_name(name)
            )


def as_language(text: str) -> str:
    """A language id as F&O keeps it: ``en-us`` comes back as ``en-US``."""
    language, mark, region = text.partition("-")
    return f"{language.lower()}{mark}{region.upper()}"


def same(left: Any, right: Any) -> bool:
    """Whether two texts are equal to the database."""
    return fold(left) == fold(right)
