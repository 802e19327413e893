"""The table of deals: each row a situation, on the tenants it is for, and the order it becomes or why it waits.

How to read the rows stands in README.md beside this file.
"""

from __future__ import annotations

import gc
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.orders.acting import acted
from tests.orders.row import Row, every_row
from tests.orders.shop import Shop
from tests.orders.tenants import Tenant
from tests.simulation.compiled_once import shared_engines

if TYPE_CHECKING:
    from collections.abc import Iterator

ROWS = every_row()
pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="each row acts in a fork, which Windows cannot")


class Table:
    """The table as it is acted out: tenants prepared once, rows that change nothing but their deal together."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.shops: dict[str, Shop] = {}
        self._create_engine = shared_engines()
        self._told: dict[tuple[str, str], dict[str, list[str]]] = {}

    def shop(self, tenant: Tenant) -> Shop:
        """A tenant ready for deals."""
        if not self.shops:  # in the forks that follow all statements are compiled and all modules imported
            first = self._prepared(ROWS[0].tenant)
            assert not any(first.act(lambda: acted(first, ROWS[:1])).values())
            self.shops[""] = first
        if tenant.name not in self.shops:
            self.shops[tenant.name] = self._prepared(tenant)
            gc.collect()
            gc.freeze()  # what stands now is shared with every fork instead of copied by its collector
        return self.shops[tenant.name]

    def _prepared(self, tenant: Tenant) -> Shop:
        shop = Shop(tenant, self.folder / f"{len(self.shops)}-{tenant.name}", self._create_engine)
        shop.prepare()
        return shop

    def differences(self, row: Row) -> list[str]:
        """What came out otherwise than the row says."""
        shop, key = self.shop(row.tenant), (row.tenant.name, row.file)
        if row.is_alone:
            told: dict[str, list[str]] = shop.in_a_fork(lambda: acted(shop, [row]))
            return told[row.told["situation"]]
        if key not in self._told:
            together = [
                one for one in ROWS if (one.tenant.name, one.file) == key and not one.is_alone
            ]
            self._told[key] = shop.in_a_fork(lambda: acted(shop, together))
        return self._told[key][row.told["situation"]]


@pytest.fixture(scope="session")
def table() -> Iterator[Table]:
    memory = Path("/dev/shm")  # noqa: S108 - files of one session, thrown away with it
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        found = Table(Path(folder))
        yield found
    for shop in found.shops.values():
        shop.loop.close()
    gc.unfreeze()


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.file} - {row.name}")
def test_the_deal_becomes_the_order_of_the_table_or_waits_for_the_cause_it_names(row: Row, table: Table) -> None:
    differences = table.differences(row)
    assert not differences, "\n".join([row.told["situation"], *differences])
