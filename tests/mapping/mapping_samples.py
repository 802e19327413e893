"""Records as the flows hand them to a mapping, and the shipped mapping files."""

from __future__ import annotations

from decimal import Decimal
from importlib.resources import files
from typing import Any

from ml_connector.mapping.apply import CompiledMapping, compile_mapping
from ml_connector.mapping.load import load_mapping
from ml_connector.mapping.model import FieldRow, MappingDocument


def shipped(flow: str) -> str:
    """The default mapping file of a flow."""
    return files("ml_connector.flows").joinpath(flow, "mapping.yaml").read_text(encoding="utf-8")


def customer(**changes: Any) -> dict[str, Any]:
    """A complete customer with some fields changed."""
    return {
        "CustomerKey": "usmf:US-001",
        "LegalEntity": "usmf",
        "CustomerAccount": "US-001",
        "InvoiceAccount": "",
        "CustomerGroupId": "30",
        "SalesCurrencyCode": "USD",
        "PaymentTerms": "Net30",
        "OnHoldStatus": "No",
        "Status": "Active",
        "OrganizationName": "Lakeside Pumps",
        "KnownAs": "",
        "NameAlias": "Lakeside",
        "PrimaryContactPhone": "(206) 555-0134",
        "PrimaryContactPhoneExtension": "",
        "PrimaryContactURL": "https://www.lakeside-pumps.example/en",
        "PrimaryContactEmail": "office@lakeside-pumps.example",
        "AddressStreet": "12 Harbor Ave\nSuite 300",
        "AddressCity": "Seattle",
        "AddressState": "WA",
        "AddressZipCode": "98101",
        "AddressCountryRegionId": "USA",
        "AddressCountryRegionISOCode": "US",
        **changes,
    }


def product(**changes: Any) -> dict[str, Any]:
    """A complete product with some fields changed."""
    return {
        "ProductKey": "0010",
        "ProductNumber": "0010",
        "ProductName": "Centrifugal pump",
        "ProductDescription": "Cast iron.\n\nFlange DN 50.",
        "ProductGroupId": "PUMPS",
        "ProductLifecycleStateId": "",
        "SalesUnitSymbol": "ea",
        "AvailableIn": ("demf", "usmf"),
        "Status": "Active",
        "ListPrice": Decimal("1249.500000"),
        "CostPrice": None,
        **changes,
    }


def order_header(**changes: Any) -> dict[str, Any]:
    """Every source of the shipped order header."""
    return {
        "legal_entity": "usmf",
        "customer.account": "US-001",
        "customer.payer": "US-002",
        "customer.language": "en-US",
        "deal.currency": "USD",
        "deal.customer_po": "",
        "order.requested_shipping_date": "2026-07-23",
        "order.requested_receipt_date": "",
        "order.delivery_address": "",
        "order.site": "",
        "order.warehouse": "",
        "order.taker": "",
        "order.responsible": "",
        "reference": "HS-77-4711",
        "order.pool": "",
        "order.origin": "HS",
        "order.dimensions": "-022--",
        "order.skip_auto_charges": "No",
        "order.prices_include_tax": False,
        **changes,
    }


def order_line(**changes: Any) -> dict[str, Any]:
    """Every source of the shipped order line."""
    return {
        "legal_entity": "usmf",
        "order.number": "000123",
        "line.item_number": " 0010",
        **dict.fromkeys(
            [f"line.{name}" for name in ("configuration", "size", "color", "style", "version")], ""
        ),
        "line.description": "Centrifugal pump",
        "line.quantity": Decimal("1E+2"),
        "line.unit": "ea",
        "line.price": Decimal("12.50"),
        "line.price_quantity": Decimal(1),
        "line.discount_amount": Decimal(0),
        "line.discount_percent": Decimal(0),
        "line.position": 1,
        "line.site": "",
        "line.warehouse": None,
        "line.dimensions": "",
        "line.requested_shipping_date": "",
        "line.requested_receipt_date": "",
        **changes,
    }


def one_row(**row: Any) -> CompiledMapping:
    """A mapping of a key (source ``Key``) and one row under test (target ``out``)."""
    key = FieldRow.model_validate({"target": "key", "source": "Key", "transform": [{"name": "key"}]})
    tested = FieldRow.model_validate({"target": "out", **row})
    return compile_mapping(
        MappingDocument(flow="customers", object="companies", key="key", fields=(key, tested))
    )


def mapped(value: Any, *calls: dict[str, Any], beside: dict[str, Any] | None = None, **row: Any) -> Any:
    """What one value becomes under these transforms; ``None`` when the row leaves it out."""
    mapping = one_row(source="Value", transform=calls, **row)
    return mapping.apply({"Key": "k", "Value": value, **(beside or {})}).properties.get("out")


def rows_file(*rows: str) -> str:
    """A mapping file with a key row on line 4 and these rows after it."""
    key = "  - {target: key, source: Key, transform: key}"
    return "\n".join(["object: companies", "key: key", "fields:", key, *rows])


def document(*rows: str) -> MappingDocument:
    """The document of such a file."""
    return load_mapping(rows_file(*rows), flow="customers", file_name="customers.yaml")
