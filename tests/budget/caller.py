"""A process that calls HubSpot's twin as fast as it is let, until its input ends: ``DATABASE URL TOKEN TYPE``."""

from __future__ import annotations

import asyncio
import sys

from ml_connector.app.system import surroundings
from ml_connector.errors import ThrottledError
from ml_connector.store.budget import SharedBudget
from ml_connector.store.database import Store
from ml_connector.systems.hubspot.client import HubSpotClient
from ml_connector.systems.hubspot.faults import JUDGE, buckets
from ml_connector.systems.hubspot.settings import HubSpotSettings
from ml_connector.systems.hubspot.wall import HUBSPOT_WALL
from ml_connector.telemetry import setup_logging
from ml_connector.transport.auth import StaticToken
from ml_connector.transport.http import Transport
from ml_connector.transport.shared import SharedLedger

LANES = 24  # more than the window has calls, so that somebody always waits
BEAT_S = 0.2


async def main(database_url: str, url: str, token: str, object_type: str) -> None:
    setup_logging("ERROR")
    around = surroundings()
    store = await Store.open(database_url, around=around)
    ledger = SharedLedger(around, SharedBudget(store, 1), beat_s=BEAT_S)
    transport = Transport(
        side="hubspot",
        base_url=url,
        wall=HUBSPOT_WALL,
        credentials=StaticToken(token),
        judge=JUDGE,
        budget=ledger,
        around=around,
        buckets=buckets,
    )
    client = HubSpotClient(transport, HubSpotSettings(url=url, allow_local=True))

    async def lane() -> None:
        while True:
            await client.list(object_type, properties=("hs_object_id",), limit=1)

    lanes = [asyncio.create_task(lane()) for _ in range(LANES)]
    ended = asyncio.create_task(asyncio.to_thread(sys.stdin.read))
    await asyncio.wait([*lanes, ended], return_when=asyncio.FIRST_COMPLETED)
    for task in lanes:
        task.cancel()
    failures = [
        str(end)
        for end in await asyncio.gather(*lanes, return_exceptions=True)
        if isinstance(end, Exception) and not isinstance(end, ThrottledError)
    ]
    await transport.close()
    await ledger.close()
    await store.close()
    sys.stdout.write(f"{failures or 'ended'}\n")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
