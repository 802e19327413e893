"""F&O's OData service, as much of it as the flows need. Reads go over all companies, writes name theirs."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from ml_connector.errors import RejectedError, UnavailableError, UncertainWriteError
from ml_connector.systems.dynamics import odata
from ml_connector.systems.dynamics.faults import JUDGE
from ml_connector.systems.dynamics.models import ODataPage, page_of, row_of, unexpected
from ml_connector.systems.dynamics.wall import BATCH
from ml_connector.transport.judge import Again
from ml_connector.transport.request import ReadRequest, WriteRequest

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence

    from ml_connector.errors import ConnectorError
    from ml_connector.systems.dynamics.settings import DynamicsSettings
    from ml_connector.transport.http import Transport
    from ml_connector.transport.request import Reply

SIDE = "dynamics"
SUCCESS = 2  # the hundreds of a status
_SHARED = frozenset(  # sets that belong to no company
    {
        "AllProducts",
        "Companies",
        "Currencies",
        "DimensionAttributes",
        "FinancialDimensionValues",
        "LegalEntities",
        "PartyContactsV3",
        "ProductsV2",
        "UnitsOfMeasure",
    }
)


class DynamicsClient:
    """The data entities of one environment."""

    def __init__(self, transport: Transport, settings: DynamicsSettings) -> None:
        self.transport = transport
        self.settings = settings

    async def page(
        self,
        data_entity: str,
        *,
        select: Sequence[str],
        filter: str = "",  # noqa: A002 - OData's own word
        orderby: str = "",
        expand: str = "",
        top: int | None = None,
        next_link: str | None = None,
    ) -> ODataPage:
        """Read one page of a data entity, over all companies the app may see.

        Args:
            data_entity: Public collection name, for example ``CustomersV3``.
            select: Fields to read; never empty, since rows have hundreds.
            filter: Built with ``odata``.
            orderby: Field names with their directions.
            expand: Only first-level expansion is supported by F&O.
            top: At most so many rows in all; switches next links off.
            next_link: The link of the page before, followed as it is; of the rest only the set counts.

        Returns:
            0 to 10,000 rows; the last page is the one without a next link, not the one without rows.

        Raises:
            ConfigurationError: The environment has no such set or field.
            WallError: The next link leads to another host or set.
            UnavailableError: The answer was not a page, or its next link leads to itself.

        Source: https://learn.microsoft.com/dynamics365/fin-ops-core/dev-itpro/data-entities/odata
        """
        path = f"/data/{odata.name(data_entity)}"
        if next_link is not None:
            path = urlsplit(next_link).path
            if unquote(path).rpartition("/")[2] != data_entity:
                raise self._goes_astray(data_entity)
            request = ReadRequest(SIDE, "GET", path, "rows", url=next_link)
        else:
            options = {
                "$select": ",".join(odata.name(field) for field in select),
                "$filter": filter,
                "$orderby": orderby,
                "$expand": expand,
                "$top": "" if top is None else str(top),
                "cross-company": "" if data_entity in _SHARED else "true",
            }
            params = tuple((option, value) for option, value in options.items() if value)
            request = ReadRequest(SIDE, "GET", path, "rows", params=params)
        page = page_of(await self.transport.read(request))
        if page.next_link is not None and page.next_link == next_link:
            raise self._goes_astray(data_entity)
        return page

    async def pages(
        self,
        data_entity: str,
        *,
        select: Sequence[str],
        filter: str = "",  # noqa: A002 - OData's own word
        orderby: str = "",
        expand: str = "",
        top: int | None = None,
        next_link: str | None = None,
    ) -> AsyncIterator[ODataPage]:
        """Read page after page, from the beginning or from a next link; a link seen before is an error."""
        seen: set[str] = set()
        while True:
            page = await self.page(
                data_entity,
                select=select,
                filter=filter,
                orderby=orderby,
                expand=expand,
                top=top,
                next_link=next_link,
            )
            yield page
            next_link = page.next_link
            if next_link is None:
                return
            if next_link in seen:
                raise self._goes_astray(data_entity)
            seen.add(next_link)

    async def row(
        self, data_entity: str, key: Mapping[str, str], *, select: Sequence[str]
    ) -> dict[str, Any] | None:
        """Read one row by its full key (``dataAreaId`` included); None when there is none."""
        if not odata.fits_key_path(key):
            wanted = odata.all_of(odata.equals(field, value) for field, value in key.items())
            fields = tuple(dict.fromkeys((*select, *key)))
            async for page in self.pages(data_entity, select=fields, filter=wanted):
                for row in page.rows:  # "*" in a filter is a wildcard: only equal keys count
                    if all(_same(row.get(field), value) for field, value in key.items()):
                        return row
            return None
        params = [("$select", ",".join(odata.name(field) for field in select))]
        if data_entity not in _SHARED:
            params.append(("cross-company", "true"))
        path = f"/data/{odata.key_path(data_entity, dict(key))}"
        try:
            reply = await self.transport.read(ReadRequest(SIDE, "GET", path, "row", params=tuple(params)))
        except RejectedError as exc:
            if exc.code == "dynamics.not_found":
                return None
            raise
        return row_of(reply)

    async def rows_by(
        self,
        data_entity: str,
        field: str,
        values: Sequence[str],
        *,
        select: Sequence[str],
        extra_filter: str = "",
    ) -> list[dict[str, Any]]:
        """Read the rows whose field equals one of the values, in as few calls as URLs allow."""
        fields = tuple(dict.fromkeys((*select, field)))
        wanted = {value.casefold() for value in values}
        room = odata.LONGEST_FILTER - len(extra_filter) * 2 - sum(len(each) + 1 for each in fields)
        rows: list[dict[str, Any]] = []
        for chain in odata.chains(field, dict.fromkeys(values), room=max(room, 200)):
            async for page in self.pages(
                data_entity, select=fields, filter=odata.all_of((extra_filter, chain))
            ):
                rows.extend(row for row in page.rows if str(row.get(field, "")).casefold() in wanted)
        return rows

    async def create(
        self,
        data_entity: str,
        body: bytes | Mapping[str, Any],
        *,
        call_id: str,
        last_check: Callable[[], None] | None = None,
    ) -> dict[str, Any]:
        """Create one row; the company is the body's ``dataAreaId``. Not idempotent: sent once.

        Returns:
            The row as F&O filled it.

        Raises:
            UncertainWriteError: It may have been created.
            RejectedError: F&O said no; nothing was created.
        """
        request = WriteRequest(
            SIDE,
            "POST",
            f"/data/{odata.name(data_entity)}",
            data_entity,
            fields=body if isinstance(body, bytes) else dict(body),
            idempotent=False,
            call_id=call_id,
        )
        return row_of(await self.transport.write(request, last_check=last_check))

    async def create_together(
        self,
        rows: Sequence[tuple[str, bytes]],
        *,
        call_id: str,
        last_check: Callable[[], None] | None = None,
    ) -> list[dict[str, Any]]:
        """Create several rows in one change set: data entity and exact body of each. Not idempotent: sent once.

        Returns:
            The rows as F&O filled them, in their order.

        Raises:
            UncertainWriteError: They may have been created.
            RejectedError: F&O refused one. Where change sets are atomic none was created; who must know reads.

        Source: https://learn.microsoft.com/dynamics365/fin-ops-core/dev-itpro/data-entities/odata
        """
        parts = [
            WriteRequest(SIDE, "POST", f"/data/{odata.name(name)}", name, fields=body, idempotent=False)
            for name, body in rows
        ]
        replies = await self.transport.write_together(BATCH, parts, call_id=call_id, last_check=last_check)
        for reply, part in zip(replies, parts, strict=False):
            if reply.status // 100 != SUCCESS:
                raise _failed(reply, part)
        if len(replies) != len(parts):
            raise UncertainWriteError(
                f"Dynamics answered {len(replies)} of {len(parts)} writes of one call.",
                hint="They are looked up before anything is sent again.",
            )
        return [row_of(reply) for reply in replies]

    async def update(
        self, data_entity: str, key: Mapping[str, str], fields: Mapping[str, Any], *, etag: str, call_id: str
    ) -> None:
        """Change fields of one row, if it is still as it was read.

        Args:
            data_entity: Public collection name.
            key: The full key, ``dataAreaId`` included.
            fields: What to change; nothing else of the row does.
            etag: ``@odata.etag`` of the row as last read.
            call_id: Of the intent row.

        Raises:
            RejectedError: F&O said no; ``dynamics.changed_meanwhile`` when the row has changed since.

        Source: https://learn.microsoft.com/dynamics365/fin-ops-core/dev-itpro/data-entities/odata
        """
        await self.transport.write(
            WriteRequest(
                SIDE,
                "PATCH",
                f"/data/{odata.key_path(data_entity, dict(key))}",
                data_entity,
                fields=dict(fields),
                idempotent=True,
                params=() if data_entity in _SHARED else (("cross-company", "true"),),
                headers=(("If-Match", etag),) if etag else (),
                call_id=call_id,
            )
        )

    async def count(self, data_entity: str, filter: str = "") -> int:  # noqa: A002 - OData's own word
        """How many rows there are, over all companies."""
        options = {
            "$count": "true",
            "$top": "1",
            "$filter": filter,
            "cross-company": "" if data_entity in _SHARED else "true",
        }
        params = tuple((option, value) for option, value in options.items() if value)
        path = f"/data/{odata.name(data_entity)}"
        reply = await self.transport.read(ReadRequest(SIDE, "GET", path, "rows", params=params))
        count = reply.data.get("@odata.count") if isinstance(reply.data, dict) else None
        if not isinstance(count, int):
            raise unexpected(reply, "a count")
        return count

    def _goes_astray(self, data_entity: str) -> UnavailableError:
        return UnavailableError(
            f"The pages of {data_entity} lead in a circle or to another data entity; the read was stopped.",
            code="dynamics.next_link",
            hint="Run it again; should it stay, tell whoever runs the environment.",
        )


def _failed(reply: Reply, part: WriteRequest) -> ConnectorError:
    """The error of a part; one that failed inside F&O may have been written."""
    verdict = JUDGE.verdict(reply.status, reply.headers, reply.data)
    if reply.status >= HTTPStatus.INTERNAL_SERVER_ERROR and isinstance(verdict, Again):
        return UncertainWriteError(
            f"The write to {part.resource} may have landed: status {reply.status} inside a call of several.",
            hint="It is looked up before anything is sent again.",
        )
    return JUDGE.fault(reply, part)


def _same(found: Any, wanted: str) -> bool:
    """Equality as F&O's keys have it: case does not count."""
    return isinstance(found, str) and found.casefold() == wanted.casefold()
