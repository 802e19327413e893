"""From the text of a mapping file to a document. Every refusal names the line and, if it can, the word meant.

Every scalar is read as text, whatever it looks like: YAML's own rules would turn the country code ``NO`` and
the hold status ``No`` into false.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NoReturn, TypeVar, overload

import yaml
from pydantic import BaseModel, ValidationError

from ml_connector.domain.text import did_you_mean
from ml_connector.errors import ConfigurationError
from ml_connector.mapping.documents import (
    ORDERS,
    DimensionDocument,
    Document,
    OrderMappingDocument,
)
from ml_connector.mapping.model import CALLS, FIRST_WRITE, FieldRow, MappingDocument
from ml_connector.mapping.rules import Rule

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_FILE_CHARACTERS = 1_000_000
_MAX_DEPTH = 12  # of nested lists and keys; the language itself needs seven
_UNSEEN = ("flow", "line", "name")  # set by us, never written in a file

M = TypeVar("M", bound=BaseModel)


@overload
def load_mapping(text: str, *, flow: Literal["orders"], file_name: str) -> OrderMappingDocument: ...
@overload
def load_mapping(
    text: str, *, flow: Literal["customers", "contacts", "products", "order_status"], file_name: str
) -> MappingDocument: ...
@overload
def load_mapping(text: str, *, flow: str, file_name: str) -> Document: ...
def load_mapping(text: str, *, flow: str, file_name: str) -> Document:
    """Read a mapping file.

    Args:
        text: The file's content, at most a million characters.
        flow: The flow it is for; ``orders`` has a header and lines, every other flow has fields.
        file_name: Named in messages.

    Raises:
        ConfigurationError: The file does not follow the language; the message names the line and the fix.
    """
    return _Reader(file_name).document(text, flow)


def load_dimensions(text: str, *, file_name: str) -> DimensionDocument:
    """Read ``dimensions.yaml``.

    Raises:
        ConfigurationError: The file does not follow the language; the message names the line and the fix.
    """
    return _Reader(file_name).dimensions(text)


class _Reader:
    """Reads one file; knows its name for messages."""

    def __init__(self, file_name: str) -> None:
        self._file_name = file_name

    def document(self, text: str, flow: str) -> Document:
        root = self._compose(text)
        if flow == ORDERS:
            parts = dict.fromkeys(("header", "line", "customer"), self._order_rows)
            return self._validated(OrderMappingDocument, root, {**parts, "rules": self._rules})
        document = self._validated(MappingDocument, root, {"fields": self._rows}, flow=flow)
        fields = tuple(_owned(row, document.object) for row in document.fields)
        return document.model_copy(update={"fields": fields})

    def dimensions(self, text: str) -> DimensionDocument:
        readers = {"header": self._rules, "line": self._rules}
        return self._validated(DimensionDocument, self._compose(text), readers)

    def _rules(self, node: yaml.Node) -> dict[str, tuple[Rule, ...]]:
        """Names, each with its rules in their order."""
        return {key.value: tuple(map(self._rule, self._items(value))) for key, value in self._entries(node)}

    def _rule(self, node: yaml.Node) -> Rule:
        return self._validated(Rule, node, {"when": self._conditions}, line=_line(node))

    def _conditions(self, node: yaml.Node) -> dict[str, Any]:
        return {key.value: self._plain(value) for key, value in self._entries(node)}

    def _rows(self, node: yaml.Node) -> tuple[FieldRow, ...]:
        return tuple(self._row(item) for item in self._items(node))

    def _order_rows(self, node: yaml.Node) -> tuple[FieldRow, ...]:
        """Orders are written once: nobody owns a field, and empty ones are left out unless a row says so."""
        for item in self._items(node):
            for key, _ in self._entries(item):
                if key.value == "owner":
                    self._refuse(
                        key, "an order is written once, so its rows have no owner", "Remove the key 'owner'."
                    )
        return tuple(self._row(item, on_empty="keep") for item in self._items(node))

    def _row(self, node: yaml.Node, **defaults: str) -> FieldRow:
        return self._validated(FieldRow, node, {"transform": self._calls}, line=_line(node), **defaults)

    def _calls(self, node: yaml.Node) -> tuple[BaseModel, ...]:
        """``text``, ``{phone: {country: X}}`` or a list of such."""
        if isinstance(node, yaml.SequenceNode):
            return tuple(self._call(item) for item in node.value)
        return (self._call(node),)

    def _call(self, node: yaml.Node) -> BaseModel:
        if isinstance(node, yaml.ScalarNode):
            return self._validated(self._model(node), yaml.MappingNode(node.tag, [], node.start_mark), {})
        entries = self._entries(node)
        if len(entries) != 1:
            self._refuse(
                node, "one transform is expected here", "Write several transforms as a list, each with '-'."
            )
        ((name, arguments),) = entries
        return self._validated(self._model(name), arguments, {})

    def _model(self, name: yaml.ScalarNode) -> type[BaseModel]:
        model = CALLS.get(name.value)
        if model is None:
            self._refuse(
                name,
                f"unknown transform '{name.value}'.{did_you_mean(name.value, CALLS)}",
                f"The transforms are {', '.join(sorted(CALLS))}.",
            )
        return model

    def _validated(self, model: type[M], node: yaml.Node, readers: Mapping[str, Any], **given: Any) -> M:
        """One model from one block of keys; ``readers`` read the values that hold rows or transforms."""
        values: dict[str, Any] = dict(given)
        for key, value in self._entries(node):
            known = [name for name in model.model_fields if name not in _UNSEEN or name in readers]
            if key.value not in known:
                self._refuse(
                    key,
                    f"unknown key '{key.value}'.{did_you_mean(key.value, known)}",
                    f"The keys here are {', '.join(known)}."
                    if known
                    else "This transform takes no arguments.",
                )
            values[key.value] = readers.get(key.value, self._plain)(value)
        try:
            return model.model_validate(values)
        except ValidationError as exc:
            self._explain(exc, node)

    def _explain(self, exc: ValidationError, node: yaml.Node) -> NoReturn:
        """Refuse with the first thing pydantic found, in our words."""
        error = exc.errors(include_url=False)[0]
        place, kind = error["loc"], error["type"]
        where = _at(node, place)
        name = str(place[0]) if place else ""
        if kind == "missing":
            self._refuse(where, f"the key '{name}' is missing", f"Add '{name}:'.")
        if kind == "value_error":
            self._refuse(where, str(error["ctx"]["error"]), "Correct the row.")
        choices = str(error.get("ctx", {}).get("expected", ""))
        if choices:
            meant = did_you_mean(
                str(error["input"]), choices.replace("'", "").replace(" or ", ", ").split(", ")
            )
            self._refuse(where, f"'{error['input']}' is no value of '{name}'.{meant}", f"It takes {choices}.")
        said = error["msg"][:1].lower() + error["msg"][1:]
        self._refuse(where, f"'{name}' is not right: {said}", f"Correct the value of '{name}'.")

    def _entries(self, node: yaml.Node) -> list[tuple[yaml.ScalarNode, yaml.Node]]:
        if not isinstance(node, yaml.MappingNode) or not all(
            isinstance(key, yaml.ScalarNode) for key, _ in node.value
        ):
            self._refuse(node, "keys with values are expected here", "Write 'key: value', one a line.")
        seen: set[str] = set()
        for key, _ in node.value:
            if key.value in seen:
                self._refuse(key, f"the key '{key.value}' stands here twice", "Keep one of the two.")
            seen.add(key.value)
        return list(node.value)

    def _items(self, node: yaml.Node) -> list[yaml.Node]:
        if not isinstance(node, yaml.SequenceNode):
            self._refuse(node, "a list is expected here", "Begin each row or rule with '- '.")
        return list(node.value)

    def _plain(self, node: yaml.Node) -> Any:
        """Text, lists and keyed values of the part of the file that holds neither rows nor transforms."""
        if isinstance(node, yaml.SequenceNode):
            return [self._plain(item) for item in node.value]
        if isinstance(node, yaml.MappingNode):
            return {key.value: self._plain(value) for key, value in self._entries(node)}
        return node.value

    def _compose(self, text: str) -> yaml.Node:
        if len(text) > MAX_FILE_CHARACTERS:
            raise self._error(1, "the file is larger than a million characters", "Is it the right file?")
        try:
            self._survey(text)
            root = yaml.compose(text, Loader=yaml.SafeLoader)
        except yaml.MarkedYAMLError as exc:
            mark = exc.problem_mark or exc.context_mark
            raise self._error(
                mark.line + 1 if mark else 1,
                f"this is not YAML: {exc.problem}",
                "Check indentation, quotes and colons.",
            ) from exc
        except yaml.YAMLError as exc:
            raise self._error(
                1, "this is not YAML: it holds characters a text file cannot have", "Save it as UTF-8 text."
            ) from exc
        if root is None:
            raise self._error(1, "the file is empty", "Export the shipped mapping and edit that.")
        return root

    def _survey(self, text: str) -> None:
        """Refuse what could make a small file grow large or deep, before it is read."""
        depth = 0
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            line = _line(event)
            if isinstance(event, yaml.AliasEvent):
                raise self._error(
                    line, "aliases (*name) are not used in mapping files", "Write the value out."
                )
            if depth > _MAX_DEPTH:
                raise self._error(
                    line, "this is nested too deeply", "Check the brackets and the indentation."
                )

    def _refuse(self, node: yaml.Node, sentence: str, fix: str) -> NoReturn:
        raise self._error(_line(node), sentence, fix)

    def _error(self, line: int, sentence: str, fix: str) -> ConfigurationError:
        end = "" if sentence.endswith(("?", ".")) else "."
        return ConfigurationError(
            f"{self._file_name}, line {line}: {sentence}{end}",
            code="configuration.mapping",
            hint=fix,
            file=self._file_name,
            line=line,
        )


def _owned(row: FieldRow, object_type: str) -> FieldRow:
    """The row, with the owner its property has by default where the file names none."""
    if "owner" in row.model_fields_set or row.target not in FIRST_WRITE.get(object_type, ()):
        return row
    return row.model_copy(update={"owner": "first-write"})


def _line(place: yaml.Node | yaml.Event) -> int:
    """The line of a node or event in its file, from 1."""
    return place.start_mark.line + 1 if place.start_mark else 1


def _at(node: yaml.Node, place: tuple[int | str, ...]) -> yaml.Node:
    """The node at a place inside a block, or the nearest one around it."""
    for step in place:
        if isinstance(node, yaml.MappingNode):
            inner = next((value for key, value in node.value if key.value == step), None)
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            inner = node.value[step]
        else:
            inner = None
        if inner is None:
            return node
        node = inner
    return node
