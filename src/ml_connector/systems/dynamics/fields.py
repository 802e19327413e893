"""Whether data entities have certain fields: asked for by name, since ``$metadata`` has tens of megabytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_connector.errors import ConfigurationError
from ml_connector.systems.dynamics import odata
from ml_connector.systems.dynamics.models import page_of
from ml_connector.transport.request import ReadRequest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ml_connector.systems.dynamics.client import DynamicsClient

_AT_ONCE = 40  # names of fields in one address


async def unknown_fields(client: DynamicsClient, data_entity: str, names: Iterable[str]) -> list[str]:
    """Those of these fields that a data entity does not have: one call, and one more for each of them.

    Raises:
        ConfigurationError: the environment has no such data entity.
        AccessError: it may not be read.
    """
    wanted, unknown = sorted(set(names)), []
    for start in range(0, len(wanted), _AT_ONCE):
        asked = wanted[start : start + _AT_ONCE]
        while asked:
            missing = await _refused(client, data_entity, asked)
            if not missing:
                break
            unknown.append(missing)
            asked = [name for name in asked if name != missing]
    return unknown


async def _refused(client: DynamicsClient, data_entity: str, names: list[str]) -> str:
    """The field that F&O says it does not know; empty when it knows them all."""
    try:
        await client.page(data_entity, select=names, top=1)
    except ConfigurationError as exc:
        name = str(exc.context.get("field", ""))
        if name not in names:
            raise
        return name
    return ""


async def field_names(client: DynamicsClient, data_entity: str) -> tuple[str, ...]:
    """The fields of a data entity as its first row shows them, to find the one that was meant; none without rows.

    This is the one read without ``$select``: a row has hundreds of fields, and here their names are what is wanted.
    """
    params = (("$top", "1"), ("cross-company", "true"))
    request = ReadRequest("dynamics", "GET", f"/data/{odata.name(data_entity)}", "rows", params=params)
    rows = page_of(await client.transport.read(request)).rows
    return tuple(name for name in rows[0] if not name.startswith("@")) if rows else ()
