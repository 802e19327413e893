"""A record goes through a mapping: every property a string, every rule of its row kept."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml_connector.errors import ConfigurationError, MappingError
from ml_connector.flows.orders.customer.form import SOURCES
from ml_connector.mapping.apply import CompiledMapping, CompiledOrderMapping, Mapped, compile_mapping
from ml_connector.mapping.load import load_mapping

if TYPE_CHECKING:
    from tests.mapping import mapping_samples as samples
else:
    import mapping_samples as samples  # pytest puts this folder on the path; mypy names it from the root

CUSTOMERS = compile_mapping(
    load_mapping(samples.shipped("customers"), flow="customers", file_name="customers.yaml")
)
PRODUCTS = compile_mapping(
    load_mapping(samples.shipped("products"), flow="products", file_name="products.yaml")
)
ORDERS = compile_mapping(load_mapping(samples.shipped("orders"), flow="orders", file_name="orders.yaml"))


def compiled(*rows: str) -> CompiledMapping:
    return compile_mapping(samples.document(*rows))


def test_a_customer_arrives_as_people_in_sales_expect_it() -> None:
    assert CUSTOMERS.apply(samples.customer()).properties == {
        "d365_customer_key": "usmf:US-001",
        "d365_legal_entity": "usmf",
        "d365_customer_account": "US-001",
        "d365_invoice_account": "",
        "d365_customer_group": "30",
        "d365_currency": "USD",
        "d365_payment_terms": "Net30",
        "d365_customer_hold": "No",
        "d365_status": "Active",
        "name": "Lakeside Pumps",
        "phone": "+12065550134",
        "website": "https://www.lakeside-pumps.example/en",
        "domain": "lakeside-pumps.example",
        "address": "12 Harbor Ave, Suite 300",
        "city": "Seattle",
        "state": "Washington",
        "zip": "98101",
        "country": "United States",
    }
    assert CUSTOMERS.first_write == {"domain"}
    assert CUSTOMERS.sources == set(samples.customer())


def test_a_customer_with_gaps_falls_back_and_never_invents() -> None:
    empty = dict.fromkeys(samples.customer(), "")
    given_ones = {"CustomerKey": "demf:7", "NameAlias": "Lakeside", "PrimaryContactEmail": "joe@gmail.com"}
    properties = CUSTOMERS.apply({**empty, **given_ones}).properties
    assert {target: value for target, value in properties.items() if value} == {
        "d365_customer_key": "demf:7",
        "name": "Lakeside",
    }


def test_an_unknown_hold_is_shown_as_it_is_with_a_note() -> None:
    mapped = CUSTOMERS.apply(samples.customer(OnHoldStatus="Audit"))
    assert mapped.properties["d365_customer_hold"] == "Audit"
    assert mapped.notes == ("d365_customer_hold: 'Audit' is not listed in the row's 'values'; kept as it is",)


def test_a_product_arrives_with_its_name_its_lines_and_its_price() -> None:
    assert PRODUCTS.apply(samples.product()).properties == {
        "d365_product_key": "0010",
        "hs_sku": "0010",
        "d365_product_group": "PUMPS",
        "d365_sales_unit": "ea",
        "d365_lifecycle": "",
        "d365_available_in": "demf;usmf",
        "d365_status": "Active",
        "name": "Centrifugal pump",
        "description": "Cast iron.\n\nFlange DN 50.",
        "price": "1249.5",
        "hs_cost_of_goods_sold": "",
    }
    assert PRODUCTS.sources == set(samples.product())


@pytest.mark.parametrize("price", [None, Decimal(0), Decimal("0.00")])
def test_no_price_is_empty_and_never_zero(price: Decimal | None) -> None:
    assert PRODUCTS.apply(samples.product(ListPrice=price)).properties["price"] == ""


def test_an_order_header_is_typed_for_dynamics_and_leaves_empty_fields_to_it() -> None:
    assert ORDERS.header(samples.order_header()) == {
        "dataAreaId": "usmf",
        "OrderingCustomerAccountNumber": "US-001",
        "InvoiceCustomerAccountNumber": "US-002",
        "CurrencyCode": "USD",
        "LanguageId": "en-US",
        "CustomersOrderReference": "HS-77-4711",
        "RequestedShippingDate": "2026-07-23T12:00:00Z",
        "SalesOrderOriginCode": "HS",
        "DefaultLedgerDimensionDisplayValue": "-022--",
        "SkipCreateAutoCharges": "No",
        "ArePricesIncludingSalesTax": "No",
    }


def test_an_order_line_keeps_numbers_exact_sends_zero_discounts_and_item_numbers_verbatim() -> None:
    line = ORDERS.line(samples.order_line())
    assert line == {
        "dataAreaId": "usmf",
        "SalesOrderNumber": "000123",
        "ItemNumber": " 0010",
        "LineDescription": "Centrifugal pump",
        "OrderedSalesQuantity": Decimal(100),
        "SalesUnitSymbol": "ea",
        "SalesPrice": Decimal("12.50"),
        "SalesPriceQuantity": Decimal(1),
        "LineDiscountAmount": Decimal(0),
        "LineDiscountPercentage": Decimal(0),
        "CustomersLineNumber": 1,
    }
    assert str(line["OrderedSalesQuantity"]) == "100"
    assert {type(line["SalesPrice"]), type(line["CustomersLineNumber"])} == {Decimal, int}


def test_an_order_mapping_reads_no_more_than_the_flow_supplies() -> None:
    document = ORDERS.document
    read = {name for row in (*document.header, *document.line) for name in row.all_sources}
    assert set(samples.order_header()) | set(samples.order_line()) == read
    of_customer = {name for row in document.customer for name in row.all_sources} - set(SOURCES)
    assert {name.partition(".")[0] for name in of_customer} == {"company", "rules"}


def test_a_cut_order_text_is_noted_and_a_long_order_number_parks() -> None:
    notes: list[str] = []
    line = ORDERS.line(samples.order_line(**{"line.description": "x" * 1200}), notes)
    assert len(line["LineDescription"]) == 1000
    assert notes == ["LineDescription: cut from 1200 to 1000 characters"]
    with pytest.raises(MappingError, match="CustomerRequisitionNumber takes 20 characters and would get 21"):
        ORDERS.header(samples.order_header(**{"deal.customer_po": "P" * 21}))


def test_an_order_row_that_clears_sends_what_dynamics_stores_for_nothing() -> None:
    text = (
        "header:\n"
        "  - {target: A, source: a, on_empty: clear}\n"
        "  - {target: B, source: a, transform: date, on_empty: clear}\n"
        "  - {target: C, source: a, transform: decimal, on_empty: clear}\n"
        "line:\n  - {target: ItemNumber, source: a}\n"
    )
    orders: CompiledOrderMapping = compile_mapping(load_mapping(text, flow="orders", file_name="orders.yaml"))
    assert orders.header({"a": ""}) == {"A": "", "B": "1900-01-01T12:00:00Z", "C": Decimal(0)}
    assert orders.line({"a": None}) == {}


def test_an_empty_value_clears_or_is_left_out_as_its_row_says() -> None:
    mapping = compiled("  - {target: a, source: A}", "  - {target: b, source: A, on_empty: keep}")
    for nothing in (None, "", " ", "\x00\u200b", "1900-01-01T00:00:00Z"):
        assert mapping.apply({"Key": "k", "A": nothing}).properties == {"key": "k", "a": ""}
    assert mapping.targets == ("key", "a", "b")


def test_a_row_hubspot_owns_is_never_written_nor_read() -> None:
    mapping = compiled(
        "  - {target: a, source: A, owner: hubspot}", "  - {target: b, source: B, owner: first-write}"
    )
    assert mapping.apply({"Key": "k", "B": "x"}).properties == {"key": "k", "b": "x"}
    assert mapping.sources == {"Key", "B"}
    assert mapping.targets == ("key", "b")
    assert mapping.first_write == {"b"}


def test_c7_a_value_over_length_is_cut_with_a_note_or_parks_the_record() -> None:
    cut = compiled("  - {target: a, source: A, max_length: 4, on_too_long: cut}").apply(
        {"Key": "k", "A": "abcdef"}
    )
    assert (cut.properties["a"], cut.notes) == ("abcd", ("a: cut from 6 to 4 characters",))
    with pytest.raises(MappingError) as caught:
        compiled("  - {target: a, source: A, max_length: 4}").apply({"Key": "k", "A": "abcdef"})
    assert (caught.value.field, caught.value.value) == ("a", "abcdef")


def test_g7_no_value_goes_beyond_what_a_hubspot_property_holds() -> None:
    with pytest.raises(MappingError, match="a takes 65536 characters and would get 1000000"):
        compiled("  - {target: a, source: A}").apply({"Key": "k", "A": "x" * 1_000_000})


def test_length_counts_as_the_database_does() -> None:
    mapping = compiled("  - {target: a, source: A, max_length: 4, on_too_long: cut}")
    assert mapping.apply({"Key": "k", "A": "ab😀😀"}).properties["a"] == "ab😀"


@pytest.mark.parametrize("key", ["", " ", None])
def test_a_record_without_key_is_parked(key: Any) -> None:
    with pytest.raises(MappingError, match="no key, its unique key"):
        compiled("  - {target: a, source: A}").apply({"Key": key, "A": "x"})


def test_a_field_that_was_not_read_is_not_taken_for_an_empty_one() -> None:
    mapping = compiled(
        "  - {target: a, source: A}", "  - {target: b, source: A, transform: {phone: {country: C}}}"
    )
    with pytest.raises(MappingError) as caught:
        mapping.apply({"Key": "k"})
    assert caught.value.code == "mapping.source_missing"
    with pytest.raises(MappingError, match="read without C, which the row for b needs"):
        mapping.apply({"Key": "k", "A": "1"})


def test_every_value_can_be_traced_to_its_row() -> None:
    assert CUSTOMERS.row("phone").source == "PrimaryContactPhone"
    assert ORDERS.row("SalesPrice").source == "line.price"
    with pytest.raises(ConfigurationError, match="No row of the customers mapping fills fax"):
        CUSTOMERS.row("fax")


@pytest.mark.parametrize(
    "row",
    [
        "{target: a, source: OpenBalance}",
        "{target: a, source: PersonBirthYear}",
        "{target: a, source: A, transform: {phone: {country: PaymentBankAccount}}}",
    ],
)
def test_nothing_behind_the_ledger_wall_is_compiled(row: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        compiled(f"  - {row}")
    assert caught.value.code == "wall.mapping"


def test_tax_fields_of_an_order_are_not_compiled() -> None:
    text = "header:\n  - {target: SalesTaxGroupCode, source: a}\nline:\n  - {target: ItemNumber, source: a}\n"
    with pytest.raises(ConfigurationError, match="which Dynamics alone computes"):
        compile_mapping(load_mapping(text, flow="orders", file_name="orders.yaml"))


def test_two_rows_for_one_target_are_not_compiled() -> None:
    with pytest.raises(ConfigurationError, match="2 rows fill a"):
        compiled("  - {target: a, source: A}", "  - {target: a, source: B}")


def outcome(fields: dict[str, Any]) -> Mapped | MappingError:
    try:
        return CUSTOMERS.apply(fields)
    except MappingError as error:
        return error


VALUES = (
    st.none() | st.booleans() | st.integers() | st.text() | st.decimals(allow_nan=False, allow_infinity=False)
)


@settings(deadline=None)  # the first example builds tables, and the machine may be busy
@given(st.fixed_dictionaries(dict.fromkeys(samples.customer(), VALUES)))
def test_any_customer_is_mapped_to_strings_or_parked_with_its_field(fields: dict[str, Any]) -> None:
    mapped = outcome(fields)
    if isinstance(mapped, MappingError):
        assert mapped.field in CUSTOMERS.targets
    else:
        assert all(type(value) is str for value in mapped.properties.values())
        assert tuple(mapped.properties) == CUSTOMERS.targets
        assert outcome(fields) == mapped
