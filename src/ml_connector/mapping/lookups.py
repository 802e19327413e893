"""Tables beside a mapping file: CSV of two columns with a title row, kept in a spreadsheet by their owners."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from ml_connector.domain.text import normalise
from ml_connector.errors import ConfigurationError
from ml_connector.mapping.documents import DimensionDocument
from ml_connector.mapping.model import Lookup, MappingDocument

if TYPE_CHECKING:
    from ml_connector.mapping.documents import Document

_COLUMNS = 2
_SEPARATORS = "\t;,"  # what spreadsheets write, by country


class LookupTable(dict[str, str]):
    """First column to second, both as clean text; ``lines`` tells where each word stands in its file."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name
        self.lines: dict[str, int] = {}

    @property
    def file_name(self) -> str:
        """As people know it."""
        return f"{self.name}.csv"


def tables_of(document: Document | DimensionDocument) -> frozenset[str]:
    """The names of the tables a mapping needs, for its rows and for its rules."""
    rules = () if isinstance(document, MappingDocument) else document.every_rule
    rows = () if isinstance(document, DimensionDocument) else document.rows
    calls = (call for row in rows for call in row.transform)
    named = (call.table for call in calls if isinstance(call, Lookup))
    return frozenset((*named, *(rule.table for rule in rules if rule.table is not None)))


def read_lookup(text: str, *, name: str) -> LookupTable:
    """Read one table.

    Args:
        text: The file's content; separated by comma, semicolon or tab, with or without a byte order mark.
        name: Of the table, for messages.

    Returns:
        The words of the first column with their results and lines.

    Raises:
        ConfigurationError: Not two columns, a word listed twice with different results, or broken quotes.
    """
    body = text.removeprefix("\ufeff")
    titles = body.partition("\n")[0]
    separator = next((one for one in _SEPARATORS if one in titles), ",")
    rows = csv.reader(io.StringIO(body, newline=""), delimiter=separator, strict=True)
    table = LookupTable(name)
    try:
        for row in rows:
            cells = [normalise(cell) for cell in row]
            if rows.line_num > 1 and any(cells):
                _add(table, cells, rows.line_num)
            elif rows.line_num == 1 and len(cells) != _COLUMNS:
                raise _refused(
                    name, 1, "a title row of two columns is expected", "Write for example: country,tax_group"
                )
    except csv.Error as exc:
        raise _refused(
            name, rows.line_num, f"this is not CSV: {exc}", "Check the quotes in this line."
        ) from exc
    return table


def _add(table: LookupTable, cells: list[str], line: int) -> None:
    if len(cells) != _COLUMNS or not cells[0]:
        raise _refused(
            table.name, line, "two columns are expected, the first not empty", "Give each word its result."
        )
    word, result = cells
    table.lines.setdefault(word, line)
    if table.setdefault(word, result) != result:
        raise _refused(
            table.name,
            line,
            f"'{word}' stands here a second time, with another result",
            "Keep the one that is right.",
        )


def _refused(name: str, line: int, sentence: str, fix: str) -> ConfigurationError:
    return ConfigurationError(
        f"{name}.csv, line {line}: {sentence}.",
        code="configuration.lookup",
        hint=fix,
        file=f"{name}.csv",
        line=line,
    )
