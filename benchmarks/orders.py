"""Won deals into sales orders over real sockets: one deal, then a bulk, beside the floor of placing them in turn.

    python -m benchmarks.orders [--deals 1000] [--at-once 1,4] [--settings 1,3]

Companies and products are loaded first, then a rep links, quotes and wins the deals. The floor is what is left when
everything but the writing of orders costs nothing: one order at a time in each legal entity, each as many calls after
each other as it takes, and the portal's allowance.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.commands import COMMAND, SETTINGS, connected, one_sync, twins

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from benchmarks.commands import Setting

ORDERS = "SalesOrderHeadersV2"
CALLS_IN_TURN = 4  # of an order: header and lines, each looked for before it is sent
OF_ASSOCIATIONS = 3  # of the calls of a deal; they have an allowance of their own, so many a second:
ASSOCIATIONS_A_SECOND = 10


def control(twin: Mapping[str, Any], path: str, body: Mapping[str, Any] | None = None) -> Any:
    """Ask the twins for something as the people at both ends would."""
    request = urllib.request.Request(  # noqa: S310 - the twin of this benchmark
        f"{twin['hubspot_url']}/__twin__/{path}",
        json.dumps(body).encode() if body is not None else None,
        method="POST" if body is not None else "GET",
    )
    with urllib.request.urlopen(request) as answer:  # noqa: S310 - the same
        return json.loads(answer.read() or b"null")


def listed(twin: Mapping[str, Any], of: str) -> Iterator[dict[str, Any]]:
    """Every record of a set or an object type."""
    after = ""
    while True:
        page = control(twin, f"state?of={of}&limit=2000&after={after}")
        yield from page["records"]
        after = page["after"] or ""
        if not after:
            return


def quote_all(twin: Mapping[str, Any]) -> list[str]:
    """The rep links every deal to its company and puts its products on it; their ids."""
    deals = [str(deal["id"]) for deal in listed(twin, "deals")]
    for deal in deals:
        control(twin, "rep", {"deal": deal})
    return deals


def won_stages(twin: Mapping[str, Any]) -> dict[str, str]:
    """The won stage of each pipeline."""
    request = urllib.request.Request(  # noqa: S310 - the twin of this benchmark
        f"{twin['hubspot_url']}/crm/v3/pipelines/deals",
        headers={"Authorization": f"Bearer {twin['hubspot_token']}"},
    )
    with urllib.request.urlopen(request) as answer:  # noqa: S310 - the same
        pipelines = json.load(answer)["results"]
    return {
        pipeline["id"]: stage["id"]
        for pipeline in pipelines
        for stage in pipeline["stages"]
        if stage["metadata"].get("probability") == "1.0"
    }


def win(twin: Mapping[str, Any], deals: list[str]) -> None:
    """The rep wins these deals."""
    won = won_stages(twin)
    pipelines = {str(deal["id"]): deal["properties"]["pipeline"] for deal in listed(twin, "deals")}
    for deal in deals:
        control(twin, f"deals/{deal}/stage", {"stage": won[pipelines[deal]]})


def is_ready(environment: Mapping[str, str], deal: str) -> bool:
    """Whether a deal would become an order as it is."""
    words = [*COMMAND, "deals", "check", deal]
    return subprocess.run(words, env=environment, capture_output=True, check=False).returncode == 0


def orders_by_entity(twin: Mapping[str, Any]) -> dict[str, int]:
    """How many orders stand in each legal entity."""
    found: dict[str, int] = {}
    for order in listed(twin, ORDERS):
        found[order["dataAreaId"]] = found.get(order["dataAreaId"], 0) + 1
    return found


def floor_s(setting: Setting, placed: Mapping[str, int], at_once: int, figures: Mapping[str, Any]) -> float:
    """The least seconds that latency of writing in turn and the portal's two allowances leave."""
    in_turn = max(placed.values(), default=0) / at_once * CALLS_IN_TURN * setting.dynamics_ms / 1000
    limit, window_s = setting.allowance
    counted = figures["requests"]["hubspot"] - OF_ASSOCIATIONS * figures["read"]
    allowed = max(0, counted - limit) / (limit / window_s) if limit else 0.0
    associations = float(OF_ASSOCIATIONS * figures["read"] / ASSOCIATIONS_A_SECOND)
    return max(in_turn, allowed, associations)


def show(name: str, setting: Setting, figures: Mapping[str, Any], floor: float) -> None:
    """One line."""
    placed, seconds, calls = figures["created"], figures["seconds"], figures["requests"]
    print(
        f"{setting.name:20} {name:22} {seconds:7.2f} s  floor {floor:7.2f} s  {placed:>5} orders"
        f"  {60 * placed / seconds:7.0f} a minute  waits or parked {figures['read'] - placed:>3}"
        f"  calls {calls['dynamics']}+{calls['hubspot']}"
        f" ({calls['dynamics'] / max(placed, 1):.1f}+{calls['hubspot'] / max(placed, 1):.1f} an order)"
        f"  429s {figures['throttled']}  CPU {1000 * figures['cpu_s'] / max(placed, 1):6.1f} ms an order"
        f"  peak {figures['peak_mib']:4.0f} MiB  whole command {figures['wall_s']:7.2f} s",
        flush=True,
    )


def measure(setting: Setting, deals: int, at_once: int) -> bool:
    """One deal, then the others together; whether each placed order stands once."""
    numbers = {"customers": 2 * deals + 100, "contacts_per_customer": 0, "products": 200, "deals": deals + 1}
    orders = {
        "release": "automatic",
        "quiet_minutes": 0,
        "most_in_an_hour": 10 * deals,
        "orders_at_once": at_once,
    }
    with tempfile.TemporaryDirectory() as folder, twins(setting, **numbers) as twin:
        environment = connected(
            Path(folder) / "home",
            twin,
            ("customers", "products", "orders"),
            MLC_ORDERS=json.dumps(orders),
        )
        one_sync(environment, ("customers", "products"))
        quoted = quote_all(twin)
        first = next(deal for deal in quoted if is_ready(environment, deal))
        others = [deal for deal in quoted if deal != first]
        placed = 0
        for name, won in (("one deal", [first]), (f"{deals} deals, {at_once} at once", others)):
            win(twin, won)
            before = orders_by_entity(twin)
            figures = one_sync(environment, ("orders",))
            after = orders_by_entity(twin)
            made = {entity: count - before.get(entity, 0) for entity, count in after.items()}
            show(name, setting, figures, floor_s(setting, made, at_once, figures))
            placed += figures["created"]
        print(f"  orders by legal entity: {after}")
        return sum(after.values()) == placed


def main() -> int:
    """Measure every setting; exit 1 when orders do not stand once each."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--deals", type=int, default=1000)
    parser.add_argument("--at-once", default="1,4", help="orders placed at once in a legal entity")
    parser.add_argument("--settings", default="1,3", help="which of the settings, by their places")
    options = parser.parse_args()
    right = True
    for place in options.settings.split(","):
        for at_once in options.at_once.split(","):
            right = measure(SETTINGS[int(place) - 1], options.deals, int(at_once)) and right
    return 0 if right else 1


if __name__ == "__main__":
    sys.exit(main())
