"""What people in F&O do to an order after it was placed, and the statuses that follow (flows.md 4)."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from ml_connector.twin.dynamics.errors import InfologError, RefusalError

if TYPE_CHECKING:
    from tests.twin.dynamics.conftest import Caller

NUMBER = "SO-000001"
PATH = f"/data/SalesOrderHeadersV2(dataAreaId='usmf',SalesOrderNumber='{NUMBER}')"


@pytest.fixture
def placed(fo: Caller) -> Caller:
    """An environment with one order of two lines, SO-000001."""
    fo.create("SalesOrderHeadersV2", {"OrderingCustomerAccountNumber": "US-001"})
    for quantity in (2, 4):
        body = {"SalesOrderNumber": NUMBER, "ItemNumber": "D0001", "OrderedSalesQuantity": quantity}
        fo.create("SalesOrderLinesV3", body | {"SalesPrice": 10})
    return fo


def act(fo: Caller, name: str, **how: Any) -> str:
    return fo.machine.act(name, "usmf", NUMBER, how, fo.now)


def statuses(fo: Caller) -> tuple[str, str, list[str]]:
    order = fo.get(PATH)
    lines = fo.rows("SalesOrderLinesV3", orderby="LineNumber")
    kinds = [row["SalesOrderLineStatus"] for row in lines]
    return order["SalesOrderStatus"], order["SalesOrderProcessingStatus"], kinds


def test_an_order_goes_its_way_from_open_to_invoiced(placed: Caller) -> None:
    """[META] Active, Confirmed, Picked, PartiallyDelivered, Delivered, DeliveredPartiallyInvoiced, Invoiced."""
    open_lines = ["Backorder", "Backorder"]
    assert statuses(placed) == ("Backorder", "Active", open_lines)
    act(placed, "confirm")
    assert statuses(placed) == ("Backorder", "Confirmed", open_lines)
    act(placed, "pick")
    assert statuses(placed) == ("Backorder", "Picked", open_lines)
    act(placed, "deliver", share="partly")
    assert statuses(placed) == ("Backorder", "PartiallyDelivered", ["Delivered", "Backorder"])
    act(placed, "deliver")
    assert statuses(placed) == ("Delivered", "Delivered", ["Delivered", "Delivered"])
    act(placed, "invoice", share="partly")
    assert statuses(placed) == ("Delivered", "DeliveredPartiallyInvoiced", ["Invoiced", "Delivered"])
    assert act(placed, "invoice") == "Invoiced"
    assert statuses(placed) == ("Invoiced", "Invoiced", ["Invoiced", "Invoiced"])


def test_a_part_of_an_open_order_can_be_invoiced(placed: Caller) -> None:
    """[META] PartiallyInvoiced: an invoice delivers what was not."""
    act(placed, "invoice", share="partly")
    assert statuses(placed) == ("Backorder", "PartiallyInvoiced", ["Invoiced", "Backorder"])


def test_one_line_can_be_delivered_by_half(placed: Caller) -> None:
    """[META] A line with a rest stays Backorder."""
    act(placed, "deliver", share="partly")
    act(placed, "deliver", share="partly")
    assert statuses(placed) == ("Backorder", "PartiallyDelivered", ["Delivered", "Backorder"])


def test_confirming_confirms_the_dates_asked_for_but_none_in_the_past(placed: Caller) -> None:
    """[flows.md 4] Requested and confirmed ship date; a confirmed date stays."""
    act(placed, "change", date="2026-04-01")
    placed.machine.act("confirm", "usmf", NUMBER, {}, placed.now)
    order = placed.get(PATH)
    assert order["ConfirmedShippingDate"] == order["RequestedShippingDate"] == "2026-04-01T12:00:00Z"
    assert order["ConfirmedReceiptDate"] == "2026-03-02T12:00:00Z"
    assert placed.rows("SalesOrderLinesV3")[0]["ConfirmedShippingDate"] == "2026-04-01T12:00:00Z"
    placed.machine.act("confirm", "usmf", NUMBER, {}, placed.now + timedelta(days=90))
    assert placed.get(PATH)["ConfirmedShippingDate"] == "2026-04-01T12:00:00Z"


def test_an_order_or_a_line_can_be_cancelled(placed: Caller) -> None:
    """[META] Canceled lines do not hold an order back; an order of cancelled lines is Canceled."""
    lots = [row["InventoryLotId"] for row in placed.rows("SalesOrderLinesV3", orderby="LineNumber")]
    act(placed, "cancel", line=lots[0])
    assert statuses(placed) == ("Backorder", "Active", ["Canceled", "Backorder"])
    act(placed, "cancel")
    assert statuses(placed) == ("Canceled", "Canceled", ["Canceled", "Canceled"])
    for name in ("confirm", "pick", "deliver", "invoice", "cancel"):
        with pytest.raises(InfologError, match="is closed"):
            act(placed, name)


def test_cancelling_a_delivered_part_cancels_the_rest(placed: Caller) -> None:
    """[6.2 undo] Later only quantities are cancelled."""
    act(placed, "deliver", share="partly")
    act(placed, "cancel")
    assert statuses(placed) == ("Delivered", "Delivered", ["Delivered", "Canceled"])


def test_a_quantity_can_be_changed_and_the_amount_follows(placed: Caller) -> None:
    """[flows.md 4] Not below what is delivered."""
    lot = placed.rows("SalesOrderLinesV3", orderby="LineNumber")[0]["InventoryLotId"]
    act(placed, "change", line=lot, quantity="5")
    row = placed.rows("SalesOrderLinesV3", orderby="LineNumber")[0]
    assert (row["OrderedSalesQuantity"], row["LineAmount"]) == (5, 50)
    act(placed, "deliver", share="partly")
    with pytest.raises(InfologError):
        act(placed, "change", line=lot, quantity="4")
    path = f"/data/SalesOrderLinesV3(dataAreaId='usmf',InventoryLotId='{lot}')"
    assert "less than the delivered" in placed.refusal("PATCH", path, {"OrderedSalesQuantity": 4})[1]


def test_every_act_changes_the_row_tag_once_and_an_idle_one_does_not(placed: Caller) -> None:
    """[2.4] The tag is a fingerprint of the tables."""
    before = placed.get(PATH)["@odata.etag"]
    act(placed, "confirm")
    after = placed.get(PATH)["@odata.etag"]
    act(placed, "confirm")
    assert (before != after, placed.get(PATH)["@odata.etag"]) == (True, after)


@pytest.mark.parametrize("kind", ["All", "Invoice"])
def test_a_payer_on_hold_gets_no_invoice(placed: Caller, kind: str) -> None:
    """[META CustVendorBlocked] The goods may go out all the same; a refused act changes nothing."""
    placed.machine.hold("usmf", "US-001", kind, placed.now)
    assert act(placed, "deliver") == "Delivered"
    with pytest.raises(InfologError, match="on hold"):
        act(placed, "invoice")
    assert statuses(placed)[1] == "Delivered"


def test_what_is_posted_cannot_be_deleted_or_changed_by_a_client(placed: Caller) -> None:
    """[6.2 undo] DELETE lines then header only while nothing is posted."""
    act(placed, "deliver", share="partly")
    lots = [row["InventoryLotId"] for row in placed.rows("SalesOrderLinesV3", orderby="LineNumber")]
    line = f"/data/SalesOrderLinesV3(dataAreaId='usmf',InventoryLotId='{lots[0]}')"
    assert "cannot be deleted" in placed.refusal("DELETE", line)[1]
    assert "cannot be deleted" in placed.refusal("DELETE", PATH)[1]
    act(placed, "invoice")
    assert "is closed" in placed.refusal("PATCH", line, {"SalesPrice": 1})[1]
    assert "is closed" in placed.refusal("PATCH", PATH, {"CustomersOrderReference": "X"})[1]


def test_an_order_without_lines_cannot_be_carried_out(fo: Caller, order: dict[str, Any]) -> None:
    """[6.2] Status None."""
    assert order["SalesOrderNumber"] == NUMBER
    with pytest.raises(InfologError, match="has no lines"):
        act(fo, "confirm")


@pytest.mark.parametrize("how", [{"share": "half"}, {"lines": "1"}, {"quantity": "many"}, {"date": "soon"}])
def test_a_wrong_wish_is_told_and_changes_nothing(placed: Caller, how: dict[str, str]) -> None:
    """Every member is checked before anything is done."""
    with pytest.raises(ValueError, match=r"share|takes|quantity is"):
        act(placed, "change", **how)


def test_unknown_orders_and_lines_are_told(placed: Caller) -> None:
    """By KeyError, as with edits."""
    with pytest.raises(KeyError):
        placed.machine.act("confirm", "usmf", "SO-9", {}, placed.now)
    with pytest.raises(KeyError):
        act(placed, "cancel", line="nope")


def test_a_customer_with_orders_cannot_be_deleted_by_anybody(placed: Caller) -> None:
    """[MS 1] Restricted delete actions."""
    with pytest.raises(RefusalError, match="dependent Sales orders exist"):
        placed.machine.remove("CustomersV3", "usmf:US-001")
    placed.machine.remove("CustomersV3", "usmf:US-003")
    assert placed.machine.counts()["CustomersV3"] == 6
