"""Addresses of F&O's screens for people. They open a list in the right legal entity; the record is searched there.

A menu item opens by its name in any release, while an address of one record only comes out of F&O itself.
Source: https://learn.microsoft.com/dynamics365/fin-ops-core/dev-itpro/user-interface/create-deep-links
"""

from __future__ import annotations

from urllib.parse import quote

_ALL_SALES_ORDERS = "SalesTableListPage"


def sales_orders(url: str, legal_entity: str) -> str:
    """The list of all sales orders of a legal entity, in the environment at this address."""
    return f"{url.rstrip('/')}/?cmp={quote(legal_entity.upper(), safe='')}&mi={_ALL_SALES_ORDERS}"
