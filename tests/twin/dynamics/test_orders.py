"""Sales order headers (reference: dynamics.md 6.2; flows.md 3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ml_connector.twin.wire import Written

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.twin.dynamics.conftest import Caller

SETS = ["SalesOrderHeadersV2", "SalesOrderHeadersV3", "SalesOrderHeadersV4"]


def header(account: str = "US-001", **changes: Any) -> dict[str, Any]:
    return {"dataAreaId": "usmf", "OrderingCustomerAccountNumber": account, **changes}


@pytest.mark.parametrize("name", SETS)
def test_a_header_takes_its_defaults_from_the_customer(fo: Caller, name: str) -> None:
    """[REC] Number from the sequence, status None and Active, name, dates today at noon, no totals."""
    created = fo.create(name, header())
    expected = {
        "SalesOrderNumber": "SO-000001",
        "SalesOrderStatus": "None",
        "SalesOrderProcessingStatus": "Active",
        "SalesOrderName": "O'Neill Pumps",
        "CurrencyCode": "USD",
        "LanguageId": "en-US",
        "InvoiceCustomerAccountNumber": "US-001",
        "RequestedShippingDate": "2026-03-02T12:00:00Z",
        "RequestedReceiptDate": "2026-03-02T12:00:00Z",
        "OrderCreationDateTime": "2026-03-02T09:30:15Z",
        "SkipCreateAutoCharges": "Yes",
        "ArePricesIncludingSalesTax": "No",
        "OrderTotalAmount": 0,
        "AreTotalsCalculated": "No",
        "DeliveryAddressName": "O'Neill Pumps",
        "DeliveryAddressCity": "Springfield",
        "CustomerPostingProfileId": "GEN",
        "PaymentTermsName": "Net30",
    }
    assert {key: created[key] for key in expected} == expected


def test_the_log_names_company_and_number(fo: Caller) -> None:
    """Written keys are company:number."""
    answer = fo.send("POST", "/data/SalesOrderHeadersV2", header())
    assert answer.written == Written(("usmf:SO-000001",), committed=True)


def test_what_was_sent_stays(fo: Caller) -> None:
    """[2.4] Defaulting happens after the fields are set."""
    sent = {
        "SkipCreateAutoCharges": "No",
        "SalesOrderName": "Deal 7",
        "CurrencyCode": "EUR",
        "LanguageId": "de",
    }
    created = fo.create("SalesOrderHeadersV2", header(**sent))
    assert {name: created[name] for name in sent} == sent


def test_the_payer_is_the_customers_invoice_account(fo: Caller) -> None:
    """[flows.md 3.3] InvoiceAccount of the customer, or itself."""
    assert fo.create("SalesOrderHeadersV2", header("US-003"))["InvoiceCustomerAccountNumber"] == "US-001"
    sent = fo.create("SalesOrderHeadersV2", header("US-003", InvoiceCustomerAccountNumber="US-005"))
    assert sent["InvoiceCustomerAccountNumber"] == "US-005"


def test_languages_come_back_in_their_own_case(fo: Caller) -> None:
    """[REC] en-us was sent, en-US came back."""
    assert fo.create("SalesOrderHeadersV2", header(LanguageId="en-us"))["LanguageId"] == "en-US"


@pytest.mark.parametrize("account", ["US-002", "US-004"])
def test_a_hold_for_all_on_customer_or_payer_refuses_the_order(fo: Caller, account: str) -> None:
    """[flows.md 3.3] Hold All on the order account or the invoice account."""
    status, text = fo.refusal("POST", "/data/SalesOrderHeadersV2", header(account))
    assert status == 400
    assert "US-002 is on hold" in text


def test_a_hold_for_invoices_lets_the_order_pass(fo: Caller) -> None:
    """[META] CustVendorBlocked has other kinds; only All stops an order."""
    fo.machine.edit("CustomersV3", "usmf:US-001", {"OnHoldStatus": "Invoice"}, fo.now)
    assert fo.create("SalesOrderHeadersV2", header())["SalesOrderNumber"] == "SO-000001"


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"OrderingCustomerAccountNumber": "US-999"}, "'US-999' in field 'Customer account'"),
        ({"OrderingCustomerAccountNumber": "DE-001"}, "'DE-001' in field 'Customer account'"),
        ({"OrderingCustomerAccountNumber": ""}, "Customer account"),
        ({"InvoiceCustomerAccountNumber": "US-999"}, "'US-999' in field 'Invoice account'"),
        ({"CurrencyCode": "XXX"}, "'XXX' in field 'Currency'"),
        ({"PaymentTermsName": "Net99"}, "Net99"),
        ({"SalesOrderPoolId": "??"}, "'??' in field 'Pool'"),
        ({"SalesOrderOriginCode": "??"}, "'??' in field 'Sales origin'"),
        ({"DefaultShippingSiteId": "99"}, "'99' in field 'Site'"),
        ({"DefaultShippingWarehouseId": "99"}, "'99' in field 'Warehouse'"),
        ({"DefaultShippingSiteId": "1", "DefaultShippingWarehouseId": "21"}, "does not belong to site 1"),
        ({"CustomersOrderReference": "x" * 61}, "longer than 60"),
        ({"CustomerRequisitionNumber": "x" * 21}, "longer than 20"),
    ],
)
def test_references_and_lengths_are_checked(fo: Caller, changes: dict[str, str], word: str) -> None:
    """[2.5 bad reference, 6.2] Customers of other companies count as unknown."""
    status, text = fo.refusal("POST", "/data/SalesOrderHeadersV2", header() | changes)
    assert status == 400
    assert word in text
    assert fo.machine.counts()["SalesOrderHeadersV2"] == 0


def test_lengths_may_be_unchecked(starting: Callable[..., Caller]) -> None:
    """[open question 6] Lengths are not in $metadata."""
    reference = "x" * 100
    created = starting(field_lengths="unchecked").create(
        "SalesOrderHeadersV2", header(CustomersOrderReference=reference)
    )
    assert created["CustomersOrderReference"] == reference


def test_known_pools_and_origins_are_kept(fo: Caller) -> None:
    """[flows.md 3 release] New orders carry a pool and an origin code."""
    created = fo.create("SalesOrderHeadersV2", header(SalesOrderPoolId="CRM", SalesOrderOriginCode="CRM"))
    assert (created["SalesOrderPoolId"], created["SalesOrderOriginCode"]) == ("CRM", "CRM")


def test_manual_order_numbers_are_honoured_and_unique(starting: Callable[..., Caller]) -> None:
    """[open question 7] The other behaviour of the number sequence."""
    fo = starting(order_numbers="manual")
    body = header(SalesOrderNumber="HS-42")
    assert fo.create("SalesOrderHeadersV2", body)["SalesOrderNumber"] == "HS-42"
    assert fo.refusal("POST", "/data/SalesOrderHeadersV2", body)[1].endswith("The record already exists..")
    assert fo.refusal("POST", "/data/SalesOrderHeadersV2", header())[0] == 400


def test_each_company_counts_for_itself(fo: Caller) -> None:
    """[6.2] Sequences are per company."""
    fo.create("SalesOrderHeadersV2", header())
    created = fo.create(
        "SalesOrderHeadersV2", {"dataAreaId": "demf", "OrderingCustomerAccountNumber": "DE-001"}
    )
    assert (created["SalesOrderNumber"], created["CurrencyCode"], created["LanguageId"]) == (
        "SO-000001",
        "EUR",
        "de",
    )


def test_an_order_is_found_by_its_reference(fo: Caller) -> None:
    """[CODE C6] The idempotency look-up by CustomersOrderReference."""
    fo.create("SalesOrderHeadersV2", header(CustomersOrderReference="HS-1-7"))
    text = "dataAreaId eq 'usmf' and CustomersOrderReference eq 'HS-1-7'"
    assert len(fo.rows("SalesOrderHeadersV2", filter=text, cross_company="true")) == 1
    assert fo.rows("SalesOrderHeadersV2", filter=text.replace("7'", "8'"), cross_company="true") == []


def test_deep_insert_is_refused(fo: Caller) -> None:
    """[MS 15] Header first, then lines."""
    assert (
        fo.refusal("POST", "/data/SalesOrderHeadersV2", header(SalesOrderLines=[{"ItemNumber": "D0001"}]))[0]
        == 400
    )


def test_past_dates_stay_or_become_today(starting: Callable[..., Caller]) -> None:
    """[INF] Delivery date control may move requested dates."""
    body = header(RequestedShippingDate="2026-01-05T12:00:00Z")
    kept = starting().create("SalesOrderHeadersV2", body)["RequestedShippingDate"]
    moved = starting(past_dates="today").create("SalesOrderHeadersV2", body)["RequestedShippingDate"]
    assert (kept, moved) == ("2026-01-05T12:00:00Z", "2026-03-02T12:00:00Z")


def test_a_requisition_number_may_be_demanded(starting: Callable[..., Caller]) -> None:
    """[INF] Set-up of the customer may make it mandatory."""
    fo = starting(requisition="customer")
    assert fo.create("SalesOrderHeadersV2", header())
    fo.machine.edit("CustomersV3", "usmf:US-001", {"IsPurchRequestUsed": "Yes"}, fo.now)
    assert fo.refusal("POST", "/data/SalesOrderHeadersV2", header())[0] == 400
    assert fo.create("SalesOrderHeadersV2", header(CustomerRequisitionNumber="PO 7"))


def test_status_fields_are_not_for_clients(fo: Caller, order: dict[str, Any]) -> None:
    """[6.2] Statuses follow what happens to the order."""
    path = f"/data/SalesOrderHeadersV2(dataAreaId='usmf',SalesOrderNumber='{order['SalesOrderNumber']}')"
    assert fo.refusal("PATCH", path, {"SalesOrderStatus": "Invoiced"})[0] == 400
    assert fo.send("PATCH", path, {"CustomersOrderReference": "HS-9"}).status == 204
    assert fo.get(path)["CustomersOrderReference"] == "HS-9"


def test_deleting_an_order_takes_its_lines_along(fo: Caller, order: dict[str, Any]) -> None:
    """[6.2 undo] DELETE works while nothing is posted."""
    number = order["SalesOrderNumber"]
    fo.create("SalesOrderLinesV3", {"SalesOrderNumber": number, "ItemNumber": "D0001"})
    assert (
        fo.send("DELETE", f"/data/SalesOrderHeadersV3(dataAreaId='usmf',SalesOrderNumber='{number}')").status
        == 204
    )
    assert (fo.machine.counts()["SalesOrderHeadersV2"], fo.machine.counts()["SalesOrderLines"]) == (0, 0)
