"""The F&O twin's ``$metadata`` beside that of a real environment: every set, key, property, type, enumeration."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest
from tests.reference.dynamics_caller import start

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.reference
NAMESPACE = "Microsoft.Dynamics.DataEntities."
EDM = {"edm": "http://docs.oasis-open.org/odata/ns/edm"}
# What the twin has and the reference lacks, with the reason.
MORE_ACTIONS = {
    "getSetDisplayValue": "public integration code calls it; the reference file holds the DMF actions"
}


@pytest.fixture(scope="module")
def twin() -> ET.Element:
    return ET.fromstring(start().send("GET", "/data/$metadata").body)  # noqa: S314 - our own document


@pytest.fixture(scope="module")
def entities(dynamics_reference: Path) -> dict[str, Any]:
    found = json.loads((dynamics_reference / "fo-entities.json").read_text(encoding="utf-8"))
    assert isinstance(found, dict)
    return found


@pytest.fixture(scope="module")
def trimmed(dynamics_reference: Path) -> ET.Element:
    return ET.parse(dynamics_reference / "fo-metadata-trimmed.xml").getroot()  # noqa: S314 - a file of our own


def types_of(root: ET.Element) -> dict[str, ET.Element]:
    return {node.attrib["Name"]: node for node in root.iterfind(".//edm:EntityType", EDM)}


def sets_of(root: ET.Element) -> dict[str, str]:
    return {
        node.attrib["Name"]: node.attrib["EntityType"].removeprefix(NAMESPACE)
        for node in root.iterfind(".//edm:EntitySet", EDM)
    }


def properties_of(node: ET.Element) -> list[tuple[str, str, bool]]:
    return [
        (child.attrib["Name"], child.attrib["Type"], child.attrib.get("Nullable", "true") == "true")
        for child in node.iterfind("edm:Property", EDM)
    ]


def keys_of(node: ET.Element) -> list[str]:
    return [child.attrib["Name"] for child in node.iterfind("edm:Key/edm:PropertyRef", EDM)]


def enums_of(root: ET.Element) -> dict[str, dict[str, int]]:
    return {
        node.attrib["Name"]: {
            child.attrib["Name"]: int(child.attrib["Value"]) for child in node.iterfind("edm:Member", EDM)
        }
        for node in root.iterfind(".//edm:EnumType", EDM)
    }


def navigations_of(root: ET.Element) -> dict[str, dict[str, str]]:
    return {
        name: {
            child.attrib["Name"]: child.attrib["Type"]
            for child in node.iterfind("edm:NavigationProperty", EDM)
        }
        for name, node in types_of(root).items()
    }


def bindings_of(root: ET.Element) -> dict[str, dict[str, str]]:
    return {
        node.attrib["Name"]: {
            child.attrib["Path"]: child.attrib["Target"]
            for child in node.iterfind("edm:NavigationPropertyBinding", EDM)
        }
        for node in root.iterfind(".//edm:EntitySet", EDM)
    }


def test_the_twin_has_the_sets_of_the_reference(twin: ET.Element, entities: dict[str, Any]) -> None:
    """Every set, of the same type."""
    assert sets_of(twin) == {name: entry["type"] for name, entry in entities["entitySets"].items()}


def test_every_set_has_the_same_keys_and_properties(twin: ET.Element, entities: dict[str, Any]) -> None:
    """Names, order, EDM types and nullability; the reference's two files disagree on keys that are enumerations:
    the table calls them nullable, the document (and CSDL) does not, and the document is followed.
    """
    types, sets = types_of(twin), sets_of(twin)
    for name, entry in entities["entitySets"].items():
        node = types[sets[name]]
        assert keys_of(node) == entry["keys"], name
        expected = [
            (prop, kind.replace("Enum:", NAMESPACE), nullable and prop not in entry["keys"])
            for prop, kind, nullable in entry["properties"]
        ]
        assert properties_of(node) == expected, name


def test_every_enumeration_has_the_same_members(twin: ET.Element, entities: dict[str, Any]) -> None:
    """Names and values."""
    assert enums_of(twin) == entities["enums"]


def test_the_document_agrees_with_the_reference_document(twin: ET.Element, trimmed: ET.Element) -> None:
    """Types, properties, navigations, bindings and enumerations of the two documents are the same."""
    assert sets_of(twin) == sets_of(trimmed)
    ours, theirs = types_of(twin), types_of(trimmed)
    assert ours.keys() == theirs.keys()
    for name, node in theirs.items():
        assert keys_of(ours[name]) == keys_of(node), name
        assert properties_of(ours[name]) == properties_of(node), name
    assert enums_of(twin) == enums_of(trimmed)
    assert navigations_of(twin) == navigations_of(trimmed)
    assert bindings_of(twin) == bindings_of(trimmed)


def test_the_actions_agree_with_the_reference_document(twin: ET.Element, trimmed: ET.Element) -> None:
    """Names, parameters and their types; what we have more is listed with its reason."""

    def actions(root: ET.Element) -> dict[str, list[tuple[str, str, str]]]:
        return {
            node.attrib["Name"]: [
                (child.tag.rpartition("}")[2], child.attrib.get("Name", ""), child.attrib["Type"])
                for child in node
            ]
            for node in root.iterfind(".//edm:Action", EDM)
        }

    ours = actions(twin)
    assert {name for name in ours if name not in actions(trimmed)} == set(MORE_ACTIONS)
    assert {name: found for name, found in ours.items() if name not in MORE_ACTIONS} == actions(trimmed)
