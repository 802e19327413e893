"""Quotes as a rep makes them from a deal: their own copies of its lines, a state, and whether they are accepted.

Facts: https://developers.hubspot.com/docs/api-reference/latest/crm/commerce/quotes/guide; a quote's line items are
not the deal's: https://developers.hubspot.com/docs/api-reference/latest/crm/objects/products/guide
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from ml_connector.twin.hubspot.calculated import PERSON
from ml_connector.twin.hubspot.errors import ApiError
from ml_connector.twin.hubspot.values import stamp
from ml_connector.twin.hubspot.versions import VERSIONS

if TYPE_CHECKING:
    from datetime import datetime

    from ml_connector.twin.hubspot.portal import Portal
    from ml_connector.twin.hubspot.store import Record

DEAL_TO_QUOTE = frozenset({63})
QUOTE_TO_LINE = frozenset({67})
VALID_DAYS = 30


def make_quote(portal: Portal, deal: Record, now: datetime, *, status: str, accepted: bool) -> str:
    """Quote what stands on a deal now; returns the quote's id.

    Raises:
        ValueError: A status that quotes do not have.
    """
    table, items = portal.tables["quotes"], portal.tables["line_items"]
    values = {
        "hs_title": deal.properties["dealname"],
        "hs_status": status,
        "hs_expiration_date": stamp(now + timedelta(days=VALID_DAYS)),
        "hs_currency": deal.properties.get("deal_currency_code", portal.currency),
        "hs_esign_enabled": "true",
        "hs_esign_num_signers_required": "1",
        "hs_esign_num_signers_completed": "1" if accepted else "0",
        "hs_esign_date": stamp(now) if accepted else "",
    }
    try:
        quote = portal.commit(portal.draft_create(table, values, VERSIONS["v3"], {}), PERSON)
    except ApiError as refused:
        raise ValueError(refused.message) from refused
    portal.associate("deals", deal.id, "quotes", quote.id, DEAL_TO_QUOTE, replace=False)
    for line_id in sorted(portal.links.of("deals", deal.id, "line_items")):
        line = items.records[line_id]
        copied = items.insert(dict(line.properties), portal.now, PERSON, keep=portal.keep)
        portal.associate("quotes", quote.id, "line_items", copied.id, QUOTE_TO_LINE, replace=False)
    return str(quote.id)
