"""What every engine function is given: the store, whose connection, and the surroundings."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ml_connector.errors import SliceOverError
from ml_connector.store import leases

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from ml_connector.domain.clock import Surroundings
    from ml_connector.store.database import Store, Tx
    from ml_connector.store.leases import Lease
    from ml_connector.store.vault import Vault

TERM_S = 120.0


def never() -> bool:
    """What a run is told that may go on to its end."""
    return False


@dataclass(frozen=True, slots=True)
class Engine:
    """One connection's place to work; within a run, with the lease of its flow and the end of its slice."""

    store: Store
    vault: Vault
    connection_id: int
    around: Surroundings
    started_by: str = "command line"
    lease: Lease | None = None
    is_over: Callable[[], bool] = never  # whether the slice shall end at the next place where it can go on

    @asynccontextmanager
    async def write(self) -> AsyncIterator[Tx]:
        """One write transaction of a run: nothing is stored once somebody else works on its flow.

        Raises:
            LeaseLostError: another process has taken the flow over.
        """
        async with self.store.write() as tx:
            if self.lease is not None:
                await leases.check(tx, self.connection_id, self.lease)
            yield tx

    def require_time(self) -> None:
        """End the slice here if it is over: what is stored says where the next one goes on.

        Raises:
            SliceOverError: it is.
        """
        if self.is_over():
            raise SliceOverError("The slice is over; the next one goes on from here.")

    async def holding(self, flow: str) -> Engine:
        """This place with the lease of a flow. Who held it before is dead, or stops at its next commit."""
        async with self.store.write() as tx:
            holder = self.around.new_id()
            lease = await leases.take_over(tx, self.connection_id, f"flow:{flow}", holder, TERM_S)
        return replace(self, lease=lease)
