"""HubSpot's own properties of each object type, as data: name, type, field type, flags and label.

Flags: ``ro`` the value cannot be written, ``calc`` HubSpot computes it, ``unique`` it identifies a record.
``#name`` names a list of OPTIONS; ``#@name`` a list that the portal supplies (owners, pipelines, currencies).

Facts: GET /crm/properties/{version}/{type}, see
https://developers.hubspot.com/docs/api-reference/latest/crm/properties/guide
"""

from __future__ import annotations

_EVERY_TYPE = """
hs_object_id           number      number   ro             Record ID
createdate             datetime    date     ro             Create date
hs_createdate          datetime    date     ro             Object create date/time
hs_object_source       enumeration select   ro #source     Record source
hs_object_source_label enumeration select   ro #source     Record source label
hs_object_source_id    string      text     ro             Record source id
hs_merged_object_ids   enumeration checkbox ro             Merged record ids
hubspot_owner_id       enumeration select   #@owners       Owner
"""

_MODIFIED = "hs_lastmodifieddate datetime date ro Object last modified date/time\n"

_COMPANIES = """
name                   string      text                    Company name
domain                 string      text                    Company domain name
website                string      text                    Website URL
phone                  string      phonenumber             Phone number
address                string      text                    Street address
address2               string      text                    Street address 2
city                   string      text                    City
state                  string      text                    State/Region
zip                    string      text                    Postal code
country                string      text                    Country/Region
hs_country_code        string      text                    Country/Region code
industry               enumeration select   #industry      Industry
type                   enumeration radio    #companytype   Type
numberofemployees      number      number                  Number of employees
annualrevenue          number      number                  Annual revenue
lifecyclestage         enumeration radio    #lifecycle     Lifecycle stage
description            string      textarea                Description
hs_additional_domains  enumeration checkbox ro             Additional domains
hs_parent_company_id   number      number   ro             Parent company
num_associated_contacts number     number   ro calc        Number of associated contacts
num_associated_deals   number      number   ro calc        Number of associated deals
"""

_CONTACTS = """
email                  string      text     unique         Email
hs_additional_emails   enumeration checkbox ro             Additional email addresses
firstname              string      text                    First name
lastname               string      text                    Last name
phone                  string      phonenumber             Phone number
mobilephone            string      phonenumber             Mobile phone number
company                string      text                    Company name
jobtitle               string      text                    Job title
address                string      text                    Street address
city                   string      text                    City
state                  string      text                    State/Region
zip                    string      text                    Postal code
country                string      text                    Country/Region
website                string      text                    Website URL
lifecyclestage         enumeration radio    #lifecycle     Lifecycle stage
hs_lead_status         enumeration radio    #leadstatus    Lead status
hs_language            string      text                    Preferred language
lastmodifieddate       datetime    date     ro             Last modified date
associatedcompanyid    number      number   ro calc        Primary associated company
num_associated_deals   number      number   ro calc        Number of associated deals
"""

_DEALS = """
dealname               string      text                    Deal name
dealstage              enumeration radio    #@stages       Deal stage
pipeline               enumeration select   #@pipelines    Pipeline
amount                 number      number                  Amount
amount_in_home_currency number     number   ro calc        Amount in company currency
deal_currency_code     enumeration select   #@currencies   Currency
closedate              datetime    date                    Close date
dealtype               enumeration radio    #dealtype      Deal type
description            string      textarea                Deal description
closed_won_reason      string      textarea                Closed won reason
closed_lost_reason     string      textarea                Closed lost reason
hs_next_step           string      text                    Next step
hs_priority            enumeration select   #priority      Priority
hs_is_closed           bool        calculation_equation ro calc Is deal closed?
hs_is_closed_won       bool        calculation_equation ro calc Is closed won
hs_is_closed_lost      bool        calculation_equation ro calc Is closed lost
hs_closed_won_date     datetime    date     ro calc        Closed won date
hs_num_of_associated_line_items number number ro calc      Number of associated line items
num_associated_contacts number     number   ro calc        Number of associated contacts
"""

_PRODUCTS = """
name                   string      text                    Name
description            string      textarea                Product description
price                  number      number                  Unit price
hs_sku                 string      text                    SKU
hs_cost_of_goods_sold  number      number                  Unit cost
hs_recurring_billing_period string text                    Term
recurringbillingfrequency enumeration select #billing      Billing frequency
hs_product_type        enumeration select   #producttype   Product type
hs_pricing_model       enumeration select   #pricingmodel  Pricing model
hs_tier_ranges         string      text                    Tier ranges
hs_tier_prices         string      text                    Tier prices
hs_url                 string      text                    URL
hs_folder              string      text                    Folder
hs_tax_rate_group_id   string      text                    Tax rate
"""

_LINE_ITEMS = """
name                   string      text                    Name
description            string      textarea                Description
hs_product_id          number      number                  Product ID
hs_sku                 string      text                    SKU
quantity               number      number                  Quantity
price                  number      number                  Unit price
amount                 number      number   ro calc        Net price
discount               number      number                  Unit discount
hs_discount_percentage number      number                  Discount percentage
hs_total_discount      number      number   ro calc        Total discount
hs_pre_discount_amount number      number   ro calc        Pre discount amount
hs_line_item_currency_code enumeration select #@currencies Currency
recurringbillingfrequency enumeration select #billing      Billing frequency
hs_recurring_billing_period string text                    Term
hs_recurring_billing_start_date date date                  Billing start date
hs_tax_rate_group_id   string      text                    Tax rate
hs_cost_of_goods_sold  number      number                  Unit cost
hs_margin              number      number   ro calc        Margin
hs_position_on_quote   number      number                  Position on quote
hs_pricing_model       enumeration select   #pricingmodel  Pricing model
"""

_QUOTES = """
hs_title               string      text                    Quote name
hs_status              enumeration select   #quotestatus   Quote status
hs_expiration_date     datetime    date                    Expiration date
hs_quote_number        string      text     ro             Quote number
hs_quote_amount        number      number   ro calc        Total
hs_currency            enumeration select   #@currencies   Currency
hs_sender_email        string      text                    Sender email
hs_payment_status      enumeration select   #payment       Payment status
hs_esign_enabled       bool        booleancheckbox         E-signature enabled
hs_esign_num_signers_required number number                Signers required
hs_esign_num_signers_completed number number               Signers completed
hs_esign_date          datetime    date                    Signed on
"""

STANDARD: dict[str, str] = {
    "companies": _EVERY_TYPE + _MODIFIED + _COMPANIES,
    "contacts": _EVERY_TYPE + _CONTACTS,
    "deals": _EVERY_TYPE + _MODIFIED + _DEALS,
    "products": _EVERY_TYPE + _MODIFIED + _PRODUCTS,
    "line_items": _EVERY_TYPE + _MODIFIED + _LINE_ITEMS,
    "quotes": _EVERY_TYPE + _MODIFIED + _QUOTES,
}

GROUPS: dict[str, tuple[str, str]] = {
    "companies": ("companyinformation", "Company information"),
    "contacts": ("contactinformation", "Contact information"),
    "deals": ("dealinformation", "Deal information"),
    "products": ("productinformation", "Product information"),
    "line_items": ("lineiteminformation", "Line item information"),
    "quotes": ("quoteinformation", "Quote information"),
}

# In order: HubSpot moves a record forward along this list only.
LIFECYCLE: tuple[str, ...] = (
    "subscriber",
    "lead",
    "marketingqualifiedlead",
    "salesqualifiedlead",
    "opportunity",
    "customer",
    "evangelist",
    "other",
)

OPTIONS: dict[str, tuple[str, ...]] = {
    "lifecycle": LIFECYCLE,
    "source": ("INTEGRATION", "CRM_UI", "IMPORT", "API", "MERGE_OBJECTS"),
    "companytype": ("PROSPECT", "PARTNER", "RESELLER", "VENDOR", "OTHER"),
    "dealtype": ("newbusiness", "existingbusiness"),
    "priority": ("low", "medium", "high"),
    "leadstatus": (
        "NEW",
        "OPEN",
        "IN_PROGRESS",
        "OPEN_DEAL",
        "UNQUALIFIED",
        "ATTEMPTED_TO_CONTACT",
        "CONNECTED",
        "BAD_TIMING",
    ),
    "billing": (
        "weekly",
        "biweekly",
        "monthly",
        "quarterly",
        "per_six_months",
        "annually",
        "per_two_years",
        "per_three_years",
    ),
    "producttype": ("inventory", "non_inventory", "service"),
    "pricingmodel": ("flat", "volume", "stairstep", "graduated"),
    "quotestatus": ("DRAFT", "APPROVAL_NOT_NEEDED", "PENDING_APPROVAL", "APPROVED", "REJECTED"),
    "payment": ("PENDING", "PROCESSING", "PAID"),
    "industry": (
        "ACCOUNTING",
        "AGRICULTURE",
        "AUTOMOTIVE",
        "AVIATION_AEROSPACE",
        "BANKING",
        "BIOTECHNOLOGY",
        "BUILDING_MATERIALS",
        "BUSINESS_SUPPLIES_AND_EQUIPMENT",
        "CHEMICALS",
        "CIVIL_ENGINEERING",
        "COMPUTER_HARDWARE",
        "COMPUTER_SOFTWARE",
        "CONSTRUCTION",
        "CONSUMER_GOODS",
        "DAIRY",
        "DEFENSE_SPACE",
        "ELECTRICAL_ELECTRONIC_MANUFACTURING",
        "ENVIRONMENTAL_SERVICES",
        "FARMING",
        "FINANCIAL_SERVICES",
        "FOOD_BEVERAGES",
        "FOOD_PRODUCTION",
        "FURNITURE",
        "GLASS_CERAMICS_CONCRETE",
        "HOSPITAL_HEALTH_CARE",
        "IMPORT_AND_EXPORT",
        "INDUSTRIAL_AUTOMATION",
        "INFORMATION_TECHNOLOGY_AND_SERVICES",
        "LOGISTICS_AND_SUPPLY_CHAIN",
        "MACHINERY",
        "MARITIME",
        "MECHANICAL_OR_INDUSTRIAL_ENGINEERING",
        "MEDICAL_DEVICES",
        "MINING_METALS",
        "OIL_ENERGY",
        "PACKAGE_FREIGHT_DELIVERY",
        "PACKAGING_AND_CONTAINERS",
        "PAPER_FOREST_PRODUCTS",
        "PHARMACEUTICALS",
        "PLASTICS",
        "RAILROAD_MANUFACTURE",
        "RENEWABLES_ENVIRONMENT",
        "RETAIL",
        "SEMICONDUCTORS",
        "SHIPBUILDING",
        "TEXTILES",
        "TRANSPORTATION_TRUCKING_RAILROAD",
        "UTILITIES",
        "WAREHOUSING",
        "WHOLESALE",
    ),
}
