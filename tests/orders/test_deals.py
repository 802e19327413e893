"""The table of deals: each row a situation, on the tenants it is for, and the order it becomes or why it waits.

How to read the rows stands in README.md beside this file.
"""

from __future__ import annotations

import gc
import os
from typing import TYPE_CHECKING

import pytest
from tests.orders.acting import Acting
from tests.orders.row import Row, every_row
from tests.orders.shop import Shop
from tests.orders.tenants import Tenant
from tests.simulation.compiled_once import shared_engines

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROWS = every_row()
pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="each row acts in a fork, which Windows cannot")


@pytest.fixture(scope="session")
def shop_of(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[Tenant], Shop]]:
    """The prepared shop of a tenant, made when its first row comes."""
    shops: dict[str, Shop] = {}
    create_engine = shared_engines()

    def prepared(tenant: Tenant) -> Shop:
        shop = Shop(tenant, tmp_path_factory.mktemp(tenant.name) / "home", create_engine)
        shop.prepare()
        return shop

    def shop_of(tenant: Tenant) -> Shop:
        if not shops:  # in the forks that follow all statements are compiled and all modules imported
            shops[""] = prepared(ROWS[0].tenant)
            assert shops[""].act(Acting(shops[""], ROWS[0]).differences) == []
        if tenant.name not in shops:
            shops[tenant.name] = prepared(tenant)
            gc.collect()
            gc.freeze()  # what stands now is shared with every fork instead of copied by its collector
        return shops[tenant.name]

    yield shop_of
    for shop in shops.values():
        shop.loop.close()
    gc.unfreeze()


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.file} - {row.name}")
def test_the_deal_becomes_the_order_of_the_table_or_waits_for_the_cause_it_names(
    row: Row, shop_of: Callable[[Tenant], Shop]
) -> None:
    differences = shop_of(row.tenant).in_a_fork(Acting(shop_of(row.tenant), row).differences)
    assert not differences, "\n".join([row.told["situation"], *differences])
