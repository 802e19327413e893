"""What ``mapping validate`` finds: the report, and what it asks both systems for more than one file."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ml_connector.app.mappings import read_text
from ml_connector.errors import ConfigurationError, MissingScopeError
from ml_connector.mapping.catalog import CatalogField, FieldCatalog
from ml_connector.mapping.lookups import read_lookup
from ml_connector.mapping.model import Lookup
from ml_connector.systems.dynamics.fields import field_names, unknown_fields

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ml_connector.app.workplace import Workplace
    from ml_connector.mapping.documents import DimensionDocument, Document
    from ml_connector.mapping.lookups import LookupTable
    from ml_connector.systems.dynamics.client import DynamicsClient


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong: where it stands, a sentence, the valid value that was meant, and what mends it."""

    file: str
    line: int
    sentence: str
    nearest: str = ""
    fix: str = ""


@dataclass(slots=True)
class MappingReport:
    """What was looked at, what is wrong with it, and what could not be looked up."""

    flows: tuple[str, ...]
    files: list[str] = field(default_factory=list)
    problems: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, file: str, line: int, sentence: str, *, nearest: str = "", fix: str = "") -> None:
        """Something is wrong; said once."""
        found = Finding(file, line, sentence, nearest, fix)
        if found not in self.problems:
            self.problems.append(found)

    def refused(self, error: ConfigurationError, file: str) -> None:
        """A file that cannot be read as what it is; the loader's sentence begins with the place."""
        line = int(error.context.get("line", 0)) or 1
        self.add(file, line, error.message.partition(f"line {line}: ")[2] or error.message, fix=error.hint)

    def note(self, sentence: str) -> None:
        """Something could not be looked up; said once."""
        if sentence not in self.notes:
            self.notes.append(sentence)


async def entity_catalog(
    client: DynamicsClient,
    data_entity: str,
    names: Iterable[str],
    report: MappingReport,
    *,
    also: Iterable[str] = (),
) -> FieldCatalog:
    """The fields of a data entity, as far as a mapping names them; where one is wrong, all, so that it can be found.

    Args:
        client: Where.
        data_entity: Which.
        names: The fields a mapping names.
        report: Takes a note where the data entity cannot be read; every name then counts as there.
        also: What the connector works out itself.
    """
    wanted = set(names)
    try:
        unknown = set(await unknown_fields(client, data_entity, wanted)) if wanted else set()
        known = (wanted - unknown) | set(await field_names(client, data_entity) if unknown else ())
    except (ConfigurationError, MissingScopeError) as error:
        report.note(f"The fields of {data_entity} are not checked: {error.message}")
        known = wanted
    return FieldCatalog(data_entity, {name: CatalogField(name) for name in (*known, *also)})


def read_tables(
    place: Workplace, document: Document | DimensionDocument, file: str, report: MappingReport
) -> dict[str, LookupTable]:
    """The tables beside a mapping file; those that are missing or malformed are reported."""
    tables: dict[str, LookupTable] = {}
    for name, line in _tables_named(document).items():
        path = place.settings.mappings / f"{name}.csv"
        if not path.exists():
            report.add(
                file,
                line,
                f"The table {name}.csv is not there.",
                fix=f"Put {name}.csv beside the file, two columns with a title row.",
            )
            continue
        report.files.append(f"mappings/{name}.csv")
        try:
            tables[name] = read_lookup(read_text(path), name=name)
        except ConfigurationError as error:
            report.refused(error, f"mappings/{name}.csv")
    return tables


def _tables_named(document: Document | DimensionDocument) -> Mapping[str, int]:
    """The tables a document names, each with the line that names it first."""
    rows = getattr(document, "rows", ())
    rules = getattr(document, "every_rule", ())
    named = [(call.table, row.line) for row in rows for call in row.transform if isinstance(call, Lookup)]
    named += [(rule.table, rule.line) for rule in rules if rule.table is not None]
    return dict(reversed(named))
