"""Where a line leaves from: site and warehouse by rule, else the header's, else F&O's default of the item.

Rules name what they look at: a property of the line or deal, the pipeline, the legal entity. What comes from F&O's own
defaults is not sent, only looked at, so that a line F&O would refuse stops before anything is written. What is raised
here goes on where a name ends: whoever asks says which line it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ml_connector.domain.text import did_you_mean
from ml_connector.errors import RecordError
from ml_connector.flows.orders.draft.resolved import ITEM_DEFAULT, Found

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ml_connector.flows.orders.lines.catalogue import Item
    from ml_connector.flows.orders.lines.item_settings import ItemSettings
    from ml_connector.flows.orders.set_up import Places
    from ml_connector.mapping.rules import RuleBook


@dataclass(frozen=True, slots=True)
class Shipping:
    """What is sent, and the site that counts: the sent one, else the one F&O will take; empty: not known."""

    site: Found
    warehouse: Found
    effective_site: str = ""


def ruled_places(rules: RuleBook, facts: Mapping[str, str], places: Places) -> Shipping | None:
    """Site and warehouse as the rules say; None when they say nothing.

    Raises:
        RecordError: there is no such site or warehouse, or the warehouse belongs to another site.
    """
    site, warehouse = rules.ask("site", facts), rules.ask("warehouse", facts)
    if site is None and warehouse is None:
        return None
    if site is not None and places.sites and site.value not in places.sites:
        near = did_you_mean(site.value, places.sites)
        raise RecordError(
            f"would leave from site {site.value} ({site.rule}), which is unknown.{near}",
            code="order.place_unknown",
        )
    if warehouse is None:
        assert site is not None
        return Shipping(Found(site.value, site.rule), ITEM_DEFAULT, site.value)
    own_site = _site_of(warehouse.value, warehouse.rule, places)
    if site is None:
        of_warehouse = Found(own_site, f"the site of warehouse {warehouse.value}")
        return Shipping(of_warehouse, Found(warehouse.value, warehouse.rule), own_site)
    if own_site and own_site != site.value:
        raise RecordError(
            f"would leave from warehouse {warehouse.value} ({warehouse.rule}), which belongs to site {own_site} and "
            f"not to site {site.value} ({site.rule}). Correct one of the two.",
            code="order.warehouse_of_other_site",
        )
    return Shipping(Found(site.value, site.rule), Found(warehouse.value, warehouse.rule), site.value)


def _site_of(warehouse: str, rule: str, places: Places) -> str:
    if places.known and warehouse not in places.site_of:
        near = did_you_mean(warehouse, places.site_of)
        raise RecordError(
            f"would leave from warehouse {warehouse} ({rule}), which is unknown.{near}",
            code="order.place_unknown",
        )
    return places.site_of.get(warehouse, "")


def ship_from(
    item: Item,
    ruled: Shipping | None,
    *,
    settings: ItemSettings,
    places: Places,
    header: Mapping[str, str],
) -> Shipping:
    """Where one line leaves from.

    Args:
        item: What leaves.
        ruled: What the rules say for the line.
        settings: Order settings of the item.
        places: Sites and warehouses of the legal entity.
        header: ``SiteId`` and ``WarehouseId`` that F&O gives the header: the customer's.

    Raises:
        RecordError: F&O would take no line without a site or warehouse, and there is none.
    """
    if ruled is not None and ruled.warehouse.value:
        return ruled
    site = ruled.effective_site if ruled else _default_site(item, settings, places, header)
    if not site:
        if settings.known and places.known:
            raise RecordError(
                "has no site to leave from: neither a rule nor the customer nor the item names one. Set the item's "
                "default order settings, or a rule for site.",
                code="order.place_missing",
            )
        return Shipping(ITEM_DEFAULT, ITEM_DEFAULT)
    own = settings.warehouse_at(item, site, places.site_of)
    of_header = header.get("WarehouseId", "") if ruled is None else ""
    if places.site_of.get(of_header, "") == site:
        own = of_header
    if not own and places.known and settings.needs_warehouse(item, site):
        raise RecordError(
            f"needs a warehouse, and none is named for site {site}. Set the item's default order settings, or a rule "
            "for warehouse.",
            code="order.place_missing",
        )
    if ruled is None:
        return Shipping(ITEM_DEFAULT, ITEM_DEFAULT, site)
    return Shipping(ruled.site, Found(own, f"the item's warehouse at site {site}"), site)


def _default_site(item: Item, settings: ItemSettings, places: Places, header: Mapping[str, str]) -> str:
    """The site F&O takes for a line that names none: the header's, its warehouse's, else the item's."""
    of_header = header.get("SiteId", "") or places.site_of.get(header.get("WarehouseId", ""), "")
    return of_header or settings.default_site(item)
