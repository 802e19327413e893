"""Step dimensions: what F&O would default, overlaid with what the rules of ``dimensions.yaml`` say.

The string that F&O takes replaces the whole set, so it is built from what F&O defaults: the customer's values on the
header; on a line the header's, then the item's where the header has none. Only dimensions that a rule or a person
names are overlaid. Whether the values may stand together is for F&O's account structures, when it posts.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ml_connector.domain.text import did_you_mean
from ml_connector.errors import RecordError
from ml_connector.flows.orders.deal.facts import line_facts
from ml_connector.flows.orders.draft.resolved import Found

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date

    from ml_connector.flows.orders.draft.choices import Choices
    from ml_connector.flows.orders.draft.resolved import ResolvedCustomer, ResolvedLine
    from ml_connector.mapping.rules import DimensionRules, RuleBook
    from ml_connector.systems.dynamics.dimension_values import Judged
    from ml_connector.systems.dynamics.dimensions import DimensionFormat
    from ml_connector.systems.dynamics.offered_dimensions import OfferedDimensions

Segments = dict[str, Found]  # name of a dimension -> its value and the rule behind it
NOTHING_SENT = Found("", "Dynamics' own defaults")


@dataclass(frozen=True, slots=True)
class ResolvedDimensions:
    """The display strings of the header and, by line id, of lines; empty: F&O's defaults stand."""

    header: Found = NOTHING_SENT
    lines: Mapping[str, Found] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What the rules and a person say of one deal."""

    header: Segments
    lines: Mapping[str, Segments]  # by line id; only lines of which a rule says something
    mandatory: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DimensionStep:
    """The step for one deal."""

    offered: OfferedDimensions
    rules: DimensionRules
    subject: str
    legal_entity: str
    customer: ResolvedCustomer
    lines: Sequence[ResolvedLine]
    facts: Mapping[str, str]
    choices: Choices
    today: date

    async def resolve(self) -> ResolvedDimensions:
        """The dimensions of header and lines, every value checked where F&O lists it.

        Raises:
            RecordError: no format is active, a name or value is not F&O's, or a mandatory dimension is empty.
        """
        wanted = self._wanted()
        if not (wanted.header or wanted.lines or wanted.mandatory):
            return ResolvedDimensions()
        form = await self._format()
        wanted = self._by_names_of(form, wanted)
        header = await self._header(form, wanted)
        lines = await self._lines(form, wanted, header)
        notes = await self._checked((header, *lines.values()))
        self._require(wanted.mandatory, header, lines)
        sent = wanted.header or wanted.mandatory
        return ResolvedDimensions(
            await self._text(form, header) if sent else NOTHING_SENT,
            {line_id: await self._text(form, segments) for line_id, segments in lines.items()},
            notes,
        )

    def _wanted(self) -> _Wanted:
        """What rules and choices give; a person's choice goes before every rule, on lines too."""
        chosen = self.choices.named("dimension")
        header = _asked(self.rules.header, self.facts) | chosen
        taken = {name.casefold() for name in chosen}
        lines = {}
        for line in self.lines:
            asked = _asked(self.rules.line, line_facts(dict(self.facts), line.line))
            own = {name: found for name, found in asked.items() if name.casefold() not in taken}
            if own:
                lines[line.line.id] = own
        return _Wanted(header, lines, self.rules.mandatory.get(self.legal_entity, ()))

    async def _format(self) -> DimensionFormat:
        form = await self.offered.format()
        if form is not None and form.delimiter and form.names:
            return form
        what = (
            f"the delimiter of the dimension format {form.name} is not known to the connector"
            if form is not None
            else "Dynamics has no active default dimension format"
        )
        raise RecordError(
            f"{self.subject}: {what}, and dimensions.yaml sets dimensions. Set up a format of the type 'Default "
            "dimension format' for integrating applications and make it active.",
            code="order.dimension_format",
        )

    def _by_names_of(self, form: DimensionFormat, wanted: _Wanted) -> _Wanted:
        """The same by the format's own names; a name that it lacks could not be sent, so it parks."""

        def name_of(word: str, where: str) -> str:
            name = form.name_of(word)
            if name is None:
                raise RecordError(
                    f"{self.subject}: the active dimension format {form.name} ({', '.join(form.names)}) has no "
                    f"{word}, which {where} names.{did_you_mean(word, form.names)} Correct the name, or add the "
                    "dimension to the format.",
                    code="order.dimension_unknown",
                )
            return name

        def named(segments: Segments) -> Segments:
            return {name_of(word, found.rule): found for word, found in segments.items()}

        return _Wanted(
            named(wanted.header),
            {line_id: named(segments) for line_id, segments in wanted.lines.items()},
            tuple(
                name_of(word, f"the list of mandatory dimensions of {self.legal_entity}")
                for word in wanted.mandatory
            ),
        )

    async def _header(self, form: DimensionFormat, wanted: _Wanted) -> Segments:
        """What F&O defaults for this customer, overlaid."""
        customer = self.customer
        text = str(customer.row["DefaultDimensionDisplayValue"] or "")
        is_new = customer.form is not None  # its row has what its group will give it
        whose = "the new customer" if is_new else f"customer {customer.account.value}"
        return await self._defaults(form, text, whose) | wanted.header

    async def _lines(self, form: DimensionFormat, wanted: _Wanted, header: Segments) -> dict[str, Segments]:
        """The lines with a string of their own: by their rules, or because the header lacks what is mandatory."""
        lacking = any(not header[name].value for name in wanted.mandatory)
        own = [line for line in self.lines if lacking or line.line.id in wanted.lines]
        numbers = [line.item.number.value for line in own]
        texts = await self.offered.of_items(self.legal_entity, numbers) if own else {}
        lines = {}
        for line in own:
            number = line.item.number.value
            item = await self._defaults(form, texts[number], f"item {number}")
            base = {name: found if found.value else item[name] for name, found in header.items()}
            lines[line.line.id] = base | wanted.lines.get(line.line.id, {})
        return lines

    async def _defaults(self, form: DimensionFormat, text: str, whose: str) -> Segments:
        values = await self.offered.read(form, text)
        if values is None:
            raise RecordError(
                f"{self.subject}: the default dimensions '{text}' of {whose} cannot be read by the active format "
                f"{form.name} ({', '.join(form.names)}). Look whether the format was changed, or a value holds its "
                f"delimiter '{form.delimiter}'.",
                code="order.dimension_text",
            )
        return {
            name: Found(value, f"default of {whose}" if value else "empty")
            for name, value in zip(form.names, values, strict=True)
        }

    async def _checked(self, parts: Iterable[Segments]) -> tuple[str, ...]:
        """Notes about values that F&O does not list; those it does list must be usable today."""
        rules = {
            (name, found.value): found.rule for part in parts for name, found in part.items() if found.value
        }
        judged = await self.offered.values.judge(
            tuple(rules), legal_entity=self.legal_entity, today=self.today
        )
        wrong = [
            f"{name} '{value}' {verdict.problem}{_meant(verdict)} ({rules[name, value]})"
            for (name, value), verdict in judged.items()
            if verdict.problem
        ]
        if wrong:
            raise RecordError(
                f"{self.subject}: in {self.legal_entity} a dimension cannot be used: {'; '.join(wrong)}. Correct "
                "the rule, its table or the default, or choose another value for this deal.",
                code="order.dimension_value",
            )
        return tuple(
            f"{name} {value} is not checked: Dynamics does not list the values of {name}."
            for (name, value), verdict in judged.items()
            if not verdict.checked
        )

    def _require(self, mandatory: Sequence[str], header: Segments, lines: Mapping[str, Segments]) -> None:
        """Every mandatory dimension stands on the header or, failing that, on every line."""
        missing = [
            name
            for name in mandatory
            if not header[name].value and not (lines and all(part[name].value for part in lines.values()))
        ]
        if missing:
            raise RecordError(
                f"{self.subject}: {self.legal_entity} needs {' and '.join(missing)}, and neither a rule nor a "
                "default gives a value. Fill what the rule looks at, or choose a value for this deal.",
                code="order.dimension_missing",
                dimensions=missing,
            )

    async def _text(self, form: DimensionFormat, segments: Segments) -> Found:
        """The display string, with the rule behind every position."""
        text = await self.offered.written(form, [segments[name].value for name in form.names])
        if text is None:
            holding = [
                f"{name} '{found.value}'"
                for name, found in segments.items()
                if form.join([found.value]) is None
            ]
            raise RecordError(
                f"{self.subject}: {' and '.join(holding)} cannot be written between the delimiters "
                f"'{form.delimiter}' of the dimension format {form.name}, and Dynamics does not write it either. "
                "Choose a delimiter that no value holds.",
                code="order.dimension_text",
            )
        words = "; ".join(
            f"{name} {segments[name].value}: {segments[name].rule}"
            if segments[name].value
            else f"{name}: empty"
            for name in form.names
        )
        return Found(text, words)


def _asked(book: RuleBook, facts: Mapping[str, str]) -> Segments:
    """What the rules of each dimension say; those that say nothing are left out."""
    said = {name: book.ask(name, facts) for name in book.rules}
    return {name: Found(ruled.value, ruled.rule) for name, ruled in said.items() if ruled is not None}


def _meant(verdict: Judged) -> str:
    return f", did you mean '{verdict.nearest}'?" if verdict.nearest else ""
