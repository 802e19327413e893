"""What readiness named, what it missed, and what it said without need: counted, and told deal by deal."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ml_connector.domain.causes import CAUSES, cause_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.orders.open_deals.making import OpenDeal

READY = "Ready"
TITLES = {cause.title: code for code, cause in CAUSES.items()}


@dataclass(frozen=True)
class Outcome:
    """One deal: what readiness showed when it was won, and where it stands now."""

    tenant: str
    number: int
    troubles: tuple[str, ...]
    shown: str  # the words on the deal
    state: str
    cause: str  # why it waits; empty when its order stands
    message: str

    @classmethod
    def of(cls, tenant: str, deal: OpenDeal, shown: str, stood: dict[str, Any]) -> Outcome:
        """From what the connector shows of the deal."""
        refused = stood["state"] != "done"
        cause = (stood["cause"] or stood["state"]) if refused else ""
        return cls(tenant, deal.number, deal.troubles, shown, stood["state"], cause, stood["message"])

    @property
    def refused(self) -> bool:
        """Whether placement did not come to its end."""
        return bool(self.cause)

    @property
    def named(self) -> bool:
        """Whether readiness said that the deal is not ready."""
        return self.shown not in ("", READY)

    @property
    def same_cause(self) -> bool:
        """Whether it said so for the cause that placement gave."""
        return self.shown.startswith(cause_of(self.cause).title)

    @property
    def as_line(self) -> str:
        """For the list of misses and false alarms."""
        why = ", ".join(self.troubles) or "nothing wrong with it"
        return f"{self.tenant} {self.number} ({why}): shown '{self.shown[:160]}'; {self.cause or 'placed'}: {self.message[:240]}"


@dataclass(frozen=True)
class Tally:
    """All deals together."""

    outcomes: Sequence[Outcome]

    @property
    def refused(self) -> list[Outcome]:
        """Deals that placement refused."""
        return [one for one in self.outcomes if one.refused]

    @property
    def missed(self) -> list[Outcome]:
        """Refused ones that readiness called ready."""
        return [one for one in self.refused if not one.named]

    @property
    def false_alarms(self) -> list[Outcome]:
        """Deals that readiness called not ready and that were placed all the same."""
        return [one for one in self.outcomes if one.named and not one.refused]

    @property
    def other_cause(self) -> list[Outcome]:
        """Refused ones that readiness named with another cause than placement did."""
        return [one for one in self.refused if one.named and not one.same_cause]

    @property
    def share(self) -> float:
        """Of what placement refused, so much was named."""
        return 1 - len(self.missed) / max(1, len(self.refused))

    def table(self) -> str:
        """By cause: refused, named, named with the same cause, missed; then every miss and false alarm."""
        lines = [f"{'cause':32} {'refused':>8} {'named':>6} {'same cause':>11} {'missed':>7}"]
        rows = Counter(one.cause for one in self.refused)
        for cause, count in sorted(rows.items(), key=lambda row: (-row[1], row[0])):
            of = [one for one in self.refused if one.cause == cause]
            named, same = sum(one.named for one in of), sum(one.same_cause for one in of)
            lines.append(f"{cause:32} {count:>8} {named:>6} {same:>11} {count - named:>7}")
        refused = len(self.refused)
        named = refused - len(self.missed)
        lines.append(f"{'all':32} {refused:>8} {named:>6} {named - len(self.other_cause):>11} {len(self.missed):>7}")
        lines.append(
            f"{len(self.outcomes)} deals, {len(self.outcomes) - refused} placed, {refused} refused, of which "
            f"readiness named {self.share:.2%}; {len(self.false_alarms)} false alarms"
        )
        for title, of in (("missed", self.missed), ("false alarm", self.false_alarms), ("other cause", self.other_cause)):
            lines += [f"{title}: {one.as_line}" for one in of]
        return "\n".join(lines)
