"""Data entities that a tenant may not offer, and what a run says of them once.

One that is missing, forbidden or refuses the question at its first read is off for this run: the flow goes on
without it. Once it has answered, a failure is a failure: half a listing must not change what the rest looks like.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import structlog

from ml_connector.errors import (
    AccessError,
    ConfigurationError,
    ConnectorError,
    RejectedError,
    WallError,
)

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from ml_connector.systems.dynamics.client import DynamicsClient
    from ml_connector.systems.dynamics.models import ODataPage

_log = structlog.get_logger(__name__)
_OFF = (ConfigurationError, AccessError, RejectedError)


@dataclass(slots=True)
class Notices:
    """What concerns a whole run: logged once, and put beside the first record that is mapped after it."""

    untold: list[str] = field(default_factory=list)

    def say(self, sentence: str) -> None:
        """Say it; whoever does so sees to it that it is said once."""
        self.untold.append(sentence)
        _log.warning("noted", flow="products", note=sentence)

    def take(self) -> tuple[str, ...]:
        """What has been said since the last look."""
        if not self.untold:
            return ()
        taken, self.untold = tuple(self.untold), []
        return taken


@dataclass(slots=True)
class OptionalEntity:
    """One such data entity; ``without`` is the sentence a run without it says, empty for none."""

    client: DynamicsClient
    data_entity: str
    select: tuple[str, ...]
    notices: Notices
    without: str = ""
    offered: bool | None = None  # None until the first answer

    async def pages(self, condition: str, orderby: str) -> AsyncGenerator[ODataPage, None]:
        """A listing page by page; no page where it is off."""
        if self.offered is False:
            return
        try:
            async for page in self.client.pages(
                self.data_entity, select=self.select, filter=condition, orderby=orderby
            ):
                self.offered = True
                yield page
        except _OFF as error:
            self._off(error)

    async def rows_by(self, name: str, values: Sequence[str], condition: str = "") -> list[dict[str, Any]]:
        """The rows whose field has one of the values; none where it is off."""
        if self.offered is False or not values:
            return []
        try:
            rows = await self.client.rows_by(
                self.data_entity, name, values, select=self.select, extra_filter=condition
            )
        except _OFF as error:
            self._off(error)
            return []
        self.offered = True
        return rows

    async def first(self, condition: str) -> dict[str, Any] | None:
        """One row, whichever comes first."""
        try:
            page = await self.client.page(self.data_entity, select=self.select, filter=condition, top=1)
        except _OFF as error:
            self._off(error)
            return None
        return page.rows[0] if page.rows else None

    def _off(self, error: ConnectorError) -> None:
        """Go on without it, if it has never answered; else the error stays one."""
        is_of_dynamics = not isinstance(error, ConfigurationError) or error.code.startswith("dynamics.")
        if self.offered or isinstance(error, WallError) or not is_of_dynamics:
            raise error
        self.offered = False
        if self.without:
            self.notices.say(f"{self.without} {error.message}")
