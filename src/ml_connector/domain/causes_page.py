"""The page that explains why an order waits, written from the causes themselves.

``python -m ml_connector.domain.causes_page > docs/how-to/when-an-order-waits.md``; a test compares the two.
"""

from __future__ import annotations

import sys

from ml_connector.domain.cause import Cause, Turn
from ml_connector.domain.causes import CAUSES
from ml_connector.domain.order_causes import ORDER_CAUSES

HEAD = """\
# When an order waits

Written from the list of causes by `python -m ml_connector.domain.causes_page > docs/how-to/when-an-order-waits.md`.

A won deal that cannot become an order without a guess waits for the right person, with one of the causes below. The
deal shows it (order status "Waiting for ..." and the order message), and so do

```
ml-connector errors list --flow orders
ml-connector deals show 123
```

- **A deal that is corrected goes on by itself** once it has been left alone for the quiet period.
- **When something else was mended**, in Dynamics or in a rule, replay it: `ml-connector replay deals/123`.
- **What only a person can know** is chosen for this one order, with a reason:
  `ml-connector replay deals/123 --set account=US-001 --because "the branch buys"`.
- **A deal that is not to become an order here** is closed with a reason:
  `ml-connector deals decide 123 --handled --because "entered by hand"`.
- **After the order was placed**, a person decides: `ml-connector deals decide 123 --keep --because "agreed"`, or
  `--again` to place it once more as a new revision beside the old order.
"""
TITLES = {
    Turn.SALES: "Waiting for sales",
    Turn.FINANCE: "Waiting for finance",
    Turn.IT: "Waiting for IT",
}
# Causes that stop other records too, and whose sentence is the other system's own.
OTHERS = ("dynamics.refused", "mapping.value", "hubspot.portal_rule", "record.rejected")
REPORTED = "the other system reports it"


def page() -> str:
    """The whole page: a section for each one whose turn it may be, and in it one for each cause."""
    causes = (*ORDER_CAUSES, *(CAUSES[code] for code in OTHERS))
    sections = []
    for turn, title in TITLES.items():
        sections.append(f"## {title}\n")
        sections += [_section(cause) for cause in causes if cause.turn is turn]
    return "\n".join([HEAD, *sections])


def _section(cause: Cause) -> str:
    rows = [
        ("What to do", cause.next_action),
        ("In HubSpot", cause.in_hubspot),
        ("In Dynamics", cause.in_dynamics),
        ("Goes on", _goes_on(cause)),
        ("Code", f"`{cause.code}`" + (f" ({REPORTED})" if cause.code in OTHERS else "")),
    ]
    told = "\n".join(f"- {name}: {text}" for name, text in rows if text)
    return f"### {cause.title}\n\n{cause.explanation}\n\n{told}\n"


def _goes_on(cause: Cause) -> str:
    if not cause.retryable:
        return "when a person has decided; trying again does not help"
    if cause.in_hubspot and not cause.in_dynamics:
        return "by itself once the deal is corrected, or by replay"
    return "by replay, or by itself when the deal changes"


if __name__ == "__main__":
    sys.stdout.write(page())
