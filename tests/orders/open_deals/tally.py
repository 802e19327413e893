"""What readiness named, what it missed, and what it said without need: counted, and told deal by deal."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ml_connector.domain.causes import cause_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tests.orders.open_deals.making import OpenDeal

READY = "Ready"
# A refusal of Dynamics' own is foretold by one that went before.
FORETOLD_AS = {"dynamics.refused": "order.refused_before"}


@dataclass(frozen=True)
class Outcome:
    """One deal: what readiness showed when it was won, and where it stands now."""

    tenant: str
    number: int
    troubles: tuple[str, ...]
    shown: str  # the words on the deal
    cause: str  # why it waits; empty when its order stands
    message: str
    excuse: str  # why readiness could not know; empty where it could

    @classmethod
    def of(cls, tenant: str, deal: OpenDeal, *, shown: str, stood: dict[str, Any], excuse: str) -> Outcome:
        """From what the connector shows of the deal."""
        cause = "" if stood["state"] == "done" else str(stood["cause"] or stood["state"])
        return cls(tenant, deal.number, deal.troubles, shown, cause, stood["message"], excuse)

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
        cause = FORETOLD_AS.get(self.cause, self.cause)
        said = self.message.partition(": ")[2] if cause != self.cause else ""
        return self.shown.startswith(cause_of(cause).title) and said in self.shown

    @property
    def as_line(self) -> str:
        """For the list of misses and false alarms."""
        wrong = ", ".join(self.troubles) or "nothing wrong with it"
        became = f"{self.cause}: {self.message}" if self.cause else "placed"
        return (
            f"{self.tenant} {self.number} ({wrong}): shown '{self.shown[:400]}', then {became[:400]} "
            f"[{self.excuse or 'readiness could have known'}]"
        )


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

    @property
    def unexcused(self) -> list[Outcome]:
        """Misses and false alarms that a careful reader of both systems would not have made."""
        title = cause_of("order.refused_before").title
        careless = [one for one in self.false_alarms if not one.shown.startswith(title)]
        return [*careless, *(one for one in (*self.missed, *self.false_alarms) if not one.excuse)]

    def table(self) -> str:
        """By cause: refused, named, named with the same cause, missed; then every miss and false alarm."""
        refused = self.refused
        rows = Counter(one.cause for one in refused)
        lines = [f"{'cause':32} {'refused':>8} {'named':>6} {'same cause':>11} {'missed':>7}"]
        causes = sorted(rows, key=lambda name: (-rows[name], name))
        lines += [_row(cause, [one for one in refused if one.cause == cause]) for cause in causes]
        lines.append(_row("all", refused))
        lines.append(
            f"{len(self.outcomes)} deals, {len(self.outcomes) - len(refused)} placed, {len(refused)} refused: "
            f"{self.share:.2%} named, {len(self.missed)} missed, {len(self.false_alarms)} false alarms"
        )
        return "\n".join(
            (
                *lines,
                *_told("missed", self.missed),
                *_told("false alarm", self.false_alarms),
                *_told("other cause", self.other_cause),
            )
        )


def _row(cause: str, of: Sequence[Outcome]) -> str:
    named = [one for one in of if one.named]
    same = sum(one.same_cause for one in named)
    return f"{cause:32} {len(of):>8} {len(named):>6} {same:>11} {len(of) - len(named):>7}"


def _told(title: str, of: Iterable[Outcome]) -> list[str]:
    return [f"{title}: {one.as_line}" for one in of]
