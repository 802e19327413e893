"""The table as it is acted out: tenants prepared once, rows that change nothing but their own deal together."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

from tests.orders.acting import acted
from tests.orders.row import Row, every_row
from tests.orders.shop import Shop
from tests.simulation.compiled_once import shared_engines

if TYPE_CHECKING:
    from pathlib import Path

    from tests.orders.tenants import Tenant

ROWS = every_row()


class Table:
    """What has been acted out so far."""

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
            together = [one for one in ROWS if (one.tenant.name, one.file) == key and not one.is_alone]
            self._told[key] = shop.in_a_fork(lambda: acted(shop, together))
        return self._told[key][row.told["situation"]]
