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
            "order.item_elsewhere",
            "The products are sold in different legal entities",
            "A line's product is released in another legal entity than the one that sells; one deal becomes one order.",
            Turn.SALES,
            "Change the legal entity or the line, or split the deal.",
        ),
        Cause(
            "order.item_unclear",
            "A number means several items",
            "A line's number is the product number of one item and the item number of another.",
            Turn.SALES,
            "Choose the item for the line.",
        ),
        Cause(
            "order.item_stopped",
            "The sales of a product are stopped",
            "Dynamics takes no order line for this item.",
            Turn.SALES,
            "Change the line to a product that is sold, or have the stop lifted, then replay.",
        ),
        Cause(
            "order.item_end_of_life",
            "A product is no longer sold",
            "The item's lifecycle state ends its sales.",
            Turn.SALES,
            "Change the line to a product that is sold.",
        ),
        Cause(
            "order.variant_missing",
            "A line does not say which variant was sold",
            "The product is sold in variants, such as sizes or colors.",
            Turn.SALES,
            "Replace the line by one for the variant, or choose its number for the line.",
        ),
        Cause(
            "order.place_unknown",
            "A site or warehouse does not exist",
            "A rule names a site or warehouse that Dynamics does not have in the legal entity.",
            Turn.IT,
            "Correct the rule, its table or the property it reads, then replay.",
        ),
        Cause(
            "order.warehouse_of_other_site",
            "Site and warehouse do not belong together",
            "The rules name a warehouse that belongs to another site.",
            Turn.IT,
            "Correct one of the two rules, or the property it reads, then replay.",
        ),
        Cause(
            "order.place_missing",
            "A line has nowhere to leave from",
            "Dynamics takes no line without a site, and for some items none without a warehouse.",
            Turn.FINANCE,
            "Set the item's default order settings in Dynamics, or a rule for site or warehouse, then replay.",
        ),
        Cause(
            "order.unit_changed",
            "A line was quoted in another unit",
            "The item's sales unit has changed since, and Dynamics cannot convert one into the other.",
            Turn.SALES,
            "Quote the line anew, or have the conversion set up in Dynamics, then replay.",
        ),
        Cause(
            "order.recurring_line",
            "A line is billed again and again",
            "Recurring lines do not become sales order lines.",
            Turn.SALES,
            "Make the line one-time, or handle the deal outside.",
        ),
        Cause(
            "order.tiered_line",
            "A line is priced in tiers",
            "Only a line with one price becomes an order line.",
            Turn.SALES,
            "Give the line one price, or handle the deal outside.",
        ),
        Cause(
            "order.quote_differs",
            "The deal is not what the buyer accepted",
            "The accepted quote comes to another total than the deal's lines.",
            Turn.SALES,
            "Correct the lines, or have a new quote accepted.",
        ),
        Cause(
            "order.currency_not_allowed",
            "Orders in this currency are not taken",
            "The deal's currency is not among those that the settings allow.",
            Turn.FINANCE,
            "Change the deal's currency, or allow it (orders.currencies).",
        ),
        Cause(
            "order.line_currency",
            "A line is in another currency than its deal",
            "An order has one currency.",
            Turn.SALES,
            "Bring line and deal to one currency.",
        ),
        Cause(
            "order.quantity",
            "A quantity cannot be ordered",
            "It must be above zero, fit the unit's decimals, and keep the item's minimum, maximum and multiple.",
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
            "order.discount",
            "A discount cannot be",
            "A discount is below zero or takes off more than the price.",
            Turn.SALES,
            "Correct the line's discount.",
        ),
        Cause(
            "order.amount_differs",
            "A line's amount does not follow from its price",
            "Quantity, price and discount do not give the amount the deal shows.",
            Turn.SALES,
            "Correct price or discount of the line.",
        ),
        Cause(
            "order.dimension_format",
            "Dynamics has no dimension format for integrations",
            "dimensions.yaml sets financial dimensions, and Dynamics has no active default dimension format that says "
            "how they are written.",
            Turn.IT,
            "Make a format of the type 'Default dimension format' active in Dynamics, then replay.",
            in_dynamics="General ledger > Chart of accounts > Dimensions > Financial dimension configuration for "
            "integrating applications",
        ),
        Cause(
            "order.dimension_unknown",
            "A financial dimension is not part of the format",
            "A rule names a dimension that the active dimension format of Dynamics does not hold.",
            Turn.FINANCE,
            "Correct the name in dimensions.yaml, or add the dimension to the format in Dynamics, then replay.",
            in_dynamics="General ledger > Chart of accounts > Dimensions > Financial dimension configuration for "
            "integrating applications",
        ),
        Cause(
            "order.dimension_value",
            "A financial dimension has a value that cannot be used",
            "The value is not in Dynamics, or is suspended, blocked or not active today in the selling legal entity.",
            Turn.FINANCE,
            "Correct the rule, its table or the default, or release the value in Dynamics, then replay.",
            in_dynamics="General ledger > Chart of accounts > Dimensions > Financial dimensions",
        ),
        Cause(
            "order.dimension_missing",
            "A mandatory financial dimension is empty",
            "The legal entity cannot do without this dimension, and neither a rule nor a default gives it.",
            Turn.FINANCE,
            "Fill on the deal what the rule looks at, add a rule to dimensions.yaml, or choose a value, then replay.",
        ),
        Cause(
            "order.dimension_text",
            "Financial dimensions cannot be written or read with certainty",
            "A value holds the delimiter of the dimension format, or a default does not fit the format.",
            Turn.IT,
            "Choose in Dynamics a delimiter that no value holds, then replay.",
            in_dynamics="General ledger > Chart of accounts > Dimensions > Financial dimension configuration for "
            "integrating applications",
        ),
        Cause(
            "order.customer_po_missing",
            "The customer's order number is missing",
            "This customer demands its own order number on every order.",
            Turn.SALES,
            "Enter it on the deal (d365_customer_po).",
        ),
        Cause(
            "order.customer_po_too_long",
            "The customer's order number is too long",
            "Dynamics takes 20 characters.",
            Turn.SALES,
            "Shorten it on the deal (d365_customer_po).",
        ),
        Cause(
            "order.requested_date",
            "The requested date cannot be met",
            "The date is past, or is no date.",
            Turn.SALES,
            "Agree on a new date and enter it (d365_requested_date).",
        ),
        Cause(
            "order.address_unknown",
            "The delivery address is not one of the customer's",
            "The deal picks an address that Dynamics does not know as a delivery address of this customer.",
            Turn.SALES,
            "Pick one that the message lists (d365_delivery_address), or have it entered in Dynamics.",
        ),
        Cause(
            "order.worker_unknown",
            "A personnel number does not exist",
            "A rule gives a personnel number that no worker in Dynamics has.",
            Turn.IT,
            "Correct the rule or its table, then replay.",
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
            "order.number_taken",
            "The number meant for the order is taken",
            "People choose the numbers of orders in this legal entity, and another order has the one for this deal.",
            Turn.FINANCE,
            "Give the other order its own number, or change orders.order_number, then replay.",
            in_dynamics="Accounts receivable > Orders > All sales orders",
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
