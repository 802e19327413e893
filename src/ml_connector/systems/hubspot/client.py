"""HubSpot's CRM API, as much of it as the flows need. Every value travels as text.

Records are read in ``reading.py`` and written in ``writing.py``; here stands what a portal is set up with.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter

from ml_connector.errors import RejectedError
from ml_connector.systems.hubspot.calling import BATCH, onward
from ml_connector.systems.hubspot.faults import SIDE
from ml_connector.systems.hubspot.models import (
    AccountDetails,
    LinkInput,
    Owner,
    Pipeline,
    PropertyDefinition,
    TokenInfo,
    UpdateInput,
    Upserted,
    UpsertInput,
    UpsertReport,
    parse,
    results,
)
from ml_connector.systems.hubspot.paths import TOKEN_INFO
from ml_connector.systems.hubspot.reading import Reading
from ml_connector.systems.hubspot.writing import ASSOCIATION_BATCH, Writing
from ml_connector.transport.request import ReadRequest, WriteRequest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ml_connector.transport.request import Reply

__all__ = [
    "ASSOCIATION_BATCH",
    "BATCH",
    "HubSpotClient",
    "LinkInput",
    "UpdateInput",
    "UpsertInput",
    "UpsertReport",
    "Upserted",
]

_PIPELINES = TypeAdapter(list[Pipeline])
_OWNERS = TypeAdapter(list[Owner])
_DEFINITIONS = TypeAdapter(list[PropertyDefinition])
_ACCOUNT = TypeAdapter(AccountDetails)
_TOKEN = TypeAdapter(TokenInfo)


class HubSpotClient(Reading, Writing):
    """The records and definitions of one portal."""

    async def pipelines(self, object_type: str) -> list[Pipeline]:
        """Pipelines with their stages."""
        reply = await self._read(self._paths.pipelines(object_type), "pipelines")
        return parse(_PIPELINES, results(reply), reply)

    async def owners(self) -> list[Owner]:
        """Everybody who can own records."""
        owners: list[Owner] = []
        after: str | None = None
        while True:
            params = (("limit", "100"), *((("after", after),) if after else ()))
            reply = await self._read(self._paths.owners, "owners", params)
            found: list[Owner] = parse(_OWNERS, results(reply), reply)
            owners.extend(found)
            after = onward(reply.data, after, "owners")
            if after is None:
                return owners

    async def properties(self, object_type: str) -> list[PropertyDefinition]:
        """The properties the portal defines for a type."""
        reply = await self._read(self._paths.properties(object_type), "properties")
        return parse(_DEFINITIONS, results(reply), reply)

    async def create_group(self, object_type: str, name: str, label: str) -> None:
        """Create a property group; one that exists already is left as it is."""
        await self._define(
            self._paths.groups(object_type), "groups", {"name": name, "label": label, "displayOrder": -1}
        )

    async def create_properties(self, object_type: str, definitions: Sequence[Mapping[str, Any]]) -> None:
        """Create properties one by one; those that exist already are left as they are.

        Raises:
            RejectedError: HubSpot refused a definition; those before it exist now.
        """
        for definition in definitions:
            await self._define(self._paths.properties(object_type), "properties", dict(definition))

    async def account(self) -> AccountDetails:
        """The portal behind the token."""
        reply = await self._read(self._paths.account, "account")
        return parse(_ACCOUNT, reply.data, reply)

    async def token_info(self) -> TokenInfo:
        """What the token may do. The token travels in the body: bodies are never logged."""
        token = (await self.transport.authorization()).removeprefix("Bearer ")
        request = ReadRequest(SIDE, "POST", TOKEN_INFO, "token_info", fields={"tokenKey": token})
        reply = await self.transport.read(request)
        return parse(_TOKEN, reply.data, reply)

    async def _read(self, path: str, resource: str, params: tuple[tuple[str, str], ...] = ()) -> Reply:
        return await self.transport.read(ReadRequest(SIDE, "GET", path, resource, params=params))

    async def _define(self, path: str, resource: str, fields: dict[str, Any]) -> None:
        try:
            await self.transport.write(
                WriteRequest(SIDE, "POST", path, resource, fields=fields, idempotent=True)
            )
        except RejectedError as exc:
            if exc.code != "hubspot.exists":
                raise
