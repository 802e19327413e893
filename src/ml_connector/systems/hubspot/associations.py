"""Type ids of the associations HubSpot defines. The direction matters.

Source: https://developers.hubspot.com/docs/api-reference/latest/crm/associations/associate-records/guide
"""

from __future__ import annotations

CONTACT_TO_COMPANY = 279
COMPANY_TO_CONTACT = 280
PRIMARY_CONTACT_TO_COMPANY = 1
PRIMARY_COMPANY_TO_CONTACT = 2

DEAL_TO_COMPANY = 341
COMPANY_TO_DEAL = 342
PRIMARY_DEAL_TO_COMPANY = 5
PRIMARY_COMPANY_TO_DEAL = 6

DEAL_TO_CONTACT = 3
CONTACT_TO_DEAL = 4
DEAL_TO_LINE_ITEM = 19
LINE_ITEM_TO_DEAL = 20
QUOTE_TO_LINE_ITEM = 67
LINE_ITEM_TO_QUOTE = 68
PARENT_TO_CHILD_COMPANY = 13
CHILD_TO_PARENT_COMPANY = 14
