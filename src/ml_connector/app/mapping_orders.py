"""``mapping validate`` for orders: rows, rules and tables of ``orders.yaml`` and ``dimensions.yaml``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ml_connector.app.flows import legal_entities_of, order_settings
from ml_connector.app.mapping_facts import CUSTOMERS, KnownFacts
from ml_connector.app.mapping_findings import entity_catalog, read_tables
from ml_connector.app.mapping_values import ValueCheck
from ml_connector.app.mappings import DIMENSIONS_FILE, dimensions_of, document_of, read_text
from ml_connector.errors import ConfigurationError
from ml_connector.flows.orders.customer.form import SOURCES
from ml_connector.flows.orders.draft.writing import row_sources
from ml_connector.mapping.catalog import CatalogField, FieldCatalog
from ml_connector.mapping.check import check
from ml_connector.mapping.documents import RULE_SOURCE, OrderMappingDocument
from ml_connector.mapping.rules import is_fact
from ml_connector.systems.dynamics.offered_dimensions import offered_dimensions

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ml_connector.app.mapping_findings import MappingReport
    from ml_connector.app.workplace import Workplace
    from ml_connector.flows.orders.settings import OrderSettings
    from ml_connector.mapping.documents import DimensionDocument
    from ml_connector.mapping.lookups import LookupTable
    from ml_connector.mapping.model import FieldRow
    from ml_connector.mapping.rules import Rule
    from ml_connector.systems.dynamics.client import DynamicsClient

ORDERS, DIMENSIONS = "mappings/orders.yaml", f"mappings/{DIMENSIONS_FILE}"
_OF_LINES = ("line.", "product.")


async def check_orders(place: Workplace, report: MappingReport) -> None:
    """Both files of the order flow."""
    portal = (await place.side("hubspot")).capabilities
    dynamics = await place.dynamics()
    entities = tuple(await legal_entities_of(place))
    facts = KnownFacts(
        await place.hubspot(),
        dynamics,
        entities,
        (portal["company_currency"], *portal["additional_currencies"]),
        report,
    )
    desk = _Desk(place, report, dynamics, facts, entities, order_settings(place))
    await desk.orders()
    await desk.dimensions()


@dataclass(frozen=True, slots=True)
class _Desk:
    """One look at the files of the order flow."""

    place: Workplace
    report: MappingReport
    dynamics: DynamicsClient
    facts: KnownFacts
    entities: Sequence[str]
    settings: OrderSettings

    async def orders(self) -> None:
        """``orders.yaml``: its rows against the sets they fill, its rules and the settings against both systems."""
        self.report.files.append(ORDERS)
        values = ValueCheck(self.report, self.dynamics, self.entities, ORDERS)
        await values.of_settings(self.settings)
        try:
            document = document_of("orders", read_text(self.place.settings.mappings / "orders.yaml"))
        except ConfigurationError as error:
            self.report.refused(error, ORDERS)
            return
        if not isinstance(document, OrderMappingDocument):
            return
        tables = read_tables(self.place, document, ORDERS, self.report)
        await self._rows(document)
        for rules in document.rules.values():
            await self._look(rules, ORDERS, tables)
        await values.of_rules(document, tables)
        await values.of_rows(document, tables)

    async def dimensions(self) -> None:
        """``dimensions.yaml``: its names against the active format, its values against the sets behind them."""
        path = self.place.settings.mappings / DIMENSIONS_FILE
        if not path.exists():
            return
        self.report.files.append(DIMENSIONS)
        try:
            text = read_text(path)
            document = dimensions_of(text)
        except ConfigurationError as error:
            self.report.refused(error, DIMENSIONS)
            return
        tables = read_tables(self.place, document, DIMENSIONS, self.report)
        for rules in (*document.header.values(), *document.line.values()):
            await self._look(rules, DIMENSIONS, tables)
        self._header_looks_at_the_deal(document)
        values = ValueCheck(self.report, self.dynamics, self.entities, DIMENSIONS)
        today = self.place.around.clock.now().date()
        await values.of_dimensions(document, tables, text, offered_dimensions(self.dynamics), today)

    async def _rows(self, document: OrderMappingDocument) -> None:
        """Every row fills a field that its set has, from something that a draft supplies."""
        header, line = row_sources()
        targets = {
            part: await entity_catalog(self.dynamics, data_entity, (row.target for row in rows), self.report)
            for part, data_entity, rows in (
                ("header", self.settings.header_entity, document.header),
                ("line", self.settings.line_entity, document.line),
                ("customer", CUSTOMERS, document.customer),
            )
        }
        found = check(
            document,
            await self._sources(document.header, header),
            targets["header"],
            line_target=targets["line"],
            line_source=await self._sources(document.line, line, of_lines=True),
            customer_target=targets["customer"],
            customer_source=await self._sources(document.customer, frozenset(SOURCES)),
        )
        for each in found:
            self.report.add(ORDERS, each.line, each.sentence, nearest=each.nearest, fix=each.fix)

    async def _sources(
        self, rows: Sequence[FieldRow], supplied: frozenset[str], *, of_lines: bool = False
    ) -> FieldCatalog:
        """What these rows may read: what the draft supplies, rules, and properties that the portal has."""
        known = set(supplied)
        for name in _named(rows) - supplied:
            if name.startswith(RULE_SOURCE):
                known.add(name)
            elif is_fact(name) and (of_lines or not name.startswith(_OF_LINES)):
                sentence, meant = await self.facts.problem(name)
                known.add(meant if sentence else name)
        return FieldCatalog("The order draft", {name: CatalogField(name) for name in known - {""}})

    async def _look(self, rules: Sequence[Rule], file: str, tables: Mapping[str, LookupTable]) -> None:
        """The facts of rules are there, and can be the words that conditions and tables name."""
        for rule in rules:
            table = tables.get(rule.table or "")
            for fact in dict.fromkeys(rule.facts):
                sentence, nearest = await self.facts.problem(fact)
                if sentence:
                    fix = "Correct the fact, or create the property in HubSpot."
                    self.report.add(file, rule.line, sentence, nearest=nearest, fix=fix)
                    continue
                await self._words(fact, dict.fromkeys(rule.when.get(fact, ()), rule.line), file)
                if table is not None and fact == rule.source:
                    await self._words(fact, table.lines, f"mappings/{table.file_name}")

    async def _words(self, fact: str, words: Mapping[str, int], file: str) -> None:
        """Words that a fact shall be, each with its line."""
        for word, line in words.items():
            sentence, nearest = await self.facts.foreign(fact, word)
            if sentence:
                self.report.add(file, line, sentence, nearest=nearest, fix="Correct the word, or remove it.")

    def _header_looks_at_the_deal(self, document: DimensionDocument) -> None:
        """What depends on a line has no place in the rules of the header."""
        for rules in document.header.values():
            for rule in rules:
                fact = next((fact for fact in rule.facts if fact.startswith(_OF_LINES)), "")
                if fact:
                    self.report.add(
                        DIMENSIONS,
                        rule.line,
                        f"A rule of the header looks at {fact}, which only lines have.",
                        fix="Move the rule under 'line'.",
                    )


def _named(rows: Sequence[FieldRow]) -> frozenset[str]:
    return frozenset(name for row in rows for name in row.all_sources)
