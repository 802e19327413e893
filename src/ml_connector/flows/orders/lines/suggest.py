"""Which item may have been meant: the nearest number or name among the released ones that begin alike."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ml_connector.domain.text import nearest
from ml_connector.flows.orders.lines.catalogue import RELEASES
from ml_connector.systems.dynamics.odata import all_of, equals

if TYPE_CHECKING:
    from ml_connector.systems.dynamics.client import DynamicsClient

_LOOKED_AT = 100  # released items that begin alike; more would make a rep wait
_HEAD = 3  # characters of a number that must be right
_WORD = re.compile(r"\w{3,}")
_EXPAND = "EveryProduct($select=ProductName)"


async def number_like(dynamics: DynamicsClient, legal_entity: str, number: str) -> str:
    """A sentence that names the released product number nearest to a mistyped one, or ``""``."""
    head = number.strip().replace("*", "")[:_HEAD]
    if len(head) < _HEAD:
        return ""
    page = await dynamics.page(
        RELEASES,
        select=("ProductNumber",),
        filter=all_of([equals("dataAreaId", legal_entity), equals("ProductNumber", f"{head}*")]),
        top=_LOOKED_AT,
    )
    found = nearest(number, {row["ProductNumber"] for row in page.rows})
    return f" Did you mean {found}?" if found else ""


async def name_like(dynamics: DynamicsClient, legal_entity: str, name: str) -> str:
    """The same for a line that has only a name: F&O's search name begins with the product's name."""
    word = _WORD.search(name)
    if word is None:
        return ""
    page = await dynamics.page(
        RELEASES,
        select=("ProductNumber", "ProductSearchName"),
        filter=all_of([equals("dataAreaId", legal_entity), equals("ProductSearchName", f"{word[0]}*")]),
        expand=_EXPAND,
        top=_LOOKED_AT,
    )
    numbers = {
        (row.get("EveryProduct") or {}).get("ProductName", ""): row["ProductNumber"] for row in page.rows
    }
    found = nearest(name, filter(None, numbers))
    return f" Did you mean '{found}' ({numbers[found]})?" if found else ""
