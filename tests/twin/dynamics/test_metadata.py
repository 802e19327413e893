"""``$metadata`` is valid CSDL 4.0 and says what the service does."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.twin.dynamics.conftest import Caller

NAMESPACE = "Microsoft.Dynamics.DataEntities."
SPACE = {"edm": "http://docs.oasis-open.org/odata/ns/edm"}
PRIMITIVE = {
    *("Edm.String", "Edm.Int32", "Edm.Int64", "Edm.Decimal", "Edm.DateTimeOffset", "Edm.Guid"),
    *("Edm.Boolean", "Edm.Binary"),
}


def document(fo: Caller) -> ET.Element:
    return ET.fromstring(fo.send("GET", "/data/$metadata").body)  # noqa: S314 - our own document


def named(root: ET.Element, kind: str) -> dict[str, ET.Element]:
    found = root.findall(f".//edm:{kind}", SPACE)
    names = {node.attrib["Name"]: node for node in found}
    assert len(names) == len(found), f"two {kind}s share a name"
    return names


def bare(kind: str) -> str:
    return kind.removeprefix("Collection(").removesuffix(")")


def types_named(root: ET.Element) -> Iterator[str]:
    for kind in ("Property", "NavigationProperty", "Parameter", "ReturnType"):
        yield from (bare(node.attrib["Type"]) for node in root.iterfind(f".//edm:{kind}", SPACE))
    yield from (node.attrib["EntityType"] for node in root.iterfind(".//edm:EntitySet", SPACE))


@pytest.mark.parametrize("switches", [{}, {"cds_sets": "missing", "bi_sets": "missing"}])
def test_every_type_that_is_named_is_defined(
    starting: Callable[..., Caller], switches: dict[str, str]
) -> None:
    """Also where an environment offers fewer sets."""
    root = document(starting(**switches))
    defined = {NAMESPACE + name for name in (*named(root, "EntityType"), *named(root, "EnumType"))}
    assert set(types_named(root)) <= defined | PRIMITIVE


def test_every_key_property_exists_and_no_name_is_there_twice(fo: Caller) -> None:
    """A type's key refers to its properties, and properties and navigations share one name space."""
    for node in named(document(fo), "EntityType").values():
        properties = [child.attrib["Name"] for child in node.iterfind("edm:Property", SPACE)]
        links = [child.attrib["Name"] for child in node.iterfind("edm:NavigationProperty", SPACE)]
        keys = {child.attrib["Name"] for child in node.iterfind("edm:Key/edm:PropertyRef", SPACE)}
        assert keys
        assert keys <= set(properties)
        assert len({*properties, *links}) == len(properties) + len(links)


@pytest.mark.parametrize("switches", [{}, {"cds_sets": "missing", "bi_sets": "missing"}])
def test_every_navigation_binding_resolves(starting: Callable[..., Caller], switches: dict[str, str]) -> None:
    """A binding names a navigation of the set's type, and a set whose type that navigation has."""
    root = document(starting(**switches))
    types, sets = named(root, "EntityType"), named(root, "EntitySet")
    for node in sets.values():
        own = types[node.attrib["EntityType"].removeprefix(NAMESPACE)]
        links = {
            child.attrib["Name"]: bare(child.attrib["Type"])
            for child in own.iterfind("edm:NavigationProperty", SPACE)
        }
        bound = {
            child.attrib["Path"]: sets[child.attrib["Target"]].attrib["EntityType"]
            for child in node.iterfind("edm:NavigationPropertyBinding", SPACE)
        }
        assert bound == links


def test_the_actions_are_declared(fo: Caller) -> None:
    """[MS 5] Exports by package; [CODE C5] the display value of a dimension set."""
    assert set(named(document(fo), "Action")) == {
        "ExportToPackage",
        "GetExportedPackageUrl",
        "GetExecutionSummaryStatus",
        "getSetDisplayValue",
    }


def test_sets_that_are_not_offered_are_not_there(starting: Callable[..., Caller]) -> None:
    """Neither by name nor as the target of a navigation."""
    fo = starting(bi_sets="missing", cds_sets="missing")
    text = fo.send("GET", "/data/$metadata").body.decode()
    assert "BiEntit" not in text
    assert "CDSPart" not in text
    assert fo.send("GET", "/data/CustTableBiEntities").status == 404
    assert fo.send("GET", "/data/PartyContactsV3?$expand=CDSParty").status == 400
