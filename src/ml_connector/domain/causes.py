"""Why a record is parked: one list of causes. Screens, the command line and the docs read it.

Those of orders, which are the most, stand in ``order_causes.py``.
"""

from __future__ import annotations

from ml_connector.domain.cause import Cause, Turn
from ml_connector.domain.order_causes import ORDER_CAUSES

__all__ = ["CAUSES", "Cause", "Turn", "cause_of"]

CAUSES: dict[str, Cause] = {
    cause.code: cause
    for cause in (
        *ORDER_CAUSES,
        Cause(
            "record.rejected",
            "The other system refused the record",
            "The record was sent and the other system said no; its own words stand in the detail.",
            Turn.IT,
            "Correct the value in the system that owns it, or the rule that refuses it, then replay.",
        ),
        Cause(
            "dynamics.refused",
            "Dynamics refused the record",
            "Dynamics understood what was sent and said no; its own words stand in the message.",
            Turn.FINANCE,
            "Correct what Dynamics names, there or on the deal, then replay.",
        ),
        Cause(
            "hubspot.portal_rule",
            "A rule of the HubSpot portal refuses the record",
            "An administrator of the portal has made a property required or limited its values.",
            Turn.IT,
            "Fill the property by a row of the mapping file, or loosen the rule in HubSpot, then replay.",
        ),
        Cause(
            "mapping.source_missing",
            "The record lacks a field that the mapping reads",
            "Dynamics answered without a field that a row of the mapping file names.",
            Turn.IT,
            "Correct the row, or find out why the field is gone, then replay.",
        ),
        Cause(
            "mapping.value",
            "A value cannot be mapped",
            "A value of this record does not fit the rule of its field in the mapping.",
            Turn.FINANCE,
            "Correct the value in Dynamics, or the field's rule in the mapping file, then replay.",
        ),
        Cause(
            "contact.nameless",
            "A contact has neither a name nor a valid e-mail address",
            "HubSpot takes no contact without a name or an e-mail address; a malformed address does not count.",
            Turn.FINANCE,
            "Enter the name of the person, or correct the e-mail address, in Dynamics; it then goes by itself.",
        ),
        Cause(
            "order_status.deal_gone",
            "The deal of an order is gone",
            "The deal was deleted or merged in HubSpot after its order was placed; the order stands in Dynamics.",
            Turn.SALES,
            "Restore the deal, then replay; or follow the order in Dynamics.",
        ),
        Cause(
            "order_status.unknown",
            "Dynamics shows an order status the connector does not know",
            "The two statuses of the order do not go together, or one of them is new; nothing is guessed.",
            Turn.IT,
            "Look at the order in Dynamics; if it is as it should be, report the two statuses to whoever maintains "
            "the connector.",
        ),
        Cause(
            "record.duplicate_key",
            "Two records share one key",
            "Two records of one read carry the same key; the first was used, this one was stopped.",
            Turn.FINANCE,
            "Give each record its own number in Dynamics, then replay.",
        ),
        Cause(
            "record.deleted_in_target",
            "Deleted in HubSpot",
            "A person deleted the record in HubSpot; it is not made again by itself when it changes in Dynamics.",
            Turn.SALES,
            "Restore it in HubSpot and it goes on by itself, or replay it to have it made again.",
        ),
        Cause(
            "record.unusable_key",
            "The key cannot be stored",
            "The number of the record holds control characters, so nothing can be told apart by it.",
            Turn.FINANCE,
            "Give the record a number without control characters in Dynamics.",
        ),
    )
}


def cause_of(code: str) -> Cause:
    """The cause of a code; a code without an entry of its own falls back to its family's."""
    return CAUSES.get(code) or CAUSES["record.rejected"]
