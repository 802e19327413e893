"""Data entities as pages of source records."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from ml_connector.domain.records import Page, SourceRecord, digest
from ml_connector.errors import ConfigurationError
from ml_connector.systems.dynamics.odata import all_of, any_of, equals

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence

    from ml_connector.systems.dynamics.client import DynamicsClient


Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Reading:
    """Which rows of which data entity, and which of their fields."""

    data_entity: str
    select: tuple[str, ...]
    filter: str = ""
    orderby: str = ""


def in_legal_entities(legal_entities: Sequence[str]) -> str:
    """The filter that keeps rows of these legal entities; they read ``cross-company``.

    Source: https://learn.microsoft.com/dynamics365/fin-ops-core/dev-itpro/data-entities/odata
    """
    return any_of([equals("dataAreaId", entity) for entity in legal_entities])


def both(*conditions: str) -> str:
    """All of these conditions; empty ones left out."""
    return all_of([condition for condition in conditions if condition])


def as_record(key: str, fields: dict[str, Any]) -> SourceRecord:
    """A source record with the digest of exactly its fields."""
    return SourceRecord(key, fields, digest(fields))


def pick(row: Mapping[str, Any], names: Sequence[str], data_entity: str) -> dict[str, Any]:
    """The selected fields of a row; whatever else the release added is ignored.

    Raises:
        ConfigurationError: a selected field is not there.
    """
    try:
        return {name: row[name] for name in names}
    except KeyError as exc:
        raise ConfigurationError(
            f"Dynamics answered {data_entity} without the field {exc.args[0]!r} that the mapping reads. "
            "Correct the mapping file, or ask IT whether the field was renamed.",
            code="dynamics.field_missing",
        ) from exc


async def read_pages(
    client: DynamicsClient,
    reading: Reading,
    cursor: str | None,
    record: Callable[[Mapping[str, Any]], SourceRecord],
) -> AsyncGenerator[Page, None]:
    """Every row of a reading, page by page as the server cuts them; the cursor is the server's next link."""
    pages = client.pages(
        reading.data_entity,
        select=reading.select,
        filter=reading.filter,
        orderby=reading.orderby,
        next_link=cursor,
    )
    async for page in pages:
        came = Page([record(row) for row in taken(page.rows)], page.next_link)
        yield came
        del came  # neither form is held while the next page is read


def taken(rows: list[Row]) -> Iterator[Row]:
    """Rows in their order, each let go when the next is asked for: a page need not be held in two forms."""
    rows.reverse()
    while rows:
        yield rows.pop()
