"""The table of a mapping's page, as the shipped file has it: ``python tests/docs/mapping_table.py contacts``.

Of orders there are two: ``python tests/docs/mapping_table.py orders header``, and the same for ``line``.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from ml_connector.app.home import shipped_mapping
from ml_connector.mapping.load import load_mapping

if TYPE_CHECKING:
    from ml_connector.mapping.model import FieldRow

HEAD = ("| property | from | transform | owner | when empty | note |", "|---|---|---|---|---|---|")
ORDER_HEAD = ("| field | from | transform | when empty | note |", "|---|---|---|---|---|")
OWNERS = {"dynamics": "Dynamics", "first-write": "first write", "hubspot": "HubSpot"}


def table(flow: str) -> list[str]:
    """The rows of the shipped mapping, one a line."""
    document = load_mapping(shipped_mapping(flow), flow=flow, file_name=f"{flow}.yaml")
    return [*HEAD, *(_line(row) for row in document.rows)]


def order_table(part: str) -> list[str]:
    """The rows of one part of the shipped ``orders.yaml``: header or line."""
    document = load_mapping(shipped_mapping("orders"), flow="orders", file_name="orders.yaml")
    return [*ORDER_HEAD, *(_line(row, owned=False) for row in getattr(document, part))]


def _line(row: FieldRow, *, owned: bool = True) -> str:
    cells = (
        f"`{row.target}`",
        ", ".join(f"`{name}`" for name in row.named_sources),
        ", then ".join(_call(call) for call in row.transform) or "`text`",
        *((OWNERS[row.owner],) if owned else ()),
        row.on_empty,
        row.note.replace("|", r"\|"),
    )
    return f"| {' | '.join(cells)} |"


def _call(call: Any) -> str:
    """``phone`` with what it is told: lists by their members, maps word by word."""
    told = [
        f"{name}: {_value(value)}"
        for name, value in call.model_dump(exclude_defaults=True).items()
        if name != "name"
    ]
    return f"`{call.name}`" + (f" ({'; '.join(told)})" if told else "")


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{word} = {meaning}" for word, meaning in value.items())
    if isinstance(value, (list, tuple)):
        return ", ".join(f"`{each}`" for each in value)
    return f"`{value}`"


if __name__ == "__main__":
    rows = order_table(sys.argv[2]) if sys.argv[1] == "orders" else table(sys.argv[1])
    sys.stdout.write("\n".join(rows) + "\n")
