"""F&O's answers as they stand on the wire. What we read ignores what it does not know."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ml_connector.errors import UnavailableError

if TYPE_CHECKING:
    from ml_connector.transport.request import Reply


@dataclass(frozen=True, slots=True)
class ODataPage:
    """Rows of one page, and the link to the next; an empty page may well have one."""

    rows: list[dict[str, Any]]
    next_link: str | None


def page_of(reply: Reply) -> ODataPage:
    """The page an answer holds.

    Raises:
        UnavailableError: The answer is not a page: never taken for an empty one.
    """
    data = reply.data
    rows = data.get("value") if isinstance(data, dict) else None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise unexpected(reply, "a page of rows")
    link = data.get("@odata.nextLink")
    if link is not None and not isinstance(link, str):
        raise unexpected(reply, "a page of rows")
    return ODataPage(rows, link or None)


def row_of(reply: Reply) -> dict[str, Any]:
    """The one row an answer holds.

    Raises:
        UnavailableError: The answer is something else.
    """
    if not isinstance(reply.data, dict):
        raise unexpected(reply, "a row")
    return reply.data


def unexpected(reply: Reply, wanted: str) -> UnavailableError:
    """The error of an answer in a shape nobody expects."""
    return UnavailableError(
        f"Dynamics answered with status {reply.status}, but not with {wanted}.",
        code="dynamics.shape",
        correlation_id=reply.correlation_id,
    )
