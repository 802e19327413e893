"""What every call to one portal needs, and what every answer is read with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ml_connector.errors import UnavailableError
from ml_connector.systems.hubspot.faults import ASSOCIATIONS, SEARCH, SIDE
from ml_connector.systems.hubspot.models import Record, next_after, unexpected
from ml_connector.systems.hubspot.paths import Paths

if TYPE_CHECKING:
    from ml_connector.systems.hubspot.settings import HubSpotSettings
    from ml_connector.transport.http import Transport
    from ml_connector.transport.request import Reply

BATCH = 100
_UNTIL_TOLD = (4, 0.0)  # calls at once before the first answer tells the portal's limit
_SEARCHES = (5, 1.0)  # per second and account; answers do not tell
_ASSOCIATION_CALLS = (100, 10.0)  # the smallest tier's; answers do not tell


class Calling:
    """One portal: the transport to it, its settings and paths."""

    def __init__(self, transport: Transport, settings: HubSpotSettings) -> None:
        self.transport = transport
        self.settings = settings
        self._paths = Paths(settings.api_version)
        transport.budget.assume(SIDE, *_UNTIL_TOLD)
        transport.budget.assume(SEARCH, *_SEARCHES)
        transport.budget.assume(ASSOCIATIONS, *_ASSOCIATION_CALLS)


def one_record(reply: Reply) -> Record:
    """The record that an answer is."""
    data = reply.data
    if not isinstance(data, dict) or "id" not in data or not isinstance(data.get("properties"), dict):
        raise unexpected(reply, "properties")
    return data


def onward(data: Any, after: str | None, what: str) -> str | None:
    """The next cursor; a page that leads to itself is an error."""
    following = next_after(data)
    if following is not None and following == after:
        raise circle(what)
    return following


def circle(what: str) -> UnavailableError:
    """Pages that would be read for ever."""
    return UnavailableError(
        f"The pages of {what} in HubSpot lead in a circle; the read was stopped.", code="hubspot.paging"
    )
