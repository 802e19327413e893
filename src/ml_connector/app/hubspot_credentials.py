"""What a HubSpot client signs in with: a static token, or an OAuth app whose refresh token is kept in the vault."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ml_connector.store import connections
from ml_connector.transport.auth import StaticToken
from ml_connector.transport.oauth import HubSpotToken

if TYPE_CHECKING:
    from ml_connector.app.workplace import Workplace
    from ml_connector.systems.hubspot.settings import HubSpotSettings
    from ml_connector.transport.auth import Credentials

TOKEN = "hubspot.token"  # noqa: S105 - names of secrets
CLIENT_SECRET = "hubspot.client_secret"  # noqa: S105 - the same
REFRESH_TOKEN = "hubspot.refresh_token"  # noqa: S105 - the same


@dataclass(slots=True)
class HeldRefreshToken:
    """A refresh token that is not stored yet: that of an app which is being tried."""

    token: str

    async def load(self) -> str:
        """The one in force."""
        return self.token

    async def replace(self, old: str, new: str) -> None:  # noqa: ARG002 - the protocol's signature
        """Keep the one that follows until it is stored with the rest."""
        self.token = new


@dataclass(frozen=True, slots=True)
class StoredRefreshToken:
    """The sealed one; every process reads it anew, since another may have replaced it."""

    place: Workplace

    async def load(self) -> str:
        """The one in force."""
        return await self.place.secret(REFRESH_TOKEN)

    async def replace(self, old: str, new: str) -> None:
        """Seal the one that follows and commit it."""
        cid = self.place.connection.connection_id
        async with self.place.store.write() as tx:
            await connections.replace_secret(tx, cid, REFRESH_TOKEN, self.place.vault, old=old, new=new)


async def stored_credentials(place: Workplace, settings: HubSpotSettings) -> Credentials:
    """The credentials of the connected portal."""
    if not settings.client_id:
        return StaticToken(await place.secret(TOKEN))
    secret = await place.secret(CLIENT_SECRET)
    return HubSpotToken(settings.token_url, settings.client_id, secret, StoredRefreshToken(place))
