"""The seasons of all three tenants, each in a fork of its own, and what came of them."""

from __future__ import annotations

import tempfile
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

from tests.orders.open_deals.season import Plan, season
from tests.orders.open_deals.tally import Outcome, Tally
from tests.orders.open_deals.tenants import NAMES, BusyTenant
from tests.orders.shop import Shop
from tests.simulation.compiled_once import shared_engines

if TYPE_CHECKING:
    from typing import Any


def played(seed: int, count: int, plan: Plan) -> Tally:
    """So many open deals, told apart by the seed alone. One tenant gets a rule of Dynamics' own on the way."""
    memory, engines = Path("/dev/shm"), shared_engines()  # noqa: S108 - thrown away with the folder
    found: list[Outcome] = []
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        for place, name in enumerate(NAMES):
            tenant = BusyTenant(name)
            shop = Shop(tenant, Path(folder) / name, engines)
            shop.prepare()
            own = plan if place == seed % len(NAMES) else replace(plan, late_day=0)
            of_tenant = season(shop, tenant, seed, len(range(place, count, len(NAMES))), own)

            async def told(of_tenant: Any = of_tenant) -> list[dict[str, Any]]:
                return [asdict(outcome) for outcome in await of_tenant.outcomes()]

            found += [Outcome(**{**one, "troubles": tuple(one["troubles"])}) for one in shop.in_a_fork(told)]
            shop.loop.close()
    return Tally(found)
