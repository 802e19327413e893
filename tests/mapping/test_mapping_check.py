"""Before a mapping is published, every row is held against what both sides really offer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ml_connector.errors import ConfigurationError
from ml_connector.mapping.apply import compile_mapping
from ml_connector.mapping.catalog import CatalogField, FieldCatalog
from ml_connector.mapping.check import Problem, check
from ml_connector.mapping.load import load_mapping
from ml_connector.mapping.wall import refused_field, refused_order_field, refused_target

if TYPE_CHECKING:
    from tests.mapping.mapping_samples import document, shipped
else:
    from mapping_samples import document, shipped  # pytest puts this folder on the path

HOLD = ("No", "Invoice", "All", "Payment", "Requisition", "Never", "PurchOrder")
SOURCE = FieldCatalog("CustomersV3").with_fields(
    [
        CatalogField("Key"),
        CatalogField("OrganizationName"),
        CatalogField("CreditLimit", "decimal"),
        CatalogField("OnHoldStatus", "enum", options=HOLD),
        CatalogField("AddressValidTo", "datetime"),
        CatalogField("IsOneTimeCustomer", "enum", options=("No", "Yes")),
        CatalogField("Chosen", "bool"),
    ]
)
TARGET = FieldCatalog("companies").with_fields(
    [
        CatalogField("key"),
        CatalogField("name", max_length=100),
        CatalogField("annualrevenue", "number"),
        CatalogField("until", "date"),
        CatalogField("since", "datetime"),
        CatalogField("one_time", "bool"),
        CatalogField("hold", "enum", options=("Free", "Blocked")),
        CatalogField("createdate", "datetime", writable=False),
    ]
)


def problems(*rows: str) -> list[Problem]:
    return check(document(*rows), SOURCE, TARGET)


def only(row: str) -> Problem:
    (found,) = problems(f"  - {row}")
    assert found.line == 5
    assert found.sentence.endswith(".")
    return found


@pytest.mark.parametrize(
    ("row", "sentence", "fix"),
    [
        ("{target: name, source: OrganisationName}", "CustomersV3 has no field OrganisationName.",
         "Did you mean 'OrganizationName'?"),
        ("{target: name, source: OrganizationName, transform: {phone: {country: Xyzzy}}}",
         "CustomersV3 has no field Xyzzy.", "Choose a field of CustomersV3."),
        ("{target: nyme, source: OrganizationName}", "companies has no field nyme.", "Did you mean 'name'?"),
        ("{target: createdate, source: AddressValidTo, transform: {date: {time: keep}}}",
         "createdate cannot be written: companies works it out itself.", "Remove the row."),
        ("{target: key, source: Key, transform: key}", "key is also filled by line 4.", "Keep one of the two rows."),
        ("{target: annualrevenue, source: OrganizationName}", "annualrevenue takes a number, and the row gives text.",
         "Add the transform 'decimal'."),
        ("{target: until, source: AddressValidTo}", "AddressValidTo is a date, and the row does not read it as one.",
         "Add the transform 'date'."),
        ("{target: name, source: AddressValidTo}", "AddressValidTo is a date, and the row does not read it as one.",
         "Add the transform 'date'."),
        ("{target: until, source: AddressValidTo, transform: {date: {time: keep}}}",
         "until takes a date, and the row gives datetime.", "Add the transform 'date'."),
        ("{target: one_time, source: IsOneTimeCustomer}", "one_time takes a bool, and the row gives text.",
         "Add the transform 'map' that gives true and false."),
        ("{target: hold, source: OrganizationName}", "hold takes only listed values, and the row can give any text.",
         "Add the transform 'map' to: Free, Blocked."),
        ("{target: hold, source: IsOneTimeCustomer}", "hold does not list No, Yes.",
         "It lists Free, Blocked: map to these, or add the missing ones in the target."),
        ("{target: name, source: OnHoldStatus, transform: {map: {values: {No: x, All: x, Payment: x, Never: x}}}}",
         "OnHoldStatus can be Invoice, Requisition, PurchOrder, and the row does not say what that becomes.",
         "Add it to 'values', or set 'unknown: keep' or 'unknown: empty'."),
        ("{target: name, source: OrganizationName, max_length: 101}", "name holds 100 characters, the row allows 101.",
         "Set max_length to 100."),
    ],
)  # fmt: skip
def test_each_kind_of_mistake_is_named_with_its_line_and_fix(row: str, sentence: str, fix: str) -> None:
    found = only(row)
    assert (found.sentence, found.fix) == (sentence, fix)


@pytest.mark.parametrize(
    "row",
    [
        "{target: annualrevenue, source: CreditLimit}",
        "{target: name, source: CreditLimit}",
        '{target: annualrevenue, transform: {constant: {value: "-12.5"}}}',
        "{target: since, source: AddressValidTo, transform: {date: {time: keep}}}",
        "{target: until, source: AddressValidTo, transform: date}",
        '{target: one_time, source: IsOneTimeCustomer, transform: {map: {values: {No: "false", Yes: "true"}}}}',
        "{target: one_time, source: Chosen}",
        "{target: hold, source: OnHoldStatus, transform: {map: {values: {No: Free, All: Blocked}, unknown: empty}}}",
        "{target: hold, source: OrganizationName, transform: {lookup: {table: holds}}}",
        "{target: createdate, source: OrganizationName, owner: hubspot}",
    ],
)
def test_rows_that_fit_are_left_in_peace(row: str) -> None:
    assert problems(f"  - {row}") == []


def test_ledger_and_personal_fields_are_refused_even_when_they_exist() -> None:
    source = SOURCE.with_fields([CatalogField("OpenBalance", "decimal")])
    (found,) = check(document("  - {target: name, source: OpenBalance}"), source, TARGET)
    assert found.sentence.startswith("OpenBalance is refused: it holds ledger, invoice, payment or bank data")


@pytest.mark.parametrize(
    "name",
    ["LedgerJournalNumber", "openbalance", "LastVoucher", "CustomerPostingProfileId", "InvoiceDate", "PaymentMethod",
     "PaymentBankAccount", "MainAccountId", "x_bank_code", "CreditCardCVC", "SettleVoucher", "BirthPlace",
     "PersonBirthDay", "MaritalStatus", "GovernmentIdentificationNumber", "IdentificationNumber", "PassportNo_HU",
     "FiscalCode", "PersonMaritalStatus"],
)  # fmt: skip
def test_mapping_refuses_journals_balances_postings_invoices_main_accounts_payments_bank_and_personal_fields(
    name: str,
) -> None:
    """Birth, government-id and marital fields alike; under the names of a tenant's own extension, too."""
    assert refused_field(name)


@pytest.mark.parametrize(
    "name",
    ["InvoiceAccount", "PaymentTerms", "PaymentTermsName", "CreditLimit", "OrganizationName", "AddressPostbox",
     "DeliveryAddressName", "SalesCurrencyCode", "OrganizationNumber", "TaxExemptNumber"],
)  # fmt: skip
def test_the_wall_lets_master_data_pass(name: str) -> None:
    assert refused_field(name) == ""


@pytest.mark.parametrize(
    "name",
    ["hs_legal_basis", "hs_email_optout", "hs_email_optout_123456", "hs_marketable_status",
     "hs_marketable_reason_type", "gdpr_consent", "newsletter_subscription", "date_of_birth", "marital_status"],
)  # fmt: skip
def test_never_written_consent_subscription_and_legal_basis_fields(name: str) -> None:
    """Nor what a person was born as: whatever its source, no row fills such a property of a contact."""
    row = f"  - {{target: {name}, transform: {{constant: {{value: x}}}}}}"
    key = "  - {target: key, source: Key, transform: key}"
    text = "object: contacts\nkey: key\nfields:\n" + f"{key}\n{row}\n"
    mapping = load_mapping(text, flow="contacts", file_name="contacts.yaml")
    target = FieldCatalog("contacts").with_fields([CatalogField("key"), CatalogField(name)])
    [found] = check(mapping, SOURCE, target)
    assert (found.line, found.fix) == (5, "Remove the row.")
    assert found.sentence.startswith(f"{name} is refused: it holds ")
    with pytest.raises(ConfigurationError, match=f"uses {name}"):
        compile_mapping(mapping)


@pytest.mark.parametrize(
    ("object_type", "name"),
    [("contacts", "email"), ("contacts", "lifecyclestage"), ("contacts", "d365_contact_key"),
     ("companies", "subscription_plan")],
)  # fmt: skip
def test_other_properties_may_be_filled(object_type: str, name: str) -> None:
    assert refused_target(object_type, name) == ""


def test_on_orders_the_wall_guards_what_is_written() -> None:
    assert refused_order_field("SalesTaxGroupCode")
    assert refused_order_field("MainAccountIdDisplayValue")
    assert refused_order_field("ArePricesIncludingSalesTax") == ""
    assert refused_order_field("InvoiceCustomerAccountNumber") == ""
    assert refused_order_field("DefaultLedgerDimensionDisplayValue") == ""


def test_an_order_is_held_against_header_and_line_fields() -> None:
    text = (
        "header:\n  - {target: SkipCreateAutoCharges, source: skip}\n  - {target: CustomersLineNumber, source: skip}\n"
        "line:\n  - {target: CustomersLineNumber, source: position}\n  - {target: SalesPrice, source: name}\n"
    )
    source = FieldCatalog("the order draft").with_fields(
        [CatalogField("skip", "bool"), CatalogField("position", "number"), CatalogField("name")]
    )
    header = FieldCatalog("SalesOrderHeadersV2").with_fields(
        [CatalogField("SkipCreateAutoCharges", "enum", options=("No", "Yes"))]
    )
    line = FieldCatalog("SalesOrderLinesV3").with_fields(
        [CatalogField("CustomersLineNumber", "number"), CatalogField("SalesPrice", "decimal")]
    )
    orders = load_mapping(text, flow="orders", file_name="orders.yaml")
    found = check(orders, source, header, line_target=line)
    assert [(problem.line, problem.target) for problem in found] == [
        (3, "CustomersLineNumber"),
        (6, "SalesPrice"),
    ]


def test_the_shipped_customer_file_covers_every_hold_of_dynamics() -> None:
    customers = load_mapping(shipped("customers"), flow="customers", file_name="customers.yaml")
    source = FieldCatalog("CustomersV3").with_fields(
        CatalogField(
            name, "enum" if name == "OnHoldStatus" else "text", options=HOLD if name == "OnHoldStatus" else ()
        )
        for row in customers.rows
        for name in row.all_sources
    )
    target = FieldCatalog("companies").with_fields(CatalogField(row.target) for row in customers.rows)
    assert check(customers, source, target) == []
