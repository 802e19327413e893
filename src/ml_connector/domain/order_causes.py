"""Why a won deal waits, in the order of its steps: every code that may stop it, with the screen where it is mended.

Longer than other files because it is one list.
"""

from __future__ import annotations

from ml_connector.domain.cause import Cause, Turn

DEAL = "Deals > the deal"
FIELDS = "Deals > the deal > About this deal, group Dynamics 365"
COMPANIES = "Deals > the deal > Companies"
LINES = "Deals > the deal > Line items"
QUOTES = "Deals > the deal > Quotes"
CUSTOMERS = "Accounts receivable > Customers > All customers"
ORDERS = "Accounts receivable > Orders > All sales orders"
PRODUCTS = "Product information management > Products > Released products"
ORDER_SETTINGS = f"{PRODUCTS} > Manage inventory > Default order settings"
ADDRESSES = f"{CUSTOMERS} > Addresses"
DIMENSIONS = "General ledger > Chart of accounts > Dimensions > Financial dimensions"
FORMATS = f"{DIMENSIONS.removesuffix('s')} configuration for integrating applications"

_GATHER = (
    Cause(
        "order.deal_gone",
        "The deal is gone",
        "The deal was deleted or merged in HubSpot before the order was placed.",
        Turn.SALES,
        "Restore the deal if the order is wanted.",
        in_hubspot="Deals > Actions > Restore records",
    ),
    Cause(
        "order.not_won",
        "The deal is no longer won",
        "The deal left its won stage before the order was placed.",
        Turn.SALES,
        "Nothing, or win the deal again.",
        in_hubspot=DEAL,
    ),
    Cause(
        "order.stage_unclear",
        "HubSpot contradicts itself about whether the deal is won",
        "The deal counts as won, and the stage it is in is not closed with a probability of 100 %.",
        Turn.IT,
        "Look at the stages of the pipeline in HubSpot, then replay.",
        in_hubspot="Settings > Objects > Deals > Pipelines",
    ),
    Cause(
        "order.no_company",
        "The deal has no company",
        "An order needs the company that buys, or the one contact of a customer who is a person.",
        Turn.SALES,
        "Add the buying company to the deal.",
        in_hubspot=COMPANIES,
    ),
    Cause(
        "order.company_unclear",
        "The deal has several companies",
        "None of the deal's companies is marked as primary, so it is not clear who buys.",
        Turn.SALES,
        "Make the buying company the deal's primary company.",
        in_hubspot=COMPANIES,
    ),
    Cause(
        "order.contact_unclear",
        "Several contacts of the deal are customers",
        "The deal has no company, and more than one of its contacts is a customer in Dynamics.",
        Turn.SALES,
        "Leave only the contact who buys, or add the buying company.",
        in_hubspot="Deals > the deal > Contacts",
    ),
    Cause(
        "order.no_lines",
        "The deal has no line items",
        "Without lines there is nothing to order.",
        Turn.SALES,
        "Add the line items that were sold.",
        in_hubspot=LINES,
    ),
    Cause(
        "order.recurring_line",
        "A line is billed again and again",
        "Recurring lines do not become sales order lines.",
        Turn.SALES,
        "Make the line one-time; or handle the deal outside: deals decide --handled.",
        in_hubspot=LINES,
    ),
    Cause(
        "order.tiered_line",
        "A line has a tiered price",
        "The price of the product depends on the quantity by steps, which an order line cannot say.",
        Turn.SALES,
        "Replace the line by one with a fixed price; or handle the deal outside: deals decide --handled.",
        in_hubspot=LINES,
    ),
    Cause(
        "order.quote_differs",
        "The accepted quote says another total",
        "The customer accepted a quote whose total is not that of the deal's lines.",
        Turn.SALES,
        "Bring the lines in line with the accepted quote, or have a new quote accepted.",
        in_hubspot=QUOTES,
    ),
)

_LEGAL_ENTITY = (
    Cause(
        "order.legal_entity_unclear",
        "It is not clear which legal entity sells",
        "The company has accounts in several legal entities and the deal names none.",
        Turn.SALES,
        "Choose the legal entity on the deal (d365_legal_entity).",
        in_hubspot=FIELDS,
    ),
    Cause(
        "order.legal_entity_unknown",
        "The legal entity is not connected",
        "The deal names a legal entity this connection does not work with.",
        Turn.SALES,
        "Correct d365_legal_entity on the deal.",
        in_hubspot=FIELDS,
    ),
    Cause(
        "order.legal_entity_conflict",
        "Deal and company name different legal entities",
        "The deal names one legal entity, the company's accounts stand in another.",
        Turn.SALES,
        "Correct d365_legal_entity on the deal, or choose to open an account there: replay DEAL --set open_account=...",
        in_hubspot=FIELDS,
        in_dynamics=CUSTOMERS,
    ),
    Cause(
        "order.item_elsewhere",
        "The lines are sold by different legal entities",
        "No legal entity sells every line of the deal. Orders are not split in this version.",
        Turn.SALES,
        "Make one deal for each legal entity, or handle the deal outside: deals decide --handled.",
        in_hubspot=LINES,
        in_dynamics=PRODUCTS,
    ),
)

_CUSTOMER = (
    Cause(
        "order.company_not_linked",
        "The company has no customer account",
        "The deal's company is not linked to a customer in Dynamics in the legal entity that sells.",
        Turn.FINANCE,
        "Create the customer in Dynamics, or name its account on the deal (d365_customer_account).",
        in_hubspot=FIELDS,
        in_dynamics=CUSTOMERS,
    ),
    Cause(
        "order.account_unclear",
        "The company has several customer accounts",
        "More than one account of this company exists in the legal entity that sells.",
        Turn.SALES,
        "Choose the account on the deal (d365_customer_account).",
        in_hubspot=FIELDS,
    ),
    Cause(
        "order.customer_unknown",
        "The customer account does not exist",
        "The account the order would go to is not in Dynamics.",
        Turn.FINANCE,
        "Correct the account on the deal, or create it in Dynamics, then replay.",
        in_hubspot=FIELDS,
        in_dynamics=CUSTOMERS,
    ),
    Cause(
        "order.customer_doubtful",
        "The company may be a customer already",
        "One or more customers in Dynamics look like the deal's company, and none of them for certain.",
        Turn.FINANCE,
        "Choose the account (replay DEAL --set account=...), or approve that the customer is new.",
        in_dynamics=CUSTOMERS,
    ),
    Cause(
        "order.new_customer_incomplete",
        "A new customer lacks what Dynamics needs",
        "No rule gives a field that the new customer cannot do without, or an address cannot be resolved.",
        Turn.FINANCE,
        "Fill the company in HubSpot, add a rule, or choose the value (replay DEAL --set customer.FIELD=...).",
        in_hubspot="Companies > the company",
    ),
    Cause(
        "order.customer_on_hold",
        "The customer is on hold",
        "Dynamics blocks orders for this customer or for the one who pays.",
        Turn.FINANCE,
        "Lift the hold in Dynamics, then replay; or tell sales that the order cannot be placed.",
        in_dynamics=f"{CUSTOMERS} > Credit and collections > Invoicing and delivery on hold",
    ),
    Cause(
        "order.customer_twice",
        "Several customers could be the one that was created",
        "The answer to the creation of a customer was lost, and more than one that came since fits what was sent.",
        Turn.FINANCE,
        "Find out which one is right and name its account on the deal (d365_customer_account), then replay.",
        in_dynamics=CUSTOMERS,
    ),
)

_PRODUCTS = (
    Cause(
        "order.line_without_product",
        "A line names no product",
        "A line was typed by hand instead of chosen from the product library.",
        Turn.SALES,
        "Replace the line by one chosen from the products.",
        in_hubspot=LINES,
    ),
    Cause(
        "order.item_unknown",
        "A product is not released in the legal entity that sells",
        "Dynamics has no item for a line of the deal.",
        Turn.SALES,
        "Change the line to a product that is sold there, or have it released, then replay.",
        in_hubspot=LINES,
        in_dynamics=PRODUCTS,
    ),
    Cause(
        "order.item_stopped",
        "A product may not be sold any more",
        "The item of a line is stopped for sales, or its life cycle has ended.",
        Turn.SALES,
        "Change the line to a product that is sold, or have the stop lifted, then replay.",
        in_hubspot=LINES,
        in_dynamics=ORDER_SETTINGS,
    ),
    Cause(
        "order.variant_missing",
        "It is not clear which variant is sold",
        "The item has variants, and the line does not say which one.",
        Turn.SALES,
        "Change the line to the variant that was sold.",
        in_hubspot=LINES,
        in_dynamics=f"{PRODUCTS} > Released product variants",
    ),
    Cause(
        "order.unit_changed",
        "The unit of a line is not one the item is sold in",
        "The unit copied when the line was quoted cannot be converted into a unit of the item.",
        Turn.SALES,
        "Quote the line anew, or add the conversion in Dynamics, then replay.",
        in_hubspot=LINES,
        in_dynamics=f"{PRODUCTS} > Unit conversions",
    ),
    Cause(
        "order.place_missing",
        "It is not clear where a line ships from",
        "Dynamics demands a site or warehouse, and neither the deal, a rule nor the item's default gives one.",
        Turn.IT,
        "Add a rule for the site to orders.yaml, or a default to the item, then replay.",
        in_dynamics=ORDER_SETTINGS,
    ),
    Cause(
        "order.item_unclear",
        "A number means several items",
        "A line's number is the product number of one item and the item number of another.",
        Turn.SALES,
        "Choose the item for the line.",
        in_dynamics=PRODUCTS,
    ),
    Cause(
        "order.item_end_of_life",
        "A product is no longer sold",
        "The item's lifecycle state ends its sales.",
        Turn.SALES,
        "Change the line to a product that is sold.",
        in_hubspot=LINES,
    ),
    Cause(
        "order.place_unknown",
        "A site or warehouse does not exist",
        "A rule names a site or warehouse that Dynamics does not have in the legal entity.",
        Turn.IT,
        "Correct the rule, its table or the property it reads, then replay.",
        in_dynamics="Warehouse management > Setup > Warehouse",
    ),
    Cause(
        "order.warehouse_of_other_site",
        "Site and warehouse do not belong together",
        "The rules name a warehouse that belongs to another site.",
        Turn.IT,
        "Correct one of the two rules, or the property it reads, then replay.",
        in_dynamics="Warehouse management > Setup > Warehouse",
    ),
)

_AMOUNTS = (
    Cause(
        "order.quantity",
        "A quantity cannot be ordered",
        "The quantity must be above zero.",
        Turn.SALES,
        "Correct the line's quantity.",
        in_hubspot=LINES,
    ),
    Cause(
        "order.price_missing",
        "A line has no price",
        "The agreed price is not on the line.",
        Turn.SALES,
        "Enter the price.",
        in_hubspot=LINES,
    ),
    Cause(
        "order.price_differs",
        "Dynamics prices a line otherwise",
        "Dynamics sets the prices, and its price differs from the deal's by more than the tolerance.",
        Turn.SALES,
        "Agree on the price. If the deal's holds, correct the line of the order in Dynamics, then replay; if Dynamics' "
        "holds, let IT replay once with a higher orders.price_tolerance.",
        in_dynamics=ORDERS,
    ),
    Cause(
        "order.amount_differs",
        "A line's amount does not follow from its price",
        "Quantity, price and discount do not give the amount the deal shows.",
        Turn.SALES,
        "Correct price or discount of the line.",
        in_hubspot=LINES,
    ),
    Cause(
        "order.currency_not_allowed",
        "The currency of the deal is not one that orders are placed in",
        "The deal, or a line of it, is in a currency that the settings or Dynamics do not allow.",
        Turn.SALES,
        "Correct the currency of the deal.",
        in_hubspot=DEAL,
    ),
    Cause(
        "order.line_currency",
        "A line is in another currency than its deal",
        "An order has one currency.",
        Turn.SALES,
        "Bring line and deal to one currency.",
        in_hubspot=LINES,
    ),
    Cause(
        "order.discount",
        "A discount cannot be",
        "A discount is below zero or takes off more than the price.",
        Turn.SALES,
        "Correct the line's discount.",
        in_hubspot=LINES,
    ),
)

_DIMENSIONS = (
    Cause(
        "order.dimension_format",
        "Dynamics has no dimension format for integrations",
        "dimensions.yaml sets financial dimensions, and Dynamics has no active default dimension format that says how "
        "they are written.",
        Turn.IT,
        "Make a format of the type 'Default dimension format' active in Dynamics, then replay.",
        in_dynamics=FORMATS,
    ),
    Cause(
        "order.dimension_unknown",
        "A financial dimension is not part of the format",
        "A rule names a dimension that the active dimension format of Dynamics does not hold.",
        Turn.FINANCE,
        "Correct the name in dimensions.yaml, or add the dimension to the format in Dynamics, then replay.",
        in_dynamics=FORMATS,
    ),
    Cause(
        "order.dimension_value",
        "A financial dimension has a value that cannot be used",
        "The value is not in Dynamics, or is suspended, blocked or not active today in the selling legal entity.",
        Turn.FINANCE,
        "Correct the rule, its table or the default, or release the value in Dynamics, then replay.",
        in_dynamics=DIMENSIONS,
    ),
    Cause(
        "order.dimension_missing",
        "A mandatory financial dimension is empty",
        "The legal entity cannot do without this dimension, and neither a rule nor a default gives it.",
        Turn.FINANCE,
        "Fill on the deal what the rule looks at, add a rule to dimensions.yaml, or choose a value, then replay.",
        in_hubspot=FIELDS,
    ),
    Cause(
        "order.dimension_text",
        "Financial dimensions cannot be written or read with certainty",
        "A value holds the delimiter of the dimension format, or a default does not fit the format.",
        Turn.IT,
        "Choose in Dynamics a delimiter that no value holds, then replay.",
        in_dynamics=FORMATS,
    ),
)

_DRAFT = (
    Cause(
        "order.customer_po_missing",
        "The customer demands an order number of its own",
        "The customer in Dynamics takes no order without the customer's order number, and the deal has none.",
        Turn.SALES,
        "Enter the customer's order number on the deal (d365_customer_po).",
        in_hubspot=FIELDS,
        in_dynamics=CUSTOMERS,
    ),
    Cause(
        "order.requested_date",
        "The requested date is past",
        "The date asked for on the deal or a line lies before today where the order is placed.",
        Turn.SALES,
        "Agree a new date and enter it (d365_requested_date), or clear it.",
        in_hubspot=FIELDS,
    ),
    Cause(
        "order.address_unknown",
        "The delivery address is not one of the customer's",
        "The deal names a delivery address that the customer does not have in Dynamics, or that is not valid today.",
        Turn.SALES,
        "Choose one of the customer's addresses (d365_delivery_address), or have it added, then replay.",
        in_hubspot=FIELDS,
        in_dynamics=ADDRESSES,
    ),
    Cause(
        "order.customer_po_too_long",
        "The customer's order number is too long",
        "Dynamics takes 20 characters.",
        Turn.SALES,
        "Shorten it on the deal (d365_customer_po).",
        in_hubspot=FIELDS,
    ),
    Cause(
        "order.worker_unknown",
        "A personnel number does not exist",
        "A rule gives a personnel number that no worker in Dynamics has.",
        Turn.IT,
        "Correct the rule or its table, then replay.",
        in_dynamics="Human resources > Workers > Employees",
    ),
    Cause(
        "order.value_unknown",
        "Dynamics does not know a value of the order",
        "A setting, a rule or a row of orders.yaml gives the order a value, such as a pool or a mode of delivery, that "
        "its legal entity does not have.",
        Turn.IT,
        "Correct the setting, the rule or its table, or have the value set up in Dynamics, then replay.",
    ),
)

_PLACE = (
    Cause(
        "order.differs",
        "The order in Dynamics differs from the deal",
        "The order stands, and Dynamics changed or added something.",
        Turn.FINANCE,
        "Correct the order in Dynamics, then replay; it is compared again.",
        in_dynamics=ORDERS,
    ),
    Cause(
        "order.reference_twice",
        "Two orders carry the same reference",
        "Only one order may belong to a deal.",
        Turn.FINANCE,
        "Keep one order in Dynamics and take the reference off the others, then replay.",
        in_dynamics=ORDERS,
    ),
    Cause(
        "order.line_twice",
        "An order holds a line twice",
        "A line number of the deal stands on more than one order line.",
        Turn.FINANCE,
        "Delete the surplus line in Dynamics, then replay.",
        in_dynamics=ORDERS,
    ),
    Cause(
        "order.unsure",
        "The order could not be placed with certainty",
        "Several attempts were lost without an answer, and the order is not in Dynamics.",
        Turn.IT,
        "Look whether Dynamics answers, then replay.",
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
        "order.refused_before",
        "Dynamics has refused an order about the same",
        "A won deal waits because Dynamics refused its order, and this open deal is about the same customer, item or "
        "value. Readiness alone says so: once this deal is won, its order is tried all the same.",
        Turn.FINANCE,
        "Correct what Dynamics names and replay the deal that waits; once its order stands, nothing is said any more.",
        in_dynamics=ORDERS,
    ),
)

_AFTER = (
    Cause(
        "order.changed_after",
        "The deal was changed after its order was placed",
        "The deal no longer says what was ordered. The order is not touched.",
        Turn.SALES,
        "Decide: deals decide DEAL --keep, --handled or --again --because '...'.",
        in_hubspot=DEAL,
        in_dynamics=ORDERS,
        retryable=False,
    ),
    Cause(
        "order.lost_after",
        "The deal was lost after its order was placed",
        "The order stands in Dynamics, although the deal counts as lost.",
        Turn.SALES,
        "Tell the warehouse whether the order is to be cancelled, then: deals decide DEAL --handled or --keep.",
        in_hubspot=DEAL,
        in_dynamics=ORDERS,
        retryable=False,
    ),
    Cause(
        "order.deleted_after",
        "The deal was deleted after its order was placed",
        "The order stands in Dynamics, and its deal is not in HubSpot any more.",
        Turn.SALES,
        "Restore the deal, or: deals decide DEAL --keep or --handled.",
        in_hubspot="Deals > Actions > Restore records",
        in_dynamics=ORDERS,
        retryable=False,
    ),
    Cause(
        "order.merged_after",
        "The deal was merged after its order was placed",
        "The deal that is left keeps the one order; what the other deal held was never ordered.",
        Turn.SALES,
        "Decide: deals decide DEAL --keep, --handled or --again --because '...'.",
        in_hubspot=DEAL,
        in_dynamics=ORDERS,
        retryable=False,
    ),
    Cause(
        "order.merged_orders",
        "Two deals with an order each were merged",
        "Both orders stand in Dynamics, and one deal is left.",
        Turn.SALES,
        "Tell the warehouse which order is to be cancelled, if any, then: deals decide DEAL --handled or --keep.",
        in_hubspot=DEAL,
        in_dynamics=ORDERS,
        retryable=False,
    ),
    Cause(
        "order.missed",
        "A won deal has no order",
        "The daily sweep found a deal that was won after the flow went live and that was never taken up.",
        Turn.IT,
        "Replay it: it is then drafted like any other.",
        in_hubspot=DEAL,
    ),
    Cause(
        "order.stray",
        "An order carries our reference, and no deal is known for it",
        "The daily sweep found an order that the connector does not remember: after an older backup was restored, or "
        "when somebody entered the reference by hand.",
        Turn.IT,
        "Replay the deal if it is won: the order is found and taken over. Else take the reference off the order.",
        in_dynamics=ORDERS,
    ),
    Cause(
        "order.header_only",
        "An order has no lines",
        "The daily sweep found an order of ours without lines that nobody is about to finish.",
        Turn.FINANCE,
        "Replay the deal; or cancel the order in Dynamics if it is not wanted.",
        in_dynamics=ORDERS,
    ),
)

ORDER_CAUSES = (
    *_GATHER,
    *_LEGAL_ENTITY,
    *_CUSTOMER,
    *_PRODUCTS,
    *_AMOUNTS,
    *_DIMENSIONS,
    *_DRAFT,
    *_PLACE,
    *_AFTER,
)
