"""``mapping validate``: what rules, rows and tables of orders give are values that F&O knows where they may fall."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ml_connector.domain.text import nearest
from ml_connector.errors import ConfigurationError, MissingScopeError
from ml_connector.flows.orders.terms.known_values import (
    KNOWN,
    KnownSet,
    KnownValues,
    set_of_row,
    set_of_rule,
)
from ml_connector.mapping.model import Constant, Lookup, ValueMap
from ml_connector.mapping.rules import is_word
from ml_connector.settings import where_set

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date

    from ml_connector.app.mapping_findings import MappingReport
    from ml_connector.flows.orders.settings import OrderSettings
    from ml_connector.mapping.documents import DimensionDocument, OrderMappingDocument
    from ml_connector.mapping.lookups import LookupTable
    from ml_connector.mapping.model import FieldRow
    from ml_connector.mapping.rules import Rule
    from ml_connector.systems.dynamics.client import DynamicsClient
    from ml_connector.systems.dynamics.dimensions import DimensionFormat
    from ml_connector.systems.dynamics.offered_dimensions import OfferedDimensions

    Tables = Mapping[str, LookupTable]

_LEGAL_ENTITY = "legal_entity"
_FIX = "Correct the value, create it in Dynamics, or limit the rule with 'when: {legal_entity: ...}'."
_FIX_SETTING = (
    "Correct the setting, or create the value in Dynamics; where legal entities differ, use a rule instead."
)
_FEW = 12  # values worth listing


@dataclass(frozen=True, slots=True)
class Said:
    """A value that a rule or row can give: where it stands, and in which legal entities it may fall."""

    value: str
    file: str
    line: int
    legal_entities: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ValueCheck:
    """The values of one file, against F&O."""

    report: MappingReport
    dynamics: DynamicsClient
    entities: Sequence[str]
    file: str

    async def of_rules(self, document: OrderMappingDocument, tables: Tables) -> None:
        """The values of rules of ``orders.yaml`` whose set is known, by their name or by what they fill."""
        values = KnownValues(self.dynamics)
        for name, rules in document.rules.items():
            given = list(self._said(rules, tables))
            if name == _LEGAL_ENTITY:
                self._connected(given)
            known = set_of_rule(name, document)
            if known is not None:
                await self._known(values, known, given, f"{name} gives")

    async def of_rows(self, document: OrderMappingDocument, tables: Tables) -> None:
        """The constants, maps and tables of rows that fill a field with a known set."""
        values = KnownValues(self.dynamics)
        for row in document.rows:
            known = set_of_row(row)
            if known is not None:
                given = list(self._of_row(row, tables))
                await self._known(values, known, given, f"the row for {row.target} gives")

    async def of_settings(self, settings: OrderSettings) -> None:
        """Pool and origin stand in every legal entity, for every order gets them; the default one is connected."""
        values = KnownValues(self.dynamics)
        everywhere = tuple(self.entities)
        for name, value in (("pool", settings.pool), ("origin", settings.origin)):
            given = [Said(value, *where_set("orders", name), everywhere)]
            await self._known(values, KNOWN[name], given, f"the setting orders.{name} gives", _FIX_SETTING)
        name = "default_legal_entity"
        self._connected([Said(getattr(settings, name), *where_set("orders", name), everywhere)])

    async def of_dimensions(
        self,
        document: DimensionDocument,
        tables: Tables,
        text: str,
        offered: OfferedDimensions,
        today: date,
    ) -> None:
        """Names of dimensions against the active format, their values against the sets behind them."""
        for legal_entity in document.mandatory:
            if not any(is_word(known, legal_entity) for known in self.entities):
                sentence = f"The legal entity {legal_entity} is not connected."
                line = _line_of(text, legal_entity)
                self.report.add(self.file, line, sentence, nearest=nearest(legal_entity, self.entities))
        form = await offered.format()
        if form is None or not form.delimiter:
            if document.every_rule or document.mandatory:
                self._no_format(document, text)
            return
        for names in document.mandatory.values():
            for name in names:
                self._in_format(form, name, _line_of(text, name))
        for part in (document.header, document.line):
            for name, rules in part.items():
                line = next((rule.line for rule in rules), 1)
                if self._in_format(form, name, line):
                    given = list(self._said(rules, tables))
                    await self._of_dimension(form, form.name_of(name) or name, given, offered, today)

    def _said(self, rules: Sequence[Rule], tables: Tables) -> Iterator[Said]:
        """Every constant and table result of ordered rules; one behind a rule that always fits falls nowhere."""
        left = tuple(self.entities)
        for rule in rules:
            words = rule.when.get(_LEGAL_ENTITY, ("*",))
            here = tuple(entity for entity in left if any(is_word(entity, word) for word in words))
            if rule.value:
                yield Said(rule.value, self.file, rule.line, here)
                if not set(rule.when) - {_LEGAL_ENTITY}:
                    left = tuple(entity for entity in left if entity not in here)
            elif (table := tables.get(rule.table or "")) is not None:
                for word, value in table.items():
                    own = here
                    if rule.source == _LEGAL_ENTITY:
                        own = tuple(entity for entity in here if is_word(entity, word))
                    yield Said(value, f"mappings/{table.file_name}", table.lines[word], own)

    def _of_row(self, row: FieldRow, tables: Tables) -> Iterator[Said]:
        everywhere = tuple(self.entities)
        for call in row.transform:
            if isinstance(call, Constant):
                yield Said(call.value, self.file, row.line, everywhere)
            elif isinstance(call, ValueMap):
                yield from (Said(value, self.file, row.line, everywhere) for value in call.values.values())
            elif isinstance(call, Lookup) and call.table in tables:
                table = tables[call.table]
                for word, value in table.items():
                    yield Said(value, f"mappings/{table.file_name}", table.lines[word], everywhere)

    async def _known(
        self, values: KnownValues, known: KnownSet, given: Sequence[Said], who: str, mended_by: str = _FIX
    ) -> None:
        """Each value stands in its set, in every legal entity it may fall in."""
        given = [one for one in given if one.value and one.legal_entities]
        if not given:
            return
        try:
            await values.learn(known, [one.value for one in given])
        except (ConfigurationError, MissingScopeError) as error:
            self.report.note(f"What {who} is not checked: {error.message}")
            return
        for one in given:
            lacking = [entity for entity in one.legal_entities if not values.has(known, one.value, entity)]
            if lacking:
                where = "" if known.shared else f" in {', '.join(lacking)}"
                meant = await values.nearest(known, one.value, lacking[0])
                sentence = f"There is no {known.noun} '{one.value}'{where}, which {who}."
                fix = f"{_choose(values.held(known, lacking[0]))}{mended_by}"
                self.report.add(one.file, one.line, sentence, nearest=meant, fix=fix)

    def _connected(self, given: Sequence[Said]) -> None:
        for one in given:
            if one.value and not any(is_word(known, one.value) for known in self.entities):
                sentence = f"The legal entity {one.value} is not connected."
                meant = nearest(one.value, self.entities)
                self.report.add(one.file, one.line, sentence, nearest=meant, fix="Correct the value.")

    def _no_format(self, document: DimensionDocument, text: str) -> None:
        first = min((rule.line for rule in document.every_rule), default=_line_of(text, "mandatory"))
        self.report.add(
            self.file,
            first,
            "Dynamics has no active default dimension format with a delimiter we know, so no dimension can be sent.",
            fix="Make a format of the type 'Default dimension format' active in Dynamics.",
        )

    def _in_format(self, form: DimensionFormat, name: str, line: int) -> bool:
        if form.name_of(name) is not None:
            return True
        sentence = f"The active dimension format {form.name} ({', '.join(form.names)}) has no {name}."
        fix = "Correct the name, or add the dimension to the format in Dynamics."
        self.report.add(self.file, line, sentence, nearest=nearest(name, form.names), fix=fix)
        return False

    async def _of_dimension(
        self,
        form: DimensionFormat,
        name: str,
        given: Sequence[Said],
        offered: OfferedDimensions,
        today: date,
    ) -> None:
        """Each value may be used today in every legal entity it may fall in, and can be written in the format."""
        given = [one for one in given if one.value]
        wrong: dict[Said, tuple[list[str], str, str]] = {}
        for entity in self.entities:
            here = [one for one in given if entity in one.legal_entities]
            judged = await offered.values.judge(
                [(name, one.value) for one in here], legal_entity=entity, today=today
            )
            for one in here:
                verdict = judged[name, one.value]
                if verdict.problem:
                    wrong.setdefault(one, ([], verdict.problem, verdict.nearest))[0].append(entity)
                elif not verdict.checked:
                    self.report.note(f"The values of {name} are not checked: Dynamics does not list them.")
        for one, (entities, problem, meant) in wrong.items():
            sentence = f"{name} '{one.value}' {problem} in {', '.join(entities)}."
            self.report.add(one.file, one.line, sentence, nearest=meant, fix=_FIX)
        for one in given:
            values = [one.value if each == name else "" for each in form.names]
            if one not in wrong and await offered.written(form, values) is None:
                sentence = (
                    f"{name} '{one.value}' cannot be written between the delimiters '{form.delimiter}'."
                )
                fix = "Choose in Dynamics a delimiter that no value holds."
                self.report.add(one.file, one.line, sentence, fix=fix)


def _choose(values: Sequence[str]) -> str:
    """The valid values, where they are few."""
    return f"Valid are {', '.join(sorted(values))}. " if 0 < len(values) <= _FEW else ""


def _line_of(text: str, word: str) -> int:
    """The first line from ``mandatory`` on that holds a word."""
    lines = text.splitlines()
    start = next((place for place, line in enumerate(lines) if line.startswith("mandatory")), 0)
    return next((place for place in range(start, len(lines)) if word in lines[place]), start) + 1
