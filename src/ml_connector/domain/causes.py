"""Why a record is parked: one list of causes. Screens, the command line and the docs read it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Turn(StrEnum):
    """Whose turn it is."""

    SALES = "sales"
    FINANCE = "finance"
    IT = "it"


@dataclass(frozen=True, slots=True)
class Cause:
    """One cause: a stable code, a title, a plain explanation, whose turn it is and the next action.

    ``in_hubspot`` and ``in_dynamics`` name the screen where it is mended; ``retryable`` is False where trying again
    cannot help and a person decides.
    """

    code: str
    title: str
    explanation: str
    turn: Turn
    next_action: str
    in_hubspot: str = ""
    in_dynamics: str = ""
    retryable: bool = True

    @property
    def docs(self) -> str:
        """Where the documentation explains it."""
        return f"docs/how-to/when-an-order-waits.md#{self.code.replace('.', '').replace('_', '')}"


CAUSES: dict[str, Cause] = {
    cause.code: cause
    for cause in (
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
            "order.no_company",
            "The deal has no company",
            "An order needs the company that buys.",
            Turn.SALES,
            "Add the buying company to the deal.",
        ),
        Cause(
            "order.company_unclear",
            "The deal has several companies",
            "None of the deal's companies is marked as primary, so it is not clear who buys.",
            Turn.SALES,
            "Make the buying company the deal's primary company.",
        ),
        Cause(
            "order.company_not_linked",
            "The company has no customer account",
            "The deal's company is not linked to a customer in Dynamics in the legal entity that sells.",
            Turn.FINANCE,
            "Create the customer in Dynamics, or name its account on the deal (d365_customer_account).",
        ),
        Cause(
            "order.contact_unclear",
            "Several contacts of the deal are customers",
            "The deal has no company, and more than one of its contacts is a customer, so it is not clear who buys.",
            Turn.SALES,
            "Keep the contact who buys on the deal, or add the buying company.",
        ),
        Cause(
            "order.customer_doubtful",
            "The company may be a customer already",
            "Customers in Dynamics look like the company, and it is not certain that one of them is.",
            Turn.FINANCE,
            "Choose the account (deals approve DEAL --set account=...), or have a new one opened (--set open_account="
            "LEGAL_ENTITY).",
        ),
        Cause(
            "order.new_customer_incomplete",
            "A new customer lacks what Dynamics demands",
            "The company is to become a customer, and no rule gives a value that cannot be left out, or Dynamics "
            "does not list the one that is given.",
            Turn.FINANCE,
            "Give a rule in orders.yaml, or the value for this deal (deals approve DEAL --set customer.FIELD=...), "
            "then replay.",
        ),
        Cause(
            "order.customer_twice",
            "Several customers could be the one that was created",
            "The answer to the creation of a customer was lost, and more than one that came since fits what was sent.",
            Turn.FINANCE,
            "Find out which one is right and name its account on the deal (d365_customer_account), then replay.",
        ),
        Cause(
            "order.account_unclear",
            "The company has several customer accounts",
            "More than one account of this company exists in the legal entity that sells.",
            Turn.SALES,
            "Choose the account on the deal (d365_customer_account).",
        ),
        Cause(
            "order.legal_entity_unclear",
            "It is not clear which legal entity sells",
            "The company has accounts in several legal entities and the deal names none.",
            Turn.SALES,
            "Choose the legal entity on the deal (d365_legal_entity).",
        ),
        Cause(
            "order.legal_entity_unknown",
            "The legal entity is not connected",
            "The deal names a legal entity this connection does not work with.",
            Turn.SALES,
            "Correct d365_legal_entity on the deal.",
        ),
        Cause(
            "order.legal_entity_conflict",
            "Deal and company name different legal entities",
            "The deal names one legal entity, the company's accounts stand in another.",
            Turn.SALES,
            "Correct d365_legal_entity on the deal, or have an account opened there (deals approve DEAL --set "
            "open_account=LEGAL_ENTITY).",
        ),
        Cause(
            "order.customer_unknown",
            "The customer account does not exist",
            "The account the order would go to is not in Dynamics.",
            Turn.FINANCE,
            "Correct the account on the deal, or create it in Dynamics, then replay.",
        ),
        Cause(
            "order.customer_on_hold",
            "The customer is on hold",
            "Dynamics blocks orders for this customer or for the one who pays.",
            Turn.FINANCE,
            "Lift the hold in Dynamics, then replay; or tell sales that the order cannot be placed.",
        ),
        Cause(
            "order.no_lines",
            "The deal has no line items",
            "Without lines there is nothing to order.",
            Turn.SALES,
            "Add the line items that were sold.",
        ),
        Cause(
            "order.line_without_product",
            "A line names no product",
            "A line was typed by hand instead of chosen from the product library.",
            Turn.SALES,
            "Replace the line by one chosen from the products.",
        ),
        Cause(
            "order.item_unknown",
            "A product is not released in the legal entity that sells",
            "Dynamics has no item for a line of the deal.",
            Turn.SALES,
            "Change the line to a product that is sold there, or have it released, then replay.",
        ),
        Cause(
            "order.recurring_line",
            "A line is billed again and again",
            "Recurring lines do not become sales order lines.",
            Turn.SALES,
            "Make the line one-time, or handle the deal outside.",
        ),
        Cause(
            "order.quantity",
            "A quantity cannot be ordered",
            "The quantity must be above zero.",
            Turn.SALES,
            "Correct the line's quantity.",
        ),
        Cause(
            "order.price_missing",
            "A line has no price",
            "The agreed price is not on the line.",
            Turn.SALES,
            "Enter the price.",
        ),
        Cause(
            "order.amount_differs",
            "A line's amount does not follow from its price",
            "Quantity, price and discount do not give the amount the deal shows.",
            Turn.SALES,
            "Correct price or discount of the line.",
        ),
        Cause(
            "order.differs",
            "The order in Dynamics differs from the deal",
            "The order stands, and Dynamics changed or added something.",
            Turn.FINANCE,
            "Correct the order in Dynamics, then replay; it is compared again.",
        ),
        Cause(
            "order.reference_twice",
            "Two orders carry the same reference",
            "Only one order may belong to a deal.",
            Turn.FINANCE,
            "Keep one order in Dynamics and take the reference off the others, then replay.",
        ),
        Cause(
            "order.line_twice",
            "An order holds a line twice",
            "A line number of the deal stands on more than one order line.",
            Turn.FINANCE,
            "Delete the surplus line in Dynamics, then replay.",
        ),
        Cause(
            "order.unsure",
            "The order could not be placed with certainty",
            "Several attempts were lost without an answer, and the order is not in Dynamics.",
            Turn.IT,
            "Look whether Dynamics answers, then replay.",
        ),
        Cause(
            "order.not_won",
            "The deal is no longer won",
            "The deal left its won stage before the order was placed.",
            Turn.SALES,
            "Nothing, or win the deal again.",
        ),
        Cause(
            "order.deal_gone",
            "The deal is gone",
            "The deal was deleted or merged in HubSpot before the order was placed.",
            Turn.SALES,
            "Restore the deal if the order is wanted.",
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
