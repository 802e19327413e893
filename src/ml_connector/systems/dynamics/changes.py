"""Rows by their time of change, where a data entity tells one.

Standard customers and products have no such field. An extension of the tenant may add one, and the table entities for
business intelligence have SysModifiedDateTime, which moves with their own table only.

Source: https://learn.microsoft.com/dynamics365/fin-ops-core/dev-itpro/data-entities/odata
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ml_connector.domain.clock import moment_of
from ml_connector.domain.text import did_you_mean
from ml_connector.errors import ConfigurationError
from ml_connector.systems.dynamics.odata import compare
from ml_connector.systems.dynamics.source import both, pick

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ml_connector.systems.dynamics.client import DynamicsClient
    from ml_connector.systems.dynamics.models import ODataPage

OFF, BI = "off", "bi"  # what a setting changes_from may say beside the name of a field
BI_FIELD = "SysModifiedDateTime"
_EMPTY_UNTIL = datetime(1900, 1, 2, tzinfo=UTC)  # F&O's way of saying that there is no time
_NOT_THERE = ("dynamics.unknown_field", "dynamics.unknown_entity", "dynamics.name")


@dataclass(frozen=True, slots=True)
class TimedSet:
    """A data entity, its field with the time of change, and the fields that name its rows."""

    data_entity: str
    field: str
    key: tuple[str, ...]
    condition: str = ""  # on the rows that count

    @property
    def order(self) -> str:
        """By time, then by key."""
        return ",".join((self.field, *self.key))


@dataclass(slots=True)
class Found:
    """The rows that changed, each with its data entity; ``reach`` is the time up to which none is missing.

    ``whole`` is False when there were so many that reading ended before the last.
    """

    reach: str
    rows: list[tuple[TimedSet, Mapping[str, Any]]] = field(default_factory=list)
    whole: bool = True


@dataclass(frozen=True, slots=True)
class ChangedRows:
    """The rows of some data entities by their times of change; ``setting`` is what chose them."""

    client: DynamicsClient
    sets: tuple[TimedSet, ...]
    scope: str
    setting: str

    async def newest(self) -> str:
        """The newest time any of the data entities shows, as F&O writes it; empty when all are empty.

        Raises:
            ConfigurationError: a data entity or its field is not there, or holds no times.
        """
        found = ""
        for timed in self.sets:
            for row in (await self._latest(timed)).rows:
                text = row.get(timed.field) or ""
                if text and self._moment(timed, text) > _EMPTY_UNTIL:
                    found = max(found or text, text, key=moment_of)
        return found

    async def after(self, moment: datetime, *, most: int) -> Found:
        """The rows changed later than that, oldest first; no further page once there are more than ``most``.

        One page is one look of F&O's. Behind the first, a row that changes meanwhile makes others slip past a page's
        end: so only the first page counts as read, and what follows it is read once more the next time.
        """
        found = Found(await self.newest())
        for timed in self.sets:
            is_first = True
            async for page in self.client.pages(
                timed.data_entity,
                select=(timed.field, *timed.key),
                filter=both(self.scope, timed.condition, compare(timed.field, "gt", moment)),
                orderby=timed.order,
            ):
                names = (timed.field, *timed.key)
                rows = [pick(row, names, timed.data_entity) for row in page.rows]
                found.rows += [(timed, row) for row in rows]
                if is_first and page.next_link is not None:
                    last = rows[-1][timed.field] if rows else moment.isoformat()
                    found.reach = min(found.reach or last, last, key=moment_of)
                is_first = False
                if len(found.rows) > most:
                    found.whole = False
                    return found
        return found

    async def _latest(self, timed: TimedSet) -> ODataPage:
        """The row that changed last."""
        try:
            return await self.client.page(
                timed.data_entity,
                select=(timed.field,),
                filter=both(self.scope, timed.condition),
                orderby=f"{timed.field} desc",
                top=1,
            )
        except ConfigurationError as error:
            if error.code not in _NOT_THERE:
                raise
            raise await self._not_there(timed, error) from error

    async def _not_there(self, timed: TimedSet, error: ConfigurationError) -> ConfigurationError:
        """What to say of a field or data entity that is not there: the nearest one that holds times."""
        if error.code == "dynamics.unknown_entity":
            return _wrong(self.setting, f"this environment has no data entity {timed.data_entity}")
        page = await self.client.page(timed.data_entity, select=(), filter=self.scope, top=1)
        names = [name for row in page.rows for name, value in row.items() if _parsed(value)]
        return _wrong(
            self.setting, f"{timed.data_entity} has no field of that name", did_you_mean(timed.field, names)
        )

    def _moment(self, timed: TimedSet, value: Any) -> datetime:
        moment = _parsed(value)
        if moment is None:
            raise _wrong(self.setting, f"{timed.data_entity}.{timed.field} holds {value!r}, which is no time")
        return moment


def timed_sets(chosen: str, *, own: TimedSet, bi: Sequence[TimedSet]) -> tuple[TimedSet, ...]:
    """The data entities that a setting ``changes_from`` chooses: none, those of ``bi``, or a field of the own one."""
    if chosen in ("", OFF):
        return ()
    return tuple(bi) if chosen == BI else (own,)


def _wrong(setting: str, why: str, guess: str = "") -> ConfigurationError:
    return ConfigurationError(
        f"The setting {setting} cannot be used: {why}.{guess}",
        code="configuration.setting",
        hint="See what the environment offers: ml-connector ping --fit. Set to off, every pass reads all rows.",
    )


def _parsed(value: Any) -> datetime | None:
    """A time as F&O writes it; None for anything else."""
    try:
        return moment_of(value)
    except (TypeError, ValueError):
        return None
