"""Validations that an environment has added to F&O's own rules (reference: 2.4 call order, 2.5 texts)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.twin.dynamics.conftest import Caller

HEADERS, LINES = "/data/SalesOrderHeadersV2", "/data/SalesOrderLinesV3"


def header(account: str = "US-001", **further: Any) -> dict[str, Any]:
    return {"dataAreaId": "usmf", "OrderingCustomerAccountNumber": account, **further}


def validation(fo: Caller, of: str, when: dict[str, str], **further: str) -> None:
    values = {"ValidationId": f"{of} {when}", "Of": of, "When": when, "Message": "No, not this one."}
    fo.machine.add("validations", {"dataAreaId": "usmf", **values, **further})


def test_a_header_that_a_validation_describes_is_refused_in_its_words_and_nothing_of_it_stays(
    fo: Caller,
) -> None:
    """[2.4] validateWrite comes after defaulting: the customer's terms were not sent."""
    validation(fo, "orders", {"OrderingCustomerAccountNumber": "us-001", "PaymentTermsName": "Net30"})
    status, inner = fo.refusal("POST", HEADERS, header())
    assert status == 400
    assert "Infolog: Error: No, not this one.; Warning: validateWrite failed on data source" in inner
    assert fo.rows("SalesOrderHeadersV2") == []
    assert fo.create("SalesOrderHeadersV2", header("US-003"))


def test_a_validation_may_be_one_of_a_field(fo: Caller) -> None:
    """[2.5] validateField names the field."""
    validation(fo, "orders", {"CustomerRequisitionNumber": ""}, Field="CustomerRequisitionNumber")
    inner = fo.refusal("POST", HEADERS, header())[1]
    assert "validateField failed on field 'SalesOrderHeaderV2Entity.CustomerRequisitionNumber'" in inner
    assert fo.create("SalesOrderHeadersV2", header(CustomerRequisitionNumber="PO 1"))


def test_a_line_is_looked_at_with_its_quantity_and_its_order(fo: Caller) -> None:
    validation(fo, "lines", {"OrderedSalesQuantity": ">10", "Order.OrderingCustomerAccountNumber": "US-001"})
    for account, quantity, status in (("US-001", 11, 400), ("US-001", 10, 201), ("US-003", 11, 201)):
        number = fo.create("SalesOrderHeadersV2", header(account))["SalesOrderNumber"]
        body = {"SalesOrderNumber": number, "ItemNumber": "D0001", "OrderedSalesQuantity": quantity}
        assert fo.send("POST", LINES, body).status == status, (account, quantity)


def test_a_change_is_validated_too_and_another_legal_entity_is_not(fo: Caller) -> None:
    number = fo.create("SalesOrderHeadersV2", header())["SalesOrderNumber"]
    validation(fo, "orders", {"CustomerRequisitionNumber": "PO 1"})
    key = f"{HEADERS}(dataAreaId='usmf',SalesOrderNumber='{number}')"
    assert fo.send("PATCH", key, {"CustomerRequisitionNumber": "PO 1"}).status == 400
    assert fo.rows("SalesOrderHeadersV2")[0]["CustomerRequisitionNumber"] == ""
    assert fo.send("PATCH", key, {"CustomerRequisitionNumber": "PO 2"}).status == 204


def test_a_new_customer_may_be_refused(fo: Caller) -> None:
    validation(fo, "customers", {"CustomerGroupId": "10"})
    body = {
        "dataAreaId": "usmf",
        "OrganizationName": "New",
        "CustomerGroupId": "10",
        "SalesCurrencyCode": "USD",
    }
    assert fo.send("POST", "/data/CustomersV3", body).status == 400
