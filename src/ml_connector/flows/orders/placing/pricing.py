"""What F&O's own prices make of an order that was sent without (price_policy dynamics), against what the deal shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ml_connector.domain.money import currency_digits, within_one_minor_unit

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from decimal import Decimal

    from ml_connector.flows.orders.draft.order_draft import DraftLine


@dataclass(frozen=True, slots=True)
class PriceDifference:
    """One line whose amount in F&O is not the deal's; ``too_far`` when it is beyond the tolerance."""

    position: int
    title: str
    deal: Decimal
    dynamics: Decimal
    too_far: bool

    def in_words(self, currency: str) -> str:
        """A sentence for the page and for whoever decides."""
        return (
            f"Line {self.position} '{self.title}': the deal says {self.deal} {currency}, Dynamics "
            f"{self.dynamics} {currency}."
        )


def price_differences(
    lines: Sequence[DraftLine], amounts: Mapping[int, Decimal], *, tolerance: Decimal, currency: str
) -> tuple[PriceDifference, ...]:
    """The lines that F&O priced otherwise than the deal; a minor unit is no difference.

    Args:
        lines: Of the draft; each ``total`` is the deal's.
        amounts: F&O's ``LineAmount`` by the position of the line.
        tolerance: Share of the deal's amount by which F&O's may differ, such as 0.01.
        currency: Of the order, ISO 4217.
    """
    digits = currency_digits(currency)
    found = []
    for line in lines:
        stands = amounts[line.position]
        if not within_one_minor_unit(line.total, stands, digits):
            too_far = abs(stands - line.total) > abs(line.total) * tolerance
            found.append(PriceDifference(line.position, line.title, line.total, stands, too_far))
    return tuple(found)
