"""The values of financial dimensions: whether one may be used in a legal entity on a day, and which there are.

A value stands in the set behind its dimension: FinancialDimensionValues for a list of its own, a set of the
organisation for departments, business units and cost centres. Where neither lists the dimension (customers, projects,
or an environment that does not offer the sets) a value is not checked here: F&O checks it when the order is written.

Source: https://learn.microsoft.com/dynamics365/fin-ops-core/dev-itpro/financial/dimensions
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ml_connector.domain.kept import Kept
from ml_connector.domain.text import nearest
from ml_connector.errors import ConfigurationError, MissingScopeError
from ml_connector.systems.dynamics.odata import any_of, equals

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import date

    from ml_connector.systems.dynamics.client import DynamicsClient

    Row = dict[str, Any]
    Pair = tuple[str, str]  # name of a dimension, and a value

VALUES, OVERRIDES, ATTRIBUTES = (
    "FinancialDimensionValues",
    "FinancialDimensionValueLegalEntityOverridesV2",
    "DimensionAttributes",
)
BACKED = {  # what DimensionAttributes.UseValuesFrom, or the dimension's own name, says -> the set of its values
    "department": "DimAttributeOMDepartments",
    "businessunit": "DimAttributeOMBusinessUnits",
    "costcent": "DimAttributeOMCostCenters",
}
_LIMITS = ("IsSuspended", "ActiveFrom", "ActiveTo")
_VALUE_FIELDS = ("FinancialDimension", "DimensionValue", "LegalEntityId", "IsBlockedForManualEntry", *_LIMITS)
_OVERRIDE_FIELDS = ("FinancialDimension", "DimensionValue", "LegalEntityId", *_LIMITS)
_NO_DATE = "1900-01-01"
_ABSENT = ("dynamics.unknown_entity", "dynamics.unknown_field")
_LISTED = 5_000  # values looked through for the one that was meant


@dataclass(frozen=True, slots=True)
class Judged:
    """What is known of a value: why it cannot be used (empty: it can), the nearest other, whether it was looked up."""

    problem: str = ""
    nearest: str = ""
    checked: bool = True


@dataclass(slots=True)
class DimensionValues:
    """The values of one environment, each asked for once."""

    client: DynamicsClient
    _known: Kept[Pair, tuple[list[Row], list[Row]]] = field(default_factory=Kept)  # rows and overrides
    _missing: set[str] = field(default_factory=set)  # data entities that the environment does not offer
    _backed: Kept[Pair, bool] = field(default_factory=Kept)
    _used: Kept[None, dict[str, str]] = field(default_factory=Kept)
    _lists: Kept[str, tuple[str, ...]] = field(default_factory=Kept)

    async def judge(self, pairs: Collection[Pair], *, legal_entity: str, today: date) -> dict[Pair, Judged]:
        """Whether each value may be used in a legal entity on that day; two calls at most for what is new."""
        known = await self._known.get_all(pairs, self._learn)
        return {pair: await self._judged(pair, known[pair], legal_entity.casefold(), today) for pair in pairs}

    async def listed(self, name: str) -> tuple[str, ...]:
        """The values of a dimension as far as they can be listed, at most 5,000."""
        return await self._lists.get(name, lambda: self._list(name))

    async def _list(self, name: str) -> tuple[str, ...]:
        condition = equals("FinancialDimension", name)
        own = await self._read(VALUES, ("FinancialDimension", "DimensionValue"), condition)
        found = [str(row["DimensionValue"]) for row in own if _same(row["FinancialDimension"], name)]
        behind = await self._set_behind(name)
        if behind:
            found += [str(row["Value"]) for row in await self._read(behind, ("Value",))]
        return tuple(dict.fromkeys(found))

    async def _learn(self, pairs: Sequence[Pair]) -> dict[Pair, tuple[list[Row], list[Row]]]:
        """The rows of these values and their overrides, all dimensions at once."""
        rows = await self._rows_of(VALUES, _VALUE_FIELDS, pairs)
        overrides = await self._rows_of(OVERRIDES, _OVERRIDE_FIELDS, pairs)
        return {
            pair: (
                [row for row in rows if _pair_of(row) == _folded(pair)],
                [row for row in overrides if _pair_of(row) == _folded(pair)],
            )
            for pair in pairs
        }

    async def _rows_of(self, data_entity: str, fields: Sequence[str], pairs: Sequence[Pair]) -> list[Row]:
        if data_entity in self._missing:
            return []
        names = dict.fromkeys(name for name, _ in pairs)
        values = list(dict.fromkeys(value for _, value in pairs))
        condition = any_of(equals("FinancialDimension", name) for name in names)
        try:
            return await self.client.rows_by(
                data_entity, "DimensionValue", values, select=fields, extra_filter=condition
            )
        except (ConfigurationError, MissingScopeError) as exc:
            self._not_offered(data_entity, exc)
            return []

    async def _judged(
        self, pair: Pair, kept: tuple[Sequence[Row], Sequence[Row]], legal_entity: str, today: date
    ) -> Judged:
        name, value = pair
        known, overriding = kept
        here = [row for row in known if _of(row) in ("", legal_entity)]
        if not here and not await self._is_backed(pair):
            return await self._not_found(pair, [_of(row) for row in known])
        overrides = [row for row in overriding if _of(row) == legal_entity]
        problem = next(filter(None, (_unusable(row, today) for row in (*here, *overrides))), "")
        if problem:
            others = [other for other in await self.listed(name) if not _same(other, value)]
            return Judged(problem, nearest(value, others))
        return Judged(checked=OVERRIDES not in self._missing)

    async def _not_found(self, pair: Pair, elsewhere: Sequence[str]) -> Judged:
        """A value that the sets do not hold: wrong where they list the dimension, else unknown to us."""
        name, value = pair
        if elsewhere:
            return Judged(f"is a value of {', '.join(sorted(set(elsewhere)))} only")
        values = await self.listed(name)
        if not values or not await self._lists_all(name):
            return Judged(checked=False)
        return Judged("is not one of its values", nearest(value, values))

    async def _is_backed(self, pair: Pair) -> bool:
        """Whether the set of the organisation behind the dimension holds the value."""

        async def look() -> bool:
            behind = await self._set_behind(pair[0])
            condition = equals("Value", pair[1])
            rows = await self._read(behind, ("Value",), condition) if behind else []
            return any(_same(row["Value"], pair[1]) for row in rows)

        return await self._backed.get(_folded(pair), look)

    async def _lists_all(self, name: str) -> bool:
        """Whether every value of the dimension stands in a set we know."""
        uses = _letters(await self._uses(name))
        return not uses or "custom" in uses or bool(await self._set_behind(name))

    async def _set_behind(self, name: str) -> str:
        """The set of the organisation that a dimension takes its values from; empty: none that we know."""
        uses = _letters(await self._uses(name)) or _letters(name)
        return next((data_entity for word, data_entity in BACKED.items() if word in uses), "")

    async def _uses(self, name: str) -> str:
        """Where F&O says the values of a dimension come from; empty where it does not say."""

        async def look() -> dict[str, str]:
            rows = await self._read(ATTRIBUTES, ("DimensionName", "UseValuesFrom"))
            return {str(row["DimensionName"]).casefold(): str(row["UseValuesFrom"] or "") for row in rows}

        return (await self._used.get(None, look)).get(name.casefold(), "")

    async def _read(self, data_entity: str, fields: Sequence[str], condition: str = "") -> list[Row]:
        """Rows of a set, at most 5,000; none where the environment does not offer it."""
        rows: list[Row] = []
        if data_entity in self._missing:
            return rows
        try:
            async for page in self.client.pages(data_entity, select=fields, filter=condition, top=_LISTED):
                rows += page.rows
        except (ConfigurationError, MissingScopeError) as exc:
            self._not_offered(data_entity, exc)
        return rows

    def _not_offered(self, data_entity: str, exc: ConfigurationError | MissingScopeError) -> None:
        """Remember that a set is not there, or not for us; anything else is a fault."""
        if isinstance(exc, ConfigurationError) and exc.code not in _ABSENT:
            raise exc
        self._missing.add(data_entity)


def _unusable(row: Row, today: date) -> str:
    """Why a value cannot be used on that day; empty when it can. 1900-01-01 is no limit."""
    if row["IsSuspended"] == "Yes":
        return "is suspended"
    if row.get("IsBlockedForManualEntry") == "Yes":
        return "is blocked for manual entry"
    first, last = (str(row[name] or _NO_DATE)[:10] for name in ("ActiveFrom", "ActiveTo"))
    if first > today.isoformat():
        return f"is active from {first} only"
    if last != _NO_DATE and last < today.isoformat():
        return f"was active until {last}"
    return ""


def _of(row: Row) -> str:
    """The legal entity of a row, empty: of all."""
    return str(row["LegalEntityId"] or "").casefold()


def _pair_of(row: Row) -> Pair:
    return _folded((str(row["FinancialDimension"]), str(row["DimensionValue"])))


def _folded(pair: Pair) -> Pair:
    return pair[0].casefold(), pair[1].casefold()


def _same(found: Any, wanted: str) -> bool:
    return str(found).casefold() == wanted.casefold()


def _letters(text: str) -> str:
    """Only the letters: ``Business units`` and ``BusinessUnit`` begin alike."""
    return "".join(character for character in text.casefold() if character.isalpha())
