"""The facts of F&O that the product relies on, beside its twin: sets, properties, members, statuses, refusals.

The tables in ``facts/`` are plain data, taken from the ``$metadata`` and the answers of real environments; they say
what the product needs, and the twin must say the same.
"""

from __future__ import annotations

import json
import zoneinfo
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from tests.reference.dynamics_caller import Twin, start

import ml_connector.flows.customers.flow as customers
import ml_connector.flows.products.source as products
from ml_connector.flows.orders import set_up
from ml_connector.flows.orders.checks import own_prices
from ml_connector.flows.orders.customer.reference_data import LISTED
from ml_connector.flows.orders.customer.step import CUSTOMER_FIELDS
from ml_connector.flows.orders.lines import catalogue, item_settings, units
from ml_connector.flows.orders.placing.place import FURTHER
from ml_connector.flows.orders.terms import delivery
from ml_connector.mapping.load import load_mapping
from ml_connector.systems.dynamics import time_zones
from ml_connector.systems.dynamics.wall import ORDER_HEADERS, ORDER_LINES

FACTS = Path(__file__).parent / "facts"
FLOWS = Path(customers.__file__).parents[1]
SETS: dict[str, Any] = json.loads((FACTS / "dynamics_sets.json").read_text(encoding="utf-8"))
ERRORS: dict[str, Any] = json.loads((FACTS / "dynamics_errors.json").read_text(encoding="utf-8"))
NAMESPACE = "Microsoft.Dynamics.DataEntities."
EDM = {"edm": "http://docs.oasis-open.org/odata/ns/edm"}


@pytest.fixture(scope="module")
def metadata() -> ET.Element:
    return ET.fromstring(start().send("GET", "/data/$metadata").body)  # noqa: S314 - our own document


@pytest.fixture
def twin() -> Twin:
    return start()


def type_of(metadata: ET.Element, set_name: str) -> ET.Element | None:
    node = metadata.find(f".//edm:EntitySet[@Name='{set_name}']", EDM)
    if node is None:
        return None
    kind = node.attrib["EntityType"].removeprefix(NAMESPACE)
    return metadata.find(f".//edm:EntityType[@Name='{kind}']", EDM)


def named(node: ET.Element, kind: str) -> dict[str, str]:
    return {
        child.attrib["Name"]: child.attrib["Type"].removeprefix("Edm.").removeprefix(NAMESPACE)
        for child in node.iterfind(f"edm:{kind}", EDM)
    }


@pytest.mark.parametrize("set_name", SETS["sets"])
def test_the_twin_has_the_keys_and_types_the_product_relies_on(metadata: ET.Element, set_name: str) -> None:
    """A renamed property or another type in the twin would let wrong product code pass."""
    facts, node = SETS["sets"][set_name], type_of(metadata, set_name)
    assert node is not None
    keys = [child.attrib["Name"] for child in node.iterfind("edm:Key/edm:PropertyRef", EDM)]
    assert keys == facts["keys"]
    assert facts["properties"].items() <= named(node, "Property").items()


@pytest.mark.parametrize("enum", SETS["enums"])
def test_the_twin_has_the_members_the_product_relies_on(metadata: ET.Element, enum: str) -> None:
    """Names and values of every enumeration of those properties."""
    node = metadata.find(f".//edm:EnumType[@Name='{enum}']", EDM)
    assert node is not None
    found = {child.attrib["Name"]: int(child.attrib["Value"]) for child in node}
    assert found == SETS["enums"][enum]


def test_the_twin_lacks_what_f_and_o_lacks(metadata: ET.Element) -> None:
    """The traps: a set, properties and a navigation that one would expect, and that are not there."""
    absent = SETS["not_there"]
    assert [name for name in absent["sets"] if type_of(metadata, name) is not None] == []
    for kind, names in (("Property", absent["properties"]), ("NavigationProperty", absent["navigations"])):
        for name in names:
            set_name, _, member = name.partition(".")
            node = type_of(metadata, set_name)
            assert node is not None
            assert member not in named(node, kind)


def test_the_navigations_the_product_follows_lead_where_it_expects(metadata: ET.Element) -> None:
    """By the bindings of the container."""
    for name, target in SETS["navigations"].items():
        set_name, _, link = name.partition(".")
        path = f".//edm:EntitySet[@Name='{set_name}']/edm:NavigationPropertyBinding[@Path='{link}']"
        node = metadata.find(path, EDM)
        assert node is not None
        assert node.attrib["Target"] == target


def table(set_name: str) -> set[str]:
    return set(SETS["sets"][set_name]["properties"])


def mapping(flow: str) -> Any:
    path = FLOWS / flow / "mapping.yaml"
    return load_mapping(path.read_text(encoding="utf-8"), flow=flow, file_name=path.name)


def test_the_tables_hold_what_the_default_mappings_read_and_write() -> None:
    """A field added to a mapping is a fact to be checked."""
    read = {name for row in mapping("customers").fields for name in row.all_sources}
    assert read - customers.SUPPLIED <= table("CustomersV3")
    read = {name for row in mapping("products").fields for name in row.all_sources}
    assert read - products.SUPPLIED <= table("ReleasedProductsV2")
    document = mapping("orders")
    for set_name in ORDER_HEADERS:
        assert {row.target for row in document.header} <= table(set_name)
    for set_name in ORDER_LINES:
        assert {row.target for row in document.line} <= table(set_name)


def test_the_tables_hold_what_the_code_reads() -> None:
    """The fields that flows ask for by name."""
    assert {*customers.KEY_FIELDS, *CUSTOMER_FIELDS} <= table("CustomersV3")
    assert {*products.OWN_FIELDS, *catalogue.ITEM_FIELDS} <= table("ReleasedProductsV2")
    assert {*own_prices.ITEM_FIELDS} <= table("ReleasedProductsV2")
    assert {*own_prices.AGREEMENT_FIELDS} <= table(own_prices.AGREEMENTS)
    assert {own_prices.PRICE_GROUP} <= table("CustomersV3")
    assert {*catalogue.VARIANT_FIELDS} <= table(catalogue.VARIANTS)
    assert {*item_settings.DEFAULT_FIELDS} <= table(item_settings.DEFAULT_SETTINGS)
    assert {*item_settings.SPECIFIC_FIELDS} <= table(item_settings.SPECIFIC_SETTINGS)
    assert {*units.CONVERSION_FIELDS} <= table(units.CONVERSIONS)
    assert {*units.OWN_CONVERSION_FIELDS} <= table(units.OWN_CONVERSIONS)
    assert {*delivery.ADDRESS_FIELDS} <= table(delivery.ADDRESSES)
    assert {*set_up.UNIT_FIELDS} <= table("UnitsOfMeasure")
    assert {*set_up.WAREHOUSE_FIELDS} <= table("Warehouses")
    assert {*set_up.SITE_FIELDS} <= table("OperationalSitesV2")
    assert {*set_up.WORKER_FIELDS} <= table("EmployeesV2")
    for set_name in ORDER_LINES:
        assert {*FURTHER} <= table(set_name)
    assert {row.target for row in mapping("orders").customer} <= table("CustomersV3")
    for listed in LISTED.values():
        assert {listed.field} <= table(listed.data_entity)


def test_every_time_zone_of_f_and_o_has_its_iana_name() -> None:
    """A legal entity whose zone is not in the table would have its day taken from UTC."""
    members = SETS["enums"]["Timezone"]
    assert {member for member in members if not time_zones.iana(member)} == set()
    assert set(time_zones.ZONES.values()) <= zoneinfo.available_timezones()


@pytest.mark.parametrize("fact", ERRORS["answers"], ids=lambda fact: fact["what"])
def test_the_twin_answers_with_the_status_of_f_and_o(twin: Twin, fact: dict[str, Any]) -> None:
    """Status, and values F&O gives by itself."""
    answer = twin.send(fact["method"], fact["path"], fact.get("body"))
    assert answer.status == fact["status"], answer.body
    if "values" in fact:
        assert fact["values"].items() <= json.loads(answer.body).items()


@pytest.mark.parametrize("fact", ERRORS["refusals"], ids=lambda fact: fact["what"])
def test_the_twin_refuses_as_f_and_o_does(twin: Twin, fact: dict[str, Any]) -> None:
    """Status, the envelope, and the texts that clients read."""
    answer = twin.send(fact["method"], fact["path"], fact.get("body"))
    assert answer.status == fact["status"], answer.body
    assert answer.headers["Content-Type"].startswith(ERRORS["envelope"]["content_type"])
    error = json.loads(answer.body)["error"]
    assert sorted(error) == ERRORS["envelope"]["error"]
    inner = error["innererror"]
    assert sorted(inner) == ERRORS["envelope"]["innererror"]
    assert fact.get("outer", error["message"]) == error["message"]
    assert fact.get("inner", inner["message"]) == inner["message"]
    assert fact.get("type", inner["type"]) == inner["type"]
