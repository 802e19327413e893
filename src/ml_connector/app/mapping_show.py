"""``mapping show``: the mapping files of a connection as they stand, without asking either system."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ml_connector.app.home import shipped_mapping
from ml_connector.app.mapping_check import MAPPED, mapped_flow
from ml_connector.app.mappings import dimensions_of, document_of, lookups_of, read_text
from ml_connector.mapping.documents import DimensionDocument, OrderMappingDocument

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ml_connector.app.workplace import Workplace
    from ml_connector.mapping.documents import Document
    from ml_connector.mapping.model import FieldRow
    from ml_connector.mapping.rules import Rule


def show_mappings(place: Workplace, names: Sequence[str] = ()) -> list[dict[str, Any]]:
    """The files of these flows, or of all, each with its rows, rules and tables.

    Raises:
        ConfigurationError: there is no such flow, or a file does not follow the language.
    """
    flows = tuple(dict.fromkeys(map(mapped_flow, names))) or MAPPED
    files = [
        (flow, name) for flow in flows for name in ((flow, "dimensions") if flow == "orders" else (flow,))
    ]
    return [
        _shown(place, flow, name)
        for flow, name in files
        if name != "dimensions" or (place.settings.mappings / "dimensions.yaml").exists()
    ]


def _shown(place: Workplace, flow: str, name: str) -> dict[str, Any]:
    path = place.settings.mappings / f"{name}.yaml"
    text = read_text(path)
    document = dimensions_of(text) if name == "dimensions" else document_of(flow, text)
    return {
        "file": f"mappings/{name}.yaml",
        "path": str(path),
        "flow": flow,
        "as_shipped": text == shipped_mapping(name),
        "rows": [_row(part, row) for part, rows in _rows(document) for row in rows],
        "rules": [_rule(part, name, rule) for part, name, rule in _rules(document)],
        "mandatory": {entity: list(names) for entity, names in getattr(document, "mandatory", {}).items()},
        "tables": [
            {"file": f"mappings/{table}.csv", "entries": len(entries)}
            for table, entries in lookups_of(place, document).items()
        ],
    }


def _rows(document: Document | DimensionDocument) -> Iterator[tuple[str, tuple[FieldRow, ...]]]:
    """The rows of each part of a file."""
    if isinstance(document, OrderMappingDocument):
        yield from (
            (part, rows)
            for part, rows in (
                ("header", document.header),
                ("line", document.line),
                ("customer", document.customer),
            )
        )
    elif not isinstance(document, DimensionDocument):
        yield "fields", document.fields


def _rules(document: Document | DimensionDocument) -> Iterator[tuple[str, str, Rule]]:
    parts: Mapping[str, Mapping[str, tuple[Rule, ...]]] = {}
    if isinstance(document, OrderMappingDocument):
        parts = {"rules": document.rules}
    elif isinstance(document, DimensionDocument):
        parts = {"header": document.header, "line": document.line}
    for part, by_name in parts.items():
        for name, rules in by_name.items():
            yield from ((part, name, rule) for rule in rules)


def _row(part: str, row: FieldRow) -> dict[str, Any]:
    return {
        "part": part,
        "line": row.line,
        "target": row.target,
        "source": list(row.named_sources),
        "transform": [
            call.model_dump(mode="json", exclude_defaults=True) | {"name": call.name}
            for call in row.transform
        ],
        "owner": "" if part != "fields" else row.owner,
        "on_empty": row.on_empty,
        "note": row.note,
    }


def _rule(part: str, name: str, rule: Rule) -> dict[str, Any]:
    return {
        "part": part,
        "name": name,
        "line": rule.line,
        "when": {fact: list(words) for fact, words in rule.when.items()},
        "value": rule.value,
        "source": rule.source or "",
        "table": rule.table or "",
        "note": rule.note,
    }
