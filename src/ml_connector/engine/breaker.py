"""The breaker: a short or odd read is never a mass change. It judges a crawl before anything of it is written."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ml_connector.domain.diff import Change
    from ml_connector.engine.ports import Traits


@dataclass(frozen=True, slots=True)
class Limits:
    """What a crawl may change by itself; beyond it, it stops and waits for a person. Shares are of known records."""

    gone_share: Decimal = Decimal("0.02")
    gone_least: int = 25
    changed_share: Decimal = Decimal("0.20")
    changed_least: int = 25  # in a small portal a fifth is a handful: an ordinary day's work
    blanked_share: Decimal = Decimal("0.01")
    moved_share: Decimal = Decimal("0.10")
    moved_least: int = 25
    parked_share: Decimal = Decimal("0.20")  # of the records of one run
    parked_of: int = 50  # fewer records than this tell nothing
    moved_by: Decimal = Decimal("0.5")  # a price that moved by more than this share of itself


@dataclass(slots=True)
class Figures:
    """What a crawl would do, counted while it reads."""

    read: int = 0
    known: int = 0
    created: int = 0
    changed: int = 0
    gone: int = 0
    blanked: int = 0
    flipped: int = 0
    moved: int = 0
    parked: int = 0
    skipped: Counter[str] = field(default_factory=Counter)

    def add(self, changes: Iterable[Change], traits: Traits, limits: Limits) -> None:
        """Count the changes of a page."""
        for change in changes:
            if change.kind in ("create", "follow"):
                self.created += 1
            elif change.kind != "mark" and not change.takes_over and change.before_after:
                self.changed += 1
                self.blanked += any(_is_blanked(change.before_after, name) for name in traits.names)
                self.flipped += _is_flipped(change, traits)
                self.moved += any(
                    _is_moved(change.before_after, name, limits.moved_by) for name in traits.prices
                )

    def as_details(self) -> dict[str, Any]:
        """Plain data for the store."""
        return asdict(self) | {"skipped": dict(self.skipped)}

    @classmethod
    def from_details(cls, details: Mapping[str, Any]) -> Figures:
        """The figures a resumed crawl goes on with."""
        return cls(**{**details, "skipped": Counter(details["skipped"])}) if details else cls()


def verdict(figures: Figures, traits: Traits, limits: Limits) -> list[str]:
    """Why a person must look before anything is written; nothing when all is as on any day.

    Returns:
        One sentence a rule that was broken.
    """
    known = figures.known
    found: list[str] = []
    if _too_many(figures.gone, known, limits.gone_share, limits.gone_least):
        found.append(f"{figures.gone:,} of {known:,} known records would be marked as gone")
    if known > 1 and figures.gone == known:
        found.append(f"none of {known:,} known records was found")
    if not traits.bulk_is_normal and _too_many(
        figures.changed, known, limits.changed_share, limits.changed_least
    ):
        found.append(f"{figures.changed:,} of {known:,} known records would change")
    if _too_many(figures.blanked, known, limits.blanked_share, 1):
        found.append(f"{figures.blanked:,} of {known:,} names would be blanked")
    if figures.flipped:
        found.append(f"the currency of {figures.flipped:,} records would change")
    if _too_many(figures.moved, known, limits.moved_share, limits.moved_least):
        found.append(
            f"{figures.moved:,} of {known:,} prices would move by more than {limits.moved_by * 100:.0f} %"
        )
    if figures.read >= limits.parked_of and figures.parked > figures.read * limits.parked_share:
        found.append(f"{figures.parked:,} of {figures.read:,} records that were read would be parked")
    return found


def _too_many(count: int, known: int, share: Decimal, least: int) -> bool:
    return count >= least and count > known * share


def _is_blanked(changes: Mapping[str, tuple[str | None, str]], name: str) -> bool:
    before, after = changes.get(name, (None, ""))
    return bool(before) and after == ""


def _is_flipped(change: Change, traits: Traits) -> bool:
    """A currency became another one, or a price arrived beside one that is cleared or no longer kept."""
    changes = change.before_after
    if any(before and after != before for before, after in _of(changes, traits.currencies)):
        return True
    arrived = any(not before and after != "" for before, after in _of(changes, traits.prices))
    left = any(change.written.get(name) and not change.record.properties.get(name) for name in traits.prices)
    return arrived and left


def _of(changes: Mapping[str, tuple[str | None, str]], names: Iterable[str]) -> list[tuple[str | None, str]]:
    return [changes[name] for name in names if name in changes]


def _is_moved(changes: Mapping[str, tuple[str | None, str]], name: str, by: Decimal) -> bool:
    before, after = changes.get(name, (None, ""))
    if not before:
        return False
    try:
        old, new = Decimal(before), Decimal(after or "0")
    except InvalidOperation:
        return False
    return old != 0 and abs(new - old) > abs(old) * by
