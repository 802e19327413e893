"""What tests of reads of changes share: the servers' own clock, what such a read asked for, and what it said."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from ml_connector.app.sync import sync
from ml_connector.app.system import SystemClock

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.flows.crawling import crawl_state, loaded
    from tests.flows.office import Office

    from ml_connector.engine.changes import Reading
else:
    from crawling import crawl_state, loaded  # pytest puts this folder on the path

OWN = "ModifiedDateTime"
TIMED = {"modified_property": "whole_record"}


@dataclass(slots=True)
class Theirs:
    """The clock of the systems, which goes four hours behind the connector's until it is put forward."""

    ahead: timedelta = field(default_factory=lambda: -timedelta(hours=4))

    def __call__(self) -> datetime:
        return SystemClock().now() + self.ahead

    def later(self, **span: float) -> None:
        self.ahead += timedelta(**span)


@dataclass(slots=True)
class Shop:
    """An office whose systems have a clock of their own."""

    office: Office
    theirs: Theirs

    def changes(self, number: int, *, ago: timedelta = timedelta(), **fields: Any) -> None:
        """A customer is changed, in a transaction whose time is so long ago."""
        key = f"usmf:US-{number:03}"
        self.office.twins.pair.dynamics.edit("CustomersV3", key, fields, self.theirs() - ago)

    async def read(self, kind: str, flow: str = "customers") -> Reading:
        """One pass that must succeed and be of that kind."""
        report = (await self.office.sync(flow))[flow]
        if report.error is not None:
            raise report.error
        assert report.reading is not None
        assert report.reading.kind == kind, report.reading
        return report.reading

    async def fully(self, flow: str = "customers") -> Reading:
        """The same, as a person asks for everything."""
        [report] = await sync(self.office.at, [flow], full=True)
        if report.error is not None:
            raise report.error
        assert report.reading is not None
        assert report.reading.kind == "full"
        return report.reading

    async def watermark(self, flow: str = "customers") -> datetime:
        """Up to which time of F&O's the changes have been read."""
        kept = (await crawl_state(self.office, flow)).watermark
        assert kept is not None
        return datetime.fromisoformat(kept)

    def now(self) -> datetime:
        """What F&O's clock says, as F&O writes it."""
        return self.theirs().astimezone(UTC).replace(microsecond=0)


async def crawled(
    start: Callable[..., Awaitable[Office]], customers: int, chosen: str = OWN, **options: Any
) -> Shop:
    """So many customers, loaded and then crawled in full, two hours ago by F&O's clock.

    Half an hour after them came a person, whom this flow does not move: the overlap reaches back to nobody else.
    """
    settings = {"customers": {"changes_from": chosen}, **options.pop("settings", {})}
    theirs = Theirs()
    switches = TIMED | options.pop("switches", {})
    office = await loaded(start, customers, settings=settings, switches=switches, clock=theirs, **options)
    shop = Shop(office, theirs)
    theirs.later(minutes=30)
    person = {"PartyType": "Person", "OrganizationName": "", "PersonFirstName": "Ada"}
    await office.customer("usmf:US-999", **person)
    await shop.read("full")
    theirs.later(hours=2)
    return shop


@dataclass(slots=True)
class Asked:
    """What F&O was asked, decoded."""

    targets: list[str]

    def of(self, data_entity: str, part: str = "") -> list[str]:
        """Listings of one data entity that hold this part."""
        found = [unquote(target).replace("+", " ") for target in self.targets]
        return [target for target in found if f"/data/{data_entity}?" in target and part in target]


def asked(office: Office) -> Asked:
    """From now on, what F&O is asked."""
    return Asked(office.calls("dynamics"))
