"""Why a person must release a draft, even where orders are placed by themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ml_connector.flows.orders.deal.snapshot import value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ml_connector.flows.orders.draft.order_draft import OrderDraft
    from ml_connector.flows.orders.settings import OrderSettings
    from ml_connector.systems.hubspot.client import HubSpotClient

# Values of hs_object_source that stand for a person at work in HubSpot; whatever else made a deal is a program.
PEOPLE = frozenset({"CRM_UI", "CRM_UI_BULK_ACTION", "MOBILE_IOS", "MOBILE_ANDROID"})


async def asks_for_a_person(
    hubspot: HubSpotClient, draft: OrderDraft, *, settings: OrderSettings, revision: int
) -> str:
    """A sentence without its end, or nothing when nobody need look."""
    if revision > 1:
        return f"This is revision {revision}: an earlier order of the deal stands in Dynamics"
    if settings.most_amount and draft.total > settings.most_amount:
        return (
            f"The order comes to {draft.total} {draft.currency}, and more than {settings.most_amount} waits for a "
            "person"
        )
    if settings.release == "automatic":
        return await _born_won(hubspot, draft.deal_id)
    return ""


async def _born_won(hubspot: HubSpotClient, deal_id: str) -> str:
    """A deal that an import or another program made already won: no rep has won it.

    Source: https://developers.hubspot.com/docs/guides/crm/using-object-apis
    """
    deal = await hubspot.get(
        "deals", deal_id, properties=("hs_object_source", "dealstage"), history=("dealstage",)
    )
    if deal is None:
        return ""
    source = value(deal["properties"], "hs_object_source")
    if source in PEOPLE or _was_open(deal):
        return ""
    by = "an import" if "IMPORT" in source else f"another program ({source or 'unknown'})"
    return f"The deal was made by {by} and has been won from its beginning"


def _was_open(deal: Mapping[str, Any]) -> bool:
    """Whether the deal has been in another stage than the one it is in."""
    history = (deal.get("propertiesWithHistory") or {}).get("dealstage") or []
    return len({str(entry.get("value")) for entry in history if isinstance(entry, dict)}) > 1
