"""Open deals made up by chance: what readiness names of that which placement then refuses, cause by cause.

    python -m benchmarks.readiness [--seeds 11,12,13] [--deals 500] [--unheard]

The deals are those of tests/orders/open_deals, in which each choice was made on seeds 1 to 5. With --unheard no rule of
Dynamics' own has refused an order before the first deal.
"""

from __future__ import annotations

import argparse

from tests.orders.open_deals.play import played
from tests.orders.open_deals.season import Plan

from ml_connector.telemetry import setup_logging


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", default="11,12,13")
    parser.add_argument("--deals", type=int, default=500)
    parser.add_argument("--unheard", action="store_true")
    given = parser.parse_args()
    setup_logging("ERROR")
    for seed in given.seeds.split(","):
        print(f"seed {seed}")
        print(played(int(seed), given.deals, Plan(history=not given.unheard)).table(), end="\n\n", flush=True)


if __name__ == "__main__":
    main()
